//! What is decided on: messages as a client of 2026-07-28 sends them.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::json;
use witgate_policy::{
    Attempt, Call, Candidate, Circuit, Draft, Failure, Form, Identity, Kind, Message, Occasion, Payload, Peer,
    Presented, Revision, UpstreamFacts, Why,
};

/// A call of a tool, as bytes.
pub(crate) fn request() -> String {
    json!({ "jsonrpc": "2.0", "id": 1_000_000, "method": "tools/call", "params": params() }).to_string()
}

/// As they come: checked once.
static PARAMS: LazyLock<Payload> =
    LazyLock::new(|| Payload::parse_str(&params().to_string()).expect("the params are JSON"));

fn params() -> serde_json::Value {
    let arguments = json!({ "text": "the quick brown fox jumps over the lazy dog", "count": 3 });
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
    });
    json!({ "name": "echo", "arguments": arguments, "_meta": meta })
}

/// The tool's definition.
pub(crate) fn tool() -> Payload {
    let properties = json!({
        "text": { "type": "string", "minLength": 1, "maxLength": 200 },
        "count": { "type": "integer", "minimum": 0, "maximum": 100 },
    });
    let schema = json!({ "type": "object", "properties": properties, "required": ["text"] });
    Payload::of(&json!({ "name": "echo", "inputSchema": schema }))
}

/// A result of about so many bytes: prose, and as much again as rows.
pub(crate) fn result(bytes: usize) -> String {
    const LINE: &str = "Order 1042 of Miller and Sons: 3 items, shipped on 2026-03-14, 129.90 in all.\n";
    let row = json!({ "order": 1042, "customer": "Miller and Sons", "items": 3, "total": 129.9, "shipped": true });
    let rows = bytes / 2 / (row.to_string().len() + 1);
    let text = LINE.repeat(bytes / 2 / LINE.len());
    let content = json!([{ "type": "text", "text": text }]);
    json!({ "content": content, "structuredContent": { "rows": vec![row; rows] } }).to_string()
}

pub(crate) fn call() -> Call {
    Call::new(Draft {
        id: "1937bd11-0".into(),
        tenant: "acme".into(),
        form: Form::Request,
        method: "tools/call".into(),
        params: PARAMS.clone(),
        revision: Revision::V2026_07_28,
        traceparent: None,
        unix_time_s: 1_800_000_000,
        deadline: Instant::now() + Duration::from_hours(1),
        chance: 7,
    })
}

pub(crate) fn presented() -> Presented {
    Presented {
        headers: vec![("authorization".into(), b"Bearer bench-caller-key".to_vec())],
        peer: Peer { address: "127.0.0.1:51111".into(), certificate: None },
    }
}

pub(crate) fn identity() -> Identity {
    Identity { scopes: vec!["echo".into()], ..Identity::anonymous() }
}

pub(crate) fn message(bytes: usize) -> Message {
    let payload = Payload::parse_str(&result(bytes)).expect("a result");
    Message { kind: Kind::Result, method: "tools/call".into(), upstream: Some("one".into()), payload }
}

pub(crate) fn candidates() -> Vec<Candidate> {
    let candidate = |id: &str| Candidate {
        id: id.into(),
        labels: Arc::new([]),
        healthy: true,
        circuit: Circuit::Closed,
        in_flight: 0,
        latency: None,
    };
    vec![candidate("one"), candidate("two")]
}

pub(crate) fn attempt() -> Attempt {
    Attempt {
        number: 1,
        upstream: "one".into(),
        others: 1,
        elapsed: Duration::from_millis(5),
        time_left: Duration::from_secs(20),
        read_only: true,
        idempotent: true,
        failure: Failure::HttpStatus(503),
        retry_after: None,
        chance: 9,
    }
}

pub(crate) fn upstream() -> UpstreamFacts {
    UpstreamFacts { id: "one".into(), origin: "https://one.example.com".into(), labels: Arc::new([]) }
}

pub(crate) fn occasion() -> Occasion {
    Occasion { tenant: "acme".into(), why: Why::First, unix_time_s: 1_800_000_000, time_left: Duration::from_secs(20) }
}
