//! The pooled connections to one server, and what is read of a response's head.
//!
//! Each worker has a pool of its own, so that a connection is woken where its call is.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sha2::{Digest, Sha256};
use witgate_policy::Failure;
use witgate_policy::secret::Secret;

use super::socket::{Reading, Sockets};
use crate::home;
use crate::upstream::{Failed, Http};
use crate::whole::Whole;

/// For how long an idle connection is kept. Many servers (uvicorn, Node) end theirs after 5 s, and a call that is sent just
/// then is lost.
const IDLE: Duration = Duration::from_secs(4);
/// After which the system asks whether the other end is still there.
const SILENCE: Duration = Duration::from_mins(1);
/// Connections to one server that may wait so.
const IDLE_CONNECTIONS: usize = 64;
/// What is asked for where the address has no path.
const ROOT: PathAndQuery = PathAndQuery::from_static("/");
/// The longest `Retry-After` that is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// A client of one server.
pub(crate) struct Client {
    pools: Arc<Pools>,
    uri: Uri,
    headers: HeaderMap,
}

/// The credentials of a request: what is added to each, and a name for them that tells nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    headers: HeaderMap,
    pub(crate) key: [u8; 32],
}

impl Client {
    /// Checks the address and the headers; connects to nothing.
    pub(crate) fn new(http: &Http, connect: Duration) -> Result<Self, String> {
        let uri: Uri = http.url.parse().map_err(|e| format!("`{}` is not a URL: {e}", http.url))?;
        let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if !matches!(uri.scheme_str(), Some("http" | "https")) || !plain {
            return Err("the URL is not of the form http(s)://host:port/path, without user info".to_owned());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &http.headers {
            let (name, value) = field(name, value)?;
            headers.append(name, value);
        }
        headers
            .entry(header::USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!("witgate/", env!("CARGO_PKG_VERSION"))));
        speak_json(&mut headers);
        if uri.scheme() == Some(&Scheme::HTTP) {
            headers.entry(header::HOST).or_insert(host(&uri)?);
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // A stream that is silent for hours has to notice when its server is gone.
        tcp.set_keepalive(Some(SILENCE));
        tcp.set_connect_timeout(Some(connect));
        let origin = uri.clone();
        let tls = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|e| format!("TLS is not available: {e}"))?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp.clone());
        Ok(Self { pools: Arc::new(Pools::new(origin, tcp, tls)), uri, headers })
    }

    /// Where it sends to.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// A client of another address of the same server, on the same connections.
    pub(crate) fn at(&self, uri: Uri) -> Self {
        Self { pools: self.pools.clone(), uri, headers: self.headers.clone() }
    }

    /// The headers of a request: those that were configured, then the credentials, then `more`, which are the protocol's
    /// and win over all.
    pub(crate) fn headers(&self, shown: &Shown, more: HeaderMap) -> HeaderMap {
        let mut headers = self.headers.clone();
        if !shown.headers.is_empty() {
            replace(&mut headers, shown.headers.clone());
            speak_json(&mut headers);
        }
        replace(&mut headers, more);
        headers
    }

    /// Sends a request with [these](Self::headers) headers, whose body is empty unless it is a POST.
    pub(crate) async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: String,
    ) -> Result<Response<Reading>, Failed> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        match self.pools.here() {
            Connections::Plain(sockets) => {
                *request.uri_mut() = self.uri.path_and_query().cloned().unwrap_or(ROOT).into();
                sockets.send(request).await
            }
            Connections::Tls(pool) => {
                *request.uri_mut() = self.uri.clone();
                let answer = pool.request(request).await.map_err(|e| {
                    let why = with_sources(&e);
                    if e.is_connect() { Failed::not_sent(why) } else { Failed::no_reply(why) }
                })?;
                Ok(answer.map(Reading::from))
            }
        }
    }
}

/// The connections of each worker, and of those at home.
struct Pools {
    origin: Uri,
    tcp: HttpConnector,
    tls: HttpsConnector<HttpConnector>,
    all: Box<[OnceLock<Connections>]>,
}

enum Connections {
    Plain(Sockets),
    /// HTTP/2, too, where the server takes it.
    Tls(Box<Pool<HttpsConnector<HttpConnector>, Full<Bytes>>>),
}

impl Pools {
    fn new(origin: Uri, tcp: HttpConnector, tls: HttpsConnector<HttpConnector>) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { origin, tcp, tls, all: (0..=workers).map(|_| OnceLock::new()).collect() }
    }

    /// That of this thread. There may be more threads than pools; then they share.
    fn here(&self) -> &Connections {
        self.all[home::number() % self.all.len()].get_or_init(|| {
            if self.origin.scheme() == Some(&Scheme::HTTP) {
                return Connections::Plain(Sockets::new(self.tcp.clone(), self.origin.clone(), IDLE, IDLE_CONNECTIONS));
            }
            let mut builder = Pool::builder(TokioExecutor::new());
            builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(IDLE_CONNECTIONS);
            Connections::Tls(Box::new(builder.build(self.tls.clone())))
        })
    }
}

