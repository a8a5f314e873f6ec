//! The HTTP+SSE transport of 2024-11-05 as a stream of lines: what the gate writes goes out by POST, what comes on the
//! server's event stream is what it reads. So everything that holds for a server on pipes holds for this one.
//!
//! The stream is the connection: there is no going on behind its end, and whatever shows that the server does not know
//! it any more ends it. A message that the server refuses by itself is answered with an error, and hurts nobody else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, Uri};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use witgate_policy::Payload;

use super::line::{Line, Lines};
use crate::home;
use crate::upstream::envelope::{self, Message, Outcome};
use crate::upstream::http::sse::{Kind, Parser};
use crate::upstream::http::{Client, Reading, Shown, collect, media_type, status, with_sources};
use crate::upstream::{Failed, Spec};
use crate::whole::Whole;

/// Messages that are on their way at once; further ones wait.
const POSTS: usize = 32;
/// An address that is longer is none.
const ENDPOINT_BYTES: usize = 4096;
/// What is read of a response to a POST; the answer itself comes on the stream.
const RESPONSE_BYTES: usize = 64 << 10;
/// JSON-RPC's "internal error".
const INTERNAL_ERROR: i32 = -32603;

/// Opens the stream, learns where messages go, and serves the gate on `gate` until either side ends.
pub(super) async fn open(spec: &Arc<Spec>, client: Client, shown: &Shown, gate: DuplexStream) -> Result<(), Failed> {
    let response = client.send(Method::GET, client.headers(shown, HeaderMap::new()), String::new()).await?;
    if !response.status().is_success() {
        return Err(status(&response));
    }
    let kind = media_type(response.headers());
    if kind != "text/event-stream" {
        let kind: String = kind.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(Failed::not_sent(format!(
            "the server answered GET with content type `{kind}`, not with an event stream as HTTP+SSE does; leave out \
             `transport = \"sse\"` if it speaks Streamable HTTP"
        )));
    }
    let mut events = Events { body: response.into_body(), parser: Parser::tolerant(spec.limits.message.bytes) };
    let endpoint = events.endpoint().await?;
    let post = Post {
        client: client.at(resolve(client.uri(), &endpoint)?),
        shown: shown.clone(),
        patience: spec.timeouts.connect,
        limits: spec.limits.message,
    };
    let id = spec.id.clone();
    home::spawn(async move {
        let (lines, output) = tokio::io::split(gate);
        let (refused, refusals) = mpsc::channel(POSTS);
        let lines = Lines::new(lines, usize::MAX);
        let max_bytes = post.limits.bytes;
        let why = tokio::select! {
            why = hear(events, output, (refusals, max_bytes)) => why,
            why = say(post, lines, refused) => why,
        };
        tracing::debug!(upstream = %id, "event stream closed: {why}");
    });
    Ok(())
}

/// The server's stream.
struct Events {
    body: Reading,
    parser: Parser,
}

impl Events {
    /// The next event. Cancel safe.
    async fn next(&mut self) -> Result<(Kind, Bytes), String> {
        loop {
            if let Some(event) = self.parser.next_event() {
                return Ok(event);
            }
            let frame = self.body.frame().await.ok_or("the server closed its event stream")?;
            if let Ok(data) = frame.map_err(|e| with_sources(&e))?.into_data() {
                self.parser.push(&data).map_err(|e| e.to_string())?;
            }
        }
    }

    /// The event that comes first.
    async fn endpoint(&mut self) -> Result<String, Failed> {
        match self.next().await.map_err(Failed::not_sent)? {
            (Kind::Endpoint, data) if data.len() <= ENDPOINT_BYTES => String::from_utf8(data.into())
                .map_err(|_| Failed::not_sent("the server's event `endpoint` is not text")),
            (Kind::Endpoint, _) => Err(Failed::not_sent("the address in the server's event `endpoint` is too long")),
            _ => Err(Failed::not_sent("the server's event stream did not begin with the event `endpoint`")),
        }
    }
}

/// Where messages go. What the server names there is sent credentials, so it has to be at its own origin.
fn resolve(base: &Uri, endpoint: &str) -> Result<Uri, Failed> {
    let endpoint = endpoint.trim().split('#').next().unwrap_or_default();
    let origin = |uri: &Uri| {
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = uri.authority().filter(|authority| !authority.as_str().contains('@'))?.host().to_ascii_lowercase();
        Some((uri.scheme_str()?.to_ascii_lowercase(), host, uri.port_u16().unwrap_or(default)))
    };
    let scheme = base.scheme_str().unwrap_or_default();
    let authority = base.authority().map(ToString::to_string).unwrap_or_default();
    let path = base.path();
    let text = if endpoint.starts_with("//") {
        format!("{scheme}:{endpoint}")
    } else if endpoint.starts_with('/') {
        format!("{scheme}://{authority}{endpoint}")
    } else if endpoint.starts_with('?') {
        format!("{scheme}://{authority}{path}{endpoint}")
    } else if endpoint.split(['/', '?']).next().is_some_and(|first| first.contains(':')) {
        endpoint.to_owned()
    } else {
        let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
        format!("{scheme}://{authority}{folder}{endpoint}")
    };
    let bad = |why: &str| Failed::not_sent(format!("the address in the server's event `endpoint` {why}"));
    let uri: Uri = text.parse().map_err(|_| bad("is not a URL"))?;
    match (origin(&uri), origin(base)) {
        (Some(there), Some(here)) if there == here => Ok(uri),
        _ => Err(bad("is not at the origin of the stream")),
    }
}

