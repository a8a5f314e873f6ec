//! A client without an SDK, over HTTP, which sends what it is told and keeps what it gets.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::answer::Answer;

/// 2026-07-28.
pub const MODERN: &str = "2026-07-28";
/// 2025-11-25.
pub const LEGACY: &str = "2025-11-25";

/// A client at one endpoint.
#[derive(Debug)]
pub struct Wire {
    http: Client,
    url: String,
    era: Era,
    session: Option<String>,
    headers: Vec<(String, String)>,
    next_id: u32,
}

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// With `initialize`.
    Legacy,
    /// Without sessions.
    Modern,
}

impl Wire {
    /// A client that has said nothing yet.
    pub fn new(url: &str, era: Era, headers: &[(&str, &str)]) -> Self {
        let http = Client::builder().no_proxy().timeout(PATIENCE).connect_timeout(Duration::from_secs(10));
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { http: http.build().expect("a client"), url: url.to_owned(), era, session: None, headers, next_id: 1 }
    }

    /// A modern client, which is ready at once.
    pub fn modern(url: &str) -> Self {
        Self::new(url, Era::Modern, &[])
    }

    /// A legacy client in a session of its own.
    pub async fn legacy(url: &str) -> Self {
        let mut wire = Self::new(url, Era::Legacy, &[]);
        wire.initialize().await;
        wire
    }

    /// Begins a session.
    pub async fn initialize(&mut self) -> Answer {
        let answer = self.request("initialize", &initialize().to_string()).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        self.session = answer.headers.get("mcp-session-id").cloned();
        let done = self.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, &[]).await;
        assert_eq!(done.status, 202, "{done:#?}");
        answer
    }

    /// The session's id.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Takes up a session, or another one.
    pub fn set_session(&mut self, session: Option<&str>) {
        self.session = session.map(str::to_owned);
    }

    /// Sends a request and waits for all of its answer. `params` is a JSON object as text, without `_meta` for a modern
    /// client.
    pub async fn request(&mut self, method: &str, params: &str) -> Answer {
        let response = self.begin(method, params).await;
        answer(response).await
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, arguments: &str) -> Answer {
        let params = format!(r#"{{"name":{},"arguments":{arguments}}}"#, Value::from(tool));
        self.request("tools/call", &params).await
    }

    /// Calls a tool with a progress token.
    pub async fn call_with_progress(&mut self, tool: &str, token: &str) -> Answer {
        let meta = json!({ "progressToken": token, LOG_LEVEL: "debug" });
        let params = format!(r#"{{"name":{},"arguments":{{}},"_meta":{meta}}}"#, Value::from(tool));
        self.request("tools/call", &params).await
    }

    /// Sends a request and gives back the response as soon as its head is there. Dropping it disconnects.
    pub async fn begin(&mut self, method: &str, params: &str) -> Response {
        let id = self.next_id;
        self.next_id += 1;
        let params = if self.era == Era::Modern { with_meta(params) } else { params.to_owned() };
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        let headers = self.mirrored(method, &params);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.prepare(&body, &headers).send().await.unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    /// Sends a body as it is, with the era's headers and some more.
    pub async fn post(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let response = self.prepare(body, headers).send().await;
        answer(response.unwrap_or_else(|error| panic!("{body}: {error:?}"))).await
    }

    /// Ends the session.
    pub async fn delete(&self) -> u16 {
        let request = self.http.delete(&self.url).headers(self.standing(&[]));
        request.send().await.expect("a response").status().as_u16()
    }

    fn prepare(&self, body: &str, headers: &[(&str, &str)]) -> RequestBuilder {
        self.http.post(&self.url).headers(self.standing(headers)).body(body.to_owned())
    }

    /// The headers of every request, of which `headers` replaces some; an empty value leaves one out.
    fn standing(&self, headers: &[(&str, &str)]) -> HeaderMap {
        let mut all: Vec<(String, String)> = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ];
        let revision = match (self.era, &self.session) {
            (Era::Modern, _) => Some(MODERN),
            (Era::Legacy, Some(_)) => Some(LEGACY),
            (Era::Legacy, None) => None,
        };
        all.extend(revision.map(|revision| ("mcp-protocol-version".to_owned(), revision.to_owned())));
        all.extend(self.session.iter().map(|session| ("mcp-session-id".to_owned(), session.clone())));
        all.extend(self.headers.iter().cloned());
        all.extend(headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())));
        let mut map = HeaderMap::new();
        for (name, value) in all {
            let name: reqwest::header::HeaderName = name.parse().expect("a header name");
            map.remove(&name);
            if !value.is_empty() {
                map.insert(name, value.parse().expect("a header value"));
            }
        }
        map
    }

    fn mirrored(&self, method: &str, params: &str) -> Vec<(&'static str, String)> {
        if self.era == Era::Legacy {
            return Vec::new();
        }
        let params: Value = serde_json::from_str(params).unwrap_or_default();
        let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str);
        let name = name.filter(|_| matches!(method, "tools/call" | "prompts/get" | "resources/read"));
        let mut headers = vec![("mcp-method", method.to_owned())];
        headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
        headers
    }
}

const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The `params` of `initialize`.
pub fn initialize() -> Value {
    json!({
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": { "name": "wire", "version": "1" },
    })
}

/// The parameters with what a modern request's `_meta` has to hold, put in as text.
pub fn with_meta(params: &str) -> String {
    let required = format!(
        r#""io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"wire","version":"1"}}"#
    );
    if let Some((before, after)) = params.split_once(r#""_meta":{"#) {
        return format!(r#"{before}"_meta":{{{required},{after}"#);
    }
    let rest = params.trim_start().trim_start_matches('{');
    let comma = if rest.trim() == "}" { "" } else { "," };
    format!(r#"{{"_meta":{{{required}}}{comma}{rest}"#)
}

/// Reads a response to its end.
pub async fn answer(response: Response) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
    let headers = headers.collect::<std::collections::BTreeMap<_, _>>();
    let is_stream =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let body = response.text().await.unwrap_or_else(|error| panic!("the body of a {status}: {error:?}"));
    let messages = if is_stream {
        events(&body)
    } else {
        Some(body.clone()).filter(|body| body.starts_with('{')).into_iter().collect()
    };
    Answer { status, headers, messages, body }
}

/// The data of a stream's events (HTML, server-sent events), without the empty ones that only carry an id.
fn events(body: &str) -> Vec<String> {
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    body.replace("\r\n", "\n").split("\n\n").map(data).filter(|data| !data.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_is_put_in_as_text() {
        #[track_caller]
        fn check(params: &str) {
            let value: Value = serde_json::from_str(&with_meta(params)).expect(params);
            assert_eq!(value["_meta"]["io.modelcontextprotocol/protocolVersion"], MODERN);
        }
        check("{}");
        check(r#"{"name":"x"}"#);
        check(r#"{"name":"x","_meta":{"progressToken":1}}"#);
    }

    #[test]
    fn events_are_the_data_of_a_stream() {
        assert_eq!(events("id: 1\ndata:\n\nevent: message\ndata: {\"a\":\r\ndata: 1}\n\n: hello\n\n"), ["{\"a\":\n1}"]);
    }
}
