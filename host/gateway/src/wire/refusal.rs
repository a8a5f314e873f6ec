//! The one table from a [`Refusal`] to what a client gets.
//!
//! | reason | code | HTTP status | as a notification's |
//! |---|---|---|---|
//! | unauthenticated | -31401 | 401 and `WWW-Authenticate` | 401 |
//! | insufficient-scope | -31403 | 403 and `WWW-Authenticate` | 403 |
//! | forbidden | -31403 | 403 by auth, otherwise 200 | 403 |
//! | invalid | -32602 | 200 | 400 |
//! | unknown-target | -32602; a resource's up to 2025-11-25: -32002 | 200 | 400 |
//! | unknown-method | -32601 | modern 404, legacy 200 | modern 404, legacy 400 |
//! | header-mismatch | -32020 | 400 | 400 |
//! | exhausted | -31429 | 200 and `Retry-After` | 429 |
//! | fault | -31500 | 200 | 500 |
//! | unavailable | -31503 | 200 | 503 |
//! | timeout | -31504 | 200 | 504 |
//!
//! - A refusal inside HTTP 200 keeps a client's session alive, where an HTTP error made clients give it up; the
//!   statuses that differ are those that the specification or RFC 6750 demands. A notification has no answer to carry an
//!   error in, so its refusal always is an HTTP error.
//! - What a *plugin* finds invalid in a `tools/call` is a result with `isError` from 2025-11-25 on (SEP-1303), so that
//!   the model reads the findings and tries again. What the gate itself finds malformed stays a protocol error.
//! - `data` is `{"reason", "stage", "findings"?, "retryAfterMs"?}`. Neither the plugin's name nor its note is in it.
//! - On stdio the status and the headers have no place; the rest is the same.

use bytes::Bytes;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use witgate_policy::{Challenge, Finding, Form, Payload, Reason, Refusal, Revision, Stage};

use super::error::RpcError;
use super::message::RequestId;
use super::{code, encode};

/// Characters of a challenge's parameter that are passed on.
const PARAMETER_CHARS: usize = 1024;

/// Findings in the message of an error; its `data` has them all.
const FINDINGS_IN_SHORT: usize = 3;

/// What was refused.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The client's revision.
    pub revision: Revision,
    /// The method.
    pub method: &'a str,
    /// Whether there is an answer to put a refusal in.
    pub form: Form,
    /// The URL of the protected resource metadata (RFC 9728), for challenges.
    pub resource_metadata: Option<&'a str>,
}

/// A refusal as a client gets it.
#[derive(Debug, Clone)]
pub struct Denial {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Error(RpcError),
    Result(Payload),
}

struct Row {
    code: i32,
    request: StatusCode,
    notification: StatusCode,
}

