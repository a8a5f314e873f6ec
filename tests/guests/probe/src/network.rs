//! Requests over `wasi:http`.

use serde::Deserialize;

use crate::bindings::wasi::http::outgoing_handler::{self, FutureIncomingResponse};
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
    http_error_code,
};
use crate::bindings::wasi::io::streams::StreamError;
use crate::stream;

/// What is read of a response's body unless the test says otherwise.
const BODY_BYTES: usize = 512;

/// One request, as untrusted code may put it together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Request {
    op: Word,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    scheme: Option<String>,
    #[serde(default)]
    authority: Option<String>,
    #[serde(default)]
    path: Option<String>,
    /// Names and values.
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    /// So many bytes of `x` after `body`.
    #[serde(default)]
    body_bytes: usize,
    #[serde(default)]
    connect_timeout_ms: Option<u64>,
    #[serde(default)]
    first_byte_timeout_ms: Option<u64>,
    #[serde(default)]
    between_bytes_timeout_ms: Option<u64>,
    /// Reads at most so many bytes of the response's body.
    #[serde(default)]
    read_bytes: Option<usize>,
    /// Shows the length of what was read rather than the text.
    #[serde(default)]
    count: bool,
    /// Does not wait for a response; the request is held until the call ends.
    #[serde(default)]
    hold: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Http,
}

/// Requests whose response nobody waits for.
#[derive(Default)]
pub(crate) struct Held(Vec<FutureIncomingResponse>);

impl Request {
    /// A response as `STATUS name=value,… body`, or the error's name.
    pub(crate) fn run(&self, held: &mut Held) -> Result<String, String> {
        let Word::Http = self.op;
        let request = self.request()?;
        let body = request.body().map_err(|()| "body: refused".to_owned())?;
        let future = outgoing_handler::handle(request, self.options()?).map_err(code)?;
        // What the host does not take is its affair: it may have answered already.
        let sent = self.send(body);
        if self.hold {
            held.0.push(future);
            return Ok("held".to_owned());
        }
        let response = loop {
            match future.get() {
                Some(Ok(response)) => break response.map_err(code)?,
                Some(Err(())) => return Err("response: taken".to_owned()),
                None => future.subscribe().block(),
            }
        };
        let told = self.response(&response)?;
        sent.map_err(|e| format!("{e} (after {told})"))?;
        Ok(told)
    }

    fn request(&self) -> Result<OutgoingRequest, String> {
        let refused = |part: &'static str| move |()| format!("{part}: refused");
        let entries: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        let fields = Fields::from_list(&entries).map_err(|e| format!("headers: {e:?}"))?;
        let request = OutgoingRequest::new(fields);
        request.set_method(&method(self.method.as_deref())).map_err(refused("method"))?;
        request.set_scheme(self.scheme.as_deref().map(scheme).as_ref()).map_err(refused("scheme"))?;
        request.set_authority(self.authority.as_deref()).map_err(refused("authority"))?;
        request.set_path_with_query(self.path.as_deref()).map_err(refused("path"))?;
        Ok(request)
    }

    fn options(&self) -> Result<Option<RequestOptions>, String> {
        let nanos = |ms: Option<u64>| ms.map(|ms| ms.saturating_mul(1_000_000));
        let options = RequestOptions::new();
        options
            .set_connect_timeout(nanos(self.connect_timeout_ms))
            .and_then(|()| options.set_first_byte_timeout(nanos(self.first_byte_timeout_ms)))
            .and_then(|()| options.set_between_bytes_timeout(nanos(self.between_bytes_timeout_ms)))
            .map_err(|()| "timeouts: refused".to_owned())?;
        Ok(Some(options))
    }

    fn send(&self, body: OutgoingBody) -> Result<(), String> {
        if !self.body.is_empty() || self.body_bytes > 0 {
            let stream = body.write().map_err(|()| "body: taken".to_owned())?;
            stream::write(&stream, self.body.as_bytes()).map_err(|e| failure(&e))?;
            let piece = [b'x'; 4096];
            let mut left = self.body_bytes;
            while left > 0 {
                let some = left.min(piece.len());
                stream::write(&stream, &piece[..some]).map_err(|e| failure(&e))?;
                left -= some;
            }
        }
        OutgoingBody::finish(body, None).map_err(code)
    }

    fn response(&self, response: &IncomingResponse) -> Result<String, String> {
        let status = response.status();
        let headers: Vec<String> = response.headers().entries().into_iter().map(header).collect();
        let body = response.consume().map_err(|()| "body: taken".to_owned())?;
        let read = {
            let stream = body.stream().map_err(|()| "body: taken".to_owned())?;
            stream::read(&stream, self.read_bytes.unwrap_or(BODY_BYTES)).map_err(|e| failure(&e))
        };
        drop(IncomingBody::finish(body));
        let read = read.map_err(|e| format!("{e} (after {status})"))?;
        let text =
            if self.count { format!("{} bytes", read.len()) } else { String::from_utf8_lossy(&read).into_owned() };
        Ok(format!("{status} {} {text}", headers.join(",")))
    }
}

fn method(name: Option<&str>) -> Method {
    match name.unwrap_or("GET") {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn scheme(name: &str) -> Scheme {
    match name {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    }
}

fn header((name, value): (String, Vec<u8>)) -> String {
    format!("{name}={}", String::from_utf8_lossy(&value))
}

/// The error's name without the enum's: `HttpRequestDenied`.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn code(error: ErrorCode) -> String {
    format!("{error:?}").trim_start_matches("ErrorCode::").to_owned()
}

fn failure(error: &StreamError) -> String {
    if let StreamError::LastOperationFailed(io) = error
        && let Some(error) = http_error_code(io)
    {
        return code(error);
    }
    stream::failure(error)
}