/// Writes what the server says, each message on one line; says why it ended.
async fn hear(
    mut events: Events,
    mut output: impl AsyncWrite + Unpin,
    (mut refusals, max_bytes): (mpsc::Receiver<String>, usize),
) -> String {
    loop {
        let message = tokio::select! {
            event = events.next() => match event {
                Ok((Kind::Message, data)) => data,
                Ok((Kind::TooLong(Some(id)), _)) => too_long(id, max_bytes).into(),
                Ok(_) => continue,
                Err(why) => return why,
            },
            Some(refusal) = refusals.recv() => refusal.into(),
        };
        if write_line(&mut output, &message).await.is_err() {
            return "the gate closed the connection".to_owned();
        }
    }
}

/// Writes a message without the breaks of lines in it, which in JSON stand between tokens only.
async fn write_line(output: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> std::io::Result<()> {
    for line in message.split(|byte| matches!(byte, b'\n' | b'\r')) {
        output.write_all(line).await?;
        output.write_all(b" ").await?;
    }
    output.write_all(b"\n").await
}

/// In place of an answer that is too long, an error.
fn too_long(id: u64, max_bytes: usize) -> String {
    let error = json!({ "code": INTERNAL_ERROR, "message": Failed::too_long(max_bytes).told });
    envelope::response(&Payload::of(&id), &Outcome::Error(Payload::of(&error)))
}

/// Sends what the gate writes; says why it ended. Requests do not wait for each other, all else keeps its place.
async fn say(post: Post, mut lines: Lines<tokio::io::ReadHalf<DuplexStream>>, refused: mpsc::Sender<String>) -> String {
    let post = Arc::new(post);
    let mut posts = JoinSet::new();
    loop {
        let line = tokio::select! {
            Some(sent) = posts.join_next() => match sent {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => return why,
                Err(e) => return e.to_string(),
            },
            line = lines.next(), if posts.len() < POSTS => match line {
                Ok(Some(Line::Whole(line))) => line,
                _ => return "the gate closed the connection".to_owned(),
            },
        };
        let (sending, refused) = (post.clone(), refused.clone());
        match post.request(&line) {
            Some(id) => {
                posts.spawn(async move { sending.send(line, Some((id, refused))).await });
            }
            None => {
                if let Err(why) = post.send(line, None).await {
                    return why;
                }
            }
        }
    }
}

/// The way of messages to the server.
struct Post {
    client: Client,
    shown: Shown,
    patience: Duration,
    limits: witgate_policy::json::Limits,
}

impl Post {
    /// The id of a line that is a request.
    fn request(&self, line: &Bytes) -> Option<Payload> {
        let limits = witgate_policy::json::Limits { bytes: usize::MAX, ..self.limits };
        match envelope::decode(line.clone(), limits).ok()?.pop()? {
            Message::Request { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Sends one message. A request that the server refuses by itself is answered; an error ends the connection.
    async fn send(&self, line: Bytes, request: Option<(Payload, mpsc::Sender<String>)>) -> Result<(), String> {
        let body = String::from_utf8(line.into()).map_err(|e| e.to_string())?;
        let sent = self.client.send(Method::POST, self.client.headers(&self.shown, HeaderMap::new()), body);
        let response = timeout(self.patience, sent).await.map_err(|_| "the server does not take messages")?;
        let response = response.map_err(|failed| failed.failure.to_string())?;
        let status = response.status();
        if status.is_success() {
            // Read away, so that its connection can be used again.
            let mut rest = Whole::default();
            let _ = timeout(self.patience, collect(&mut response.into_body(), &mut rest, RESPONSE_BYTES)).await;
            return Ok(());
        }
        // Other credentials may be needed, the server may have forgotten the stream, or it may be ill.
        if !status.is_client_error() || matches!(status.as_u16(), 401 | 403 | 404 | 410) {
            return Err(format!("the server answered a message with {status}"));
        }
        if let Some((id, refused)) = request {
            let error = timeout(self.patience, self.error(response)).await.ok().flatten();
            let plain = || json!({ "code": INTERNAL_ERROR, "message": format!("the server answered with {status}") });
            let error = error.unwrap_or_else(|| Payload::of(&plain()));
            // Whoever does not listen any more has ended the connection.
            let _ = refused.send(envelope::response(&id, &Outcome::Error(error))).await;
        }
        Ok(())
    }

    /// The JSON-RPC error in a refusal.
    async fn error(&self, response: Response<Reading>) -> Option<Payload> {
        let mut text = Whole::default();
        collect(&mut response.into_body(), &mut text, RESPONSE_BYTES).await.ok()?;
        match envelope::decode(text.take(), self.limits).ok()?.pop()? {
            Message::Response { outcome: Outcome::Error(error), .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_where_the_server_says_if_that_is_at_its_own_origin() {
        #[track_caller]
        fn check(base: &str, endpoint: &str, want: Option<&str>) {
            let base: Uri = base.parse().expect("a URL");
            let got = resolve(&base, endpoint).ok().map(|uri| uri.to_string());
            assert_eq!(got.as_deref(), want, "{endpoint}");
        }
        let base = "http://Host:3001/a/sse?key=1";
        check(base, "/message?sessionId=1", Some("http://Host:3001/message?sessionId=1"));
        check(base, " message?at=a:b ", Some("http://Host:3001/a/message?at=a:b"));
        check(base, "?sessionId=1", Some("http://Host:3001/a/sse?sessionId=1"));
        check(base, "http://host:3001/m#part", Some("http://host:3001/m"));
        check(base, "//host:3001/m", Some("http://host:3001/m"));
        check("https://host", "messages", Some("https://host/messages"));
        check("https://host/sse", "https://host:443/m", Some("https://host:443/m"));
        for other in [
            "http://host/m",
            "https://host:3001/m",
            "http://other:3001/m",
            "//other:3001/m",
            "http://me@host:3001/m",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "/two words",
        ] {
            check(base, other, None);
        }
    }
}