impl Shown {
    /// Checks headers with secrets filled in. The failure does not show their values.
    pub(crate) fn new(headers: &[(String, Secret)]) -> Result<Self, Failed> {
        let mut shown = Self::default();
        if headers.is_empty() {
            return Ok(shown);
        }
        let mut hash = Sha256::new();
        for (name, secret) in headers {
            for part in [name.as_str(), secret.expose()] {
                hash.update(part.len().to_be_bytes());
                hash.update(part);
            }
            let (name, mut value) = field(name, secret.expose()).map_err(Failed::not_sent)?;
            value.set_sensitive(true);
            shown.headers.append(name, value);
        }
        shown.key = hash.finalize().into();
        Ok(shown)
    }
}

fn field(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name).map_err(|_| format!("`{name}` is not a header name"))?;
    let value = HeaderValue::try_from(value).map_err(|_| format!("the value of the header `{name}` is not allowed"))?;
    Ok((parsed, value))
}

/// What the protocol sends and takes, whatever else was configured.
fn speak_json(headers: &mut HeaderMap) {
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// The name that the server is addressed by (RFC 9110, section 7.2): without the port that goes without saying.
fn host(uri: &Uri) -> Result<HeaderValue, String> {
    let (name, port) = (uri.host().unwrap_or_default(), uri.port_u16().filter(|port| *port != 80));
    let host = port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
    HeaderValue::try_from(host).map_err(|_| format!("`{name}` is not the name of a host"))
}

/// Fields of `new` take the place of those of the same name.
fn replace(headers: &mut HeaderMap, new: HeaderMap) {
    let mut last = None;
    for (name, value) in new {
        // A name comes once, with the first of its values.
        match (name, &last) {
            (Some(name), _) => {
                headers.insert(name.clone(), value);
                last = Some(name);
            }
            (None, Some(name)) => {
                headers.append(name.clone(), value);
            }
            (None, None) => {}
        }
    }
}

/// An error with its causes, which say what is meant.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Scheme, host and port, as credential plugins are told.
pub(crate) fn origin(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?)));
    parts.map(|(scheme, authority)| format!("{scheme}://{authority}").to_ascii_lowercase()).unwrap_or_default()
}

/// The media type without its parameters, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Cow<'_, str> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    let is_lower = !essence.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(essence) } else { Cow::Owned(essence.to_ascii_lowercase()) }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// Reads a body of at most `max_bytes` into `collected`. Cancel safe: what was read is there.
pub(crate) async fn collect(body: &mut Reading, collected: &mut Whole, max_bytes: usize) -> Result<(), Failed> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Failed::no_reply(with_sources(&e)))?;
        let Ok(data) = frame.into_data() else { continue };
        if collected.len() + data.len() > max_bytes {
            return Err(Failed::too_long(max_bytes));
        }
        collected.push(data);
    }
    Ok(())
}

/// The failure that a status is.
pub(crate) fn status(response: &Response<Reading>) -> Failed {
    let failure = Failure::HttpStatus(response.status().as_u16());
    Failed { retry_after: retry_after(response.headers(), SystemTime::now()), ..failure.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        #[track_caller]
        fn check(value: &str, want_s: Option<u64>) {
            let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:50 GMT").expect("date");
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(value).expect("value"))]);
            assert_eq!(retry_after(&headers, now), want_s.map(Duration::from_secs), "{value}");
        }
        check("120", Some(120));
        check("Fri, 31 Dec 1999 23:59:59 GMT", Some(9));
        check("Fri, 31 Dec 1999 23:00:00 GMT", Some(0));
        check("999999999999", Some(86_400));
        check("-1", None);
        check("soon", None);
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_at_once() {
        #[track_caller]
        fn check(url: &str, works: bool) {
            let http = Http { url: url.to_owned(), headers: Vec::new() };
            assert_eq!(Client::new(&http, IDLE).is_ok(), works, "{url}");
        }
        check("http://localhost:3000/mcp", true);
        check("https://example.com", true);
        check("ftp://example.com", false);
        check("https://me:secret@example.com", false);
        check("/mcp", false);
        check("http://", false);
    }

    #[test]
    fn credentials_have_one_key_each_and_do_not_show() {
        let shown = |name: &str, value: &str| Shown::new(&[(name.to_owned(), Secret::new(value))]).expect("a header");
        assert_eq!(shown("authorization", "a").key, shown("authorization", "a").key);
        assert_ne!(shown("authorization", "a").key, shown("authorization", "b").key);
        assert_ne!(shown("ab", "c").key, shown("a", "bc").key);
        assert!(!format!("{:?}", shown("authorization", "s3cret")).contains("s3cret"));
        let failed = Shown::new(&[("x".to_owned(), Secret::new("s3cret\n"))]).expect_err("a line feed");
        assert!(!format!("{failed:?}").contains("s3cret"));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("https://API.example.com:8443/mcp?x"), "https://api.example.com:8443");
        assert_eq!(origin("nonsense"), "");
    }
}