impl Denial {
    /// Looks the refusal up.
    pub fn new(refusal: &Refusal, ask: Ask<'_>) -> Self {
        let row = row(refusal, ask);
        let status = if ask.form == Form::Request { row.request } else { row.notification };
        let body = if is_tool_failure(refusal, ask) {
            Body::Result(tool_failure(refusal, ask.revision))
        } else {
            Body::Error(RpcError { code: row.code, message: in_short(refusal), data: Some(data(refusal)) })
        };
        Self { status, headers: headers(refusal, ask), body }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The HTTP headers beside the body's own.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The JSON-RPC message.
    pub fn encode(&self, id: Option<&RequestId>) -> Bytes {
        match (&self.body, id) {
            (Body::Error(error), id) => encode::error(id, error),
            (Body::Result(result), Some(id)) => encode::result(id, result.as_str()),
            // Only a request is answered with a result, and a request has an id.
            (Body::Result(_), None) => Bytes::new(),
        }
    }
}

fn row(refusal: &Refusal, ask: Ask<'_>) -> Row {
    let row = |code, request, notification| Row { code, request, notification };
    let modern = ask.revision.is_modern();
    match refusal.reason {
        Reason::Unauthenticated => row(code::UNAUTHENTICATED, StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
        Reason::InsufficientScope => row(code::FORBIDDEN, StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        Reason::Forbidden if refusal.stage == Stage::Auth => {
            row(code::FORBIDDEN, StatusCode::FORBIDDEN, StatusCode::FORBIDDEN)
        }
        Reason::Forbidden => row(code::FORBIDDEN, StatusCode::OK, StatusCode::FORBIDDEN),
        Reason::UnknownTarget if !modern && ask.method.starts_with("resources/") => {
            row(code::RESOURCE_NOT_FOUND, StatusCode::OK, StatusCode::BAD_REQUEST)
        }
        Reason::Invalid | Reason::UnknownTarget => row(code::INVALID_PARAMS, StatusCode::OK, StatusCode::BAD_REQUEST),
        Reason::UnknownMethod if modern => row(code::METHOD_NOT_FOUND, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        // A legacy client reads 404 as the end of its session.
        Reason::UnknownMethod => row(code::METHOD_NOT_FOUND, StatusCode::OK, StatusCode::BAD_REQUEST),
        Reason::HeaderMismatch => row(code::HEADER_MISMATCH, StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST),
        Reason::Exhausted => row(code::EXHAUSTED, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS),
        Reason::Fault => row(code::FAULT, StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR),
        Reason::Unavailable => row(code::UNAVAILABLE, StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE),
        Reason::Timeout => row(code::TIMEOUT, StatusCode::OK, StatusCode::GATEWAY_TIMEOUT),
    }
}

fn is_tool_failure(refusal: &Refusal, ask: Ask<'_>) -> bool {
    refusal.reason == Reason::Invalid
        && refusal.plugin.is_some()
        && ask.form == Form::Request
        && ask.method == "tools/call"
        && ask.revision >= Revision::V2025_11_25
}

/// The message with its first findings, since most clients show nothing else of an error.
fn in_short(refusal: &Refusal) -> String {
    let told: Vec<String> = refusal.findings.iter().take(FINDINGS_IN_SHORT).map(told).collect();
    let more = match refusal.findings.len() - told.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    if told.is_empty() { refusal.message.clone() } else { format!("{}: {}{more}", refusal.message, told.join("; ")) }
}

fn told(finding: &Finding) -> String {
    format!("{}: {}", if finding.pointer.is_empty() { "params" } else { &finding.pointer }, finding.message)
}

fn tool_failure(refusal: &Refusal, revision: Revision) -> Payload {
    let mut text = refusal.message.clone();
    for finding in &refusal.findings {
        text.push_str("\n- ");
        text.push_str(&told(finding));
    }
    let mut result = Map::new();
    if revision.is_modern() {
        result.insert("resultType".into(), "complete".into());
    }
    result.insert("content".into(), json!([{ "type": "text", "text": text }]));
    result.insert("isError".into(), true.into());
    Payload::of(&result)
}

fn data(refusal: &Refusal) -> Value {
    let mut data = Map::new();
    data.insert("reason".into(), refusal.reason.label().into());
    data.insert("stage".into(), refusal.stage.as_str().into());
    if !refusal.findings.is_empty() {
        data.insert("findings".into(), json!(refusal.findings));
    }
    if let Some(millis) = refusal.retry_after_ms {
        data.insert("retryAfterMs".into(), millis.into());
    }
    data.into()
}

fn headers(refusal: &Refusal, ask: Ask<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let challenges = matches!(refusal.reason, Reason::Unauthenticated | Reason::InsufficientScope);
    if challenges && let Some(value) = challenge(refusal, ask.resource_metadata) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
    if let Some(millis) = refusal.retry_after_ms {
        headers.insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
    }
    headers
}

/// RFC 9110 section 11.6.1 wants a challenge with every 401, so a refusal without one gets a bare one.
fn challenge(refusal: &Refusal, resource_metadata: Option<&str>) -> Option<HeaderValue> {
    let bare = Challenge { scheme: "Bearer".into(), error: None, description: None, scope: None };
    let challenge = refusal.challenge.as_ref().unwrap_or(&bare);
    let insufficient = (refusal.reason == Reason::InsufficientScope).then_some("insufficient_scope");
    let parameters = [
        ("error", challenge.error.as_deref().or(insufficient)),
        ("error_description", challenge.description.as_deref()),
        ("scope", challenge.scope.as_deref()),
        ("resource_metadata", resource_metadata),
    ];
    let parameters: Vec<String> =
        parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}=\"{}\"", quotable(value?)))).collect();
    let scheme = if is_token(&challenge.scheme) { &challenge.scheme } else { "Bearer" };
    HeaderValue::from_str(format!("{scheme} {}", parameters.join(", ")).trim_end()).ok()
}

/// What RFC 6750 section 3 allows in a parameter; the rest is left out rather than escaped.
fn quotable(value: &str) -> String {
    value.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).take(PARAMETER_CHARS).collect()
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(token)
}

#[cfg(test)]
mod tests;
