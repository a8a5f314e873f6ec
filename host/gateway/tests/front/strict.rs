//! Messages that are none, or that two readers could read differently: each has its code, over both fronts and in both
//! eras, and takes nothing from what comes after it.

use serde_json::{Value, json};

use crate::stdio::Pipe;
use crate::support::{Ask, Site, initialize, session};

const PARSE: i64 = -32700;
const REQUEST: i64 = -32600;
const PARAMS: i64 = -32602;
const TOO_LARGE: i64 = -31413;

/// Bytes, the code that they are refused with, and the id that the refusal names.
fn cases() -> Vec<(Vec<u8>, i64, Value)> {
    let mut all = Vec::new();
    let mut add = |text: &str, code: i64, id: Value| all.push((text.as_bytes().to_vec(), code, id));
    let whole = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
    // What is no JSON, or more than one.
    for text in ["{", "\u{feff}{}", "{'a':1}", r#"{"a":01}"#, r#"{"a":NaN}"#, r#"{"a":1e999}"#, r#"{"a":1,}"#, "nope"] {
        add(text, PARSE, Value::Null);
    }
    for text in [format!("\u{feff}{whole}"), format!("{whole} x"), format!("{whole}{whole}"), format!("{whole}\0")] {
        add(&text, PARSE, Value::Null);
    }
    // A name twice, wherever; the arguments of a tool too.
    for text in [
        r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","m\u0065thod":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":1,"a":1}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":{"a":1,"a":1}}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":{"x":[{"a":1,"a":1}]}}}"#,
    ] {
        add(text, PARSE, Value::Null);
    }
    // Halves of characters.
    for text in [
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"\ud800"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"\udfff":1}}"#,
        r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"\ud800x"}"#,
    ] {
        add(text, PARSE, Value::Null);
    }
    let deep = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    add(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{}}}"#, deep(64)), PARSE, Value::Null);
    add(&"[".repeat(100_000), PARSE, Value::Null);
    // JSON that is no message.
    for text in ["null", "7", "\"x\"", "[]", &format!("[{whole}]")] {
        add(text, REQUEST, Value::Null);
    }
    let long = "i".repeat(257);
    for id in ["null", "1.5", "1.0", "1e3", "true", "{}", "[7]", "9223372036854775808", &format!("\"{long}\"")] {
        add(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#), REQUEST, Value::Null);
    }
    for version in [r#""1.0""#, "2.0", "null", r#""2.0 ""#] {
        add(&format!(r#"{{"jsonrpc":{version},"id":7,"method":"ping"}}"#), REQUEST, json!(7));
    }
    for rest in [
        r#""method":"ping""#,
        r#""jsonrpc":"2.0""#,
        r#""jsonrpc":"2.0","Method":"ping""#,
        r#""jsonrpc":"2.0","method":"ping","Params":{}"#,
        r#""jsonrpc":"2.0","method":"ping","extra":1"#,
        r#""jsonrpc":"2.0","method":7"#,
        r#""jsonrpc":"2.0","method":"""#,
        r#""jsonrpc":"2.0","method":"pi ng""#,
        r#""jsonrpc":"2.0","method":"ping","params":[]"#,
        r#""jsonrpc":"2.0","method":"ping","params":null"#,
        r#""jsonrpc":"2.0","method":"ping","result":{}"#,
        r#""jsonrpc":"2.0","result":{},"error":{}"#,
        r#""jsonrpc":"2.0","result":7"#,
    ] {
        add(&format!(r#"{{"id":7,{rest}}}"#), REQUEST, json!(7));
    }
    // Names that some parsers read as others; what a tool calls its arguments is its own affair.
    for params in
        [r#"{"Name":"t"}"#, r#"{"name":"t","ARGUMENTS":{}}"#, r#"{"_meta":{"progresstoken":1}}"#, r#"{"_Meta":{}}"#]
    {
        add(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#), PARAMS, json!(7));
    }
    all.push((b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"\xff\"}".to_vec(), PARSE, Value::Null));
    all.push((b"\xff\xfe{\0}\0".to_vec(), PARSE, Value::Null));
    all
}

#[tokio::test]
async fn what_is_no_message_has_its_code_over_http_in_every_era() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    for (bytes, code, named) in cases() {
        let modern = Ask::post(bytes.clone()).with("mcp-protocol-version", "2026-07-28").with("mcp-method", "ping");
        let legacy = Ask::post(bytes.clone()).with("mcp-session-id", &id);
        for ask in [Ask::post(bytes.clone()), modern, legacy] {
            let reply = site.send(ask).await;
            let told = format!("{} {reply:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(100)]));
            assert_eq!(
                (reply.refused(), reply.json().get("id").unwrap_or(&Value::Null)),
                ((400, code), &named),
                "{told}"
            );
        }
    }
    assert_eq!(site.send(Ask::legacy(&id, 1, "ping", &json!({}))).await.status, 200);
}

#[tokio::test]
async fn what_is_no_message_has_its_code_over_stdio() {
    let mut pipe = Pipe::open("mcp", "alice");
    assert!(pipe.ask(&initialize("2025-11-25")).await["result"].is_object());
    for (bytes, code, named) in cases() {
        pipe.bytes(&bytes).await;
        let answer = pipe.next().await;
        let told = format!("{} {answer}", String::from_utf8_lossy(&bytes[..bytes.len().min(100)]));
        assert_eq!(
            (&answer["error"]["code"], answer.get("id").unwrap_or(&Value::Null)),
            (&json!(code), &named),
            "{told}"
        );
    }
    let ping = json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" });
    assert_eq!(pipe.ask(&ping).await["result"], json!({}));
}

#[tokio::test]
async fn a_handshake_is_read_strictly_and_what_is_kept_of_it_is_bounded() {
    let site = Site::open().await;
    let mut pipe = Pipe::open("mcp", "alice");
    let long = "x".repeat(64 << 10);
    for (member, value, want) in [
        ("protocolVersion", json!(7), (200, PARAMS)),
        ("protocolVersion", json!(null), (200, PARAMS)),
        ("capabilities", json!([]), (200, PARAMS)),
        ("clientInfo", json!("me"), (200, PARAMS)),
        ("clientInfo", json!({ "name": long, "version": "1" }), (413, TOO_LARGE)),
    ] {
        let mut message = initialize("2025-11-25");
        message["params"][member] = value;
        let reply = site.send(Ask::json(&message)).await;
        assert_eq!((reply.refused(), reply.header("mcp-session-id")), (want, None), "{member}");
        assert_eq!(pipe.ask(&message).await["error"]["code"], want.1, "{member}");
    }
    let params = json!({ "notifications": { "resourceSubscriptions": [long] } });
    assert_eq!(site.send(Ask::modern(1, "subscriptions/listen", params)).await.refused(), (413, TOO_LARGE));
}
