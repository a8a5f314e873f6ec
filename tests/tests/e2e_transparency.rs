//! With nothing in between that decides, a client gets what the server said, and the server what the client said.
//!
//! The peer is `servers/raw.py`, whose answers are full of what a parser or a model of MCP would spoil. They are compared
//! as text where the gate has nothing of its own to put in, otherwise as JSON and, since `1.0`, `1e0` and `1` are the same
//! to most parsers, by the spelling of every number.

use serde_json::{Value, json};
use witgate_tests::answer::{Answer, numbers};
use witgate_tests::client::raw_server;
use witgate_tests::gate::Gate;
use witgate_tests::pipe::Pipe;
use witgate_tests::reports::Reports;
use witgate_tests::server::Server;
use witgate_tests::settings;
use witgate_tests::wire::{Era, Wire};

/// What is asked, and whether the gate has fields of its own in the answer: a list has a cursor.
const REQUESTS: [(&str, &str, Own); 10] = [
    ("tools/call", r#"{"name":"odd","arguments":{}}"#, Own::Nothing),
    ("tools/call", r#"{"name":"plain","arguments":{}}"#, Own::Nothing),
    ("tools/call", r#"{"name":"broken","arguments":{}}"#, Own::Nothing),
    ("prompts/get", r#"{"name":"odd","arguments":{"who":"x"}}"#, Own::Nothing),
    ("resources/read", r#"{"uri":"raw://one"}"#, Own::Nothing),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"odd"},"argument":{"name":"who","value":"c"}}"#,
        Own::Nothing,
    ),
    ("tools/list", "{}", Own::Cursor),
    ("resources/list", "{}", Own::Cursor),
    ("resources/templates/list", "{}", Own::Cursor),
    ("prompts/list", "{}", Own::Cursor),
];

#[derive(Clone, Copy, PartialEq)]
enum Own {
    Nothing,
    Cursor,
}

fn era_of(name: &str) -> Era {
    if name == "modern" { Era::Modern } else { Era::Legacy }
}

async fn direct(era: &str, arguments: &[&str]) -> Pipe {
    let arguments = [&["stdio", "--era", era], arguments].concat();
    Pipe::open(raw_server(&arguments), era_of(era)).await
}

async fn client(url: &str, era: &str) -> Wire {
    match era_of(era) {
        Era::Modern => Wire::modern(url),
        Era::Legacy => Wire::legacy(url).await,
    }
}

#[track_caller]
fn assert_same(what: &str, own: Own, direct: &Answer, gated: &Answer) {
    let (want, got) = (direct.result_text(), gated.result_text());
    if own == Own::Nothing {
        assert_eq!(got, want, "{what}");
        return;
    }
    let (mut want_json, mut got_json) = (direct.result(), gated.result());
    assert_eq!(take(&mut got_json, "nextCursor").is_some(), take(&mut want_json, "nextCursor").is_some(), "{what}");
    assert_eq!(got_json, want_json, "{what}");
    assert_eq!(numbers(&got), numbers(&want), "{what}");
}

fn take(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut()?.remove(key)
}

/// Every answer of one era through the gate to one server.
async fn check(era: &str, gate: &Gate) {
    let mut direct = direct(era, &[]).await;
    let mut gated = client(gate.url(), era).await;
    for (method, params, own) in REQUESTS {
        let (want, got) = (direct.request(method, params).await, gated.request(method, params).await);
        assert_eq!(got.status, 200, "{method} {params}: {got:#?}");
        assert_same(&format!("{era} {method} {params}"), own, &want, &got);
    }
    let (want, got) = (direct.call("fail", "{}").await, gated.call("fail", "{}").await);
    assert_eq!(got.error_text(), want.error_text(), "{era} error");
}

#[tokio::test]
async fn answers_of_a_child_are_the_same_legacy() {
    let reports = Reports::listen().await;
    let upstream = settings::raw("raw", &reports, &["--era", "legacy"]);
    check("legacy", &Gate::start(&format!("anonymous = true\n{upstream}")).await).await;
}

#[tokio::test]
async fn answers_of_a_child_are_the_same_modern() {
    let reports = Reports::listen().await;
    let upstream = settings::raw("raw", &reports, &["--era", "modern"]);
    check("modern", &Gate::start(&format!("anonymous = true\n{upstream}")).await).await;
}

#[tokio::test]
async fn answers_over_http_are_the_same_legacy() {
    let reports = Reports::listen().await;
    let server = Server::raw("raw", &reports, &["--era", "legacy"]).await;
    let upstream = settings::remote("raw", server.url());
    check("legacy", &Gate::start(&format!("anonymous = true\n{upstream}")).await).await;
}

#[tokio::test]
async fn answers_over_http_are_the_same_modern() {
    let reports = Reports::listen().await;
    let server = Server::raw("raw", &reports, &["--era", "modern"]).await;
    let upstream = settings::remote("raw", server.url());
    check("modern", &Gate::start(&format!("anonymous = true\n{upstream}")).await).await;
}

/// Between eras an answer differs in the fields of the era, and in nothing else.
#[tokio::test]
async fn answers_are_the_same_across_eras() {
    for (client_era, server_era) in [("modern", "legacy"), ("legacy", "modern")] {
        let reports = Reports::listen().await;
        let upstream = settings::raw("raw", &reports, &["--era", server_era]);
        let gate = Gate::start(&format!("anonymous = true\n{upstream}")).await;
        let mut direct = direct(server_era, &[]).await;
        let mut gated = client(gate.url(), client_era).await;
        for (method, params, _) in REQUESTS {
            let (want, got) = (direct.request(method, params).await, gated.request(method, params).await);
            let what = format!("{client_era} client, {server_era} server, {method} {params}");
            assert_eq!(without_era(got.result()), without_era(want.result()), "{what}");
        }
        assert_eq!(gated.call("fail", "{}").await.error_text(), direct.call("fail", "{}").await.error_text());
    }
}

fn without_era(mut result: Value) -> Value {
    for key in ["resultType", "ttlMs", "cacheScope", "nextCursor"] {
        take(&mut result, key);
    }
    // A modern result may say which server it is from; a gate that adds that to a legacy server's may.
    if let Some(meta) = result.get_mut("_meta") {
        take(meta, "io.modelcontextprotocol/serverInfo");
    }
    if result["_meta"] == json!({}) {
        take(&mut result, "_meta");
    }
    result
}

#[tokio::test]
async fn all_pages_of_a_list_are_there() {
    let reports = Reports::listen().await;
    let upstream = settings::raw("raw", &reports, &["--era", "modern", "--pages"]);
    let gate = Gate::start(&format!("anonymous = true\n{upstream}")).await;
    let mut whole = direct("modern", &[]).await;
    let want = whole.request("tools/list", "{}").await.result()["tools"].clone();
    let mut gated = Wire::modern(gate.url());
    let (mut tools, mut params) = (Vec::new(), "{}".to_owned());
    for page in 0.. {
        assert!(page < 5, "the list does not end");
        let result = gated.request("tools/list", &params).await.result();
        tools.extend(result["tools"].as_array().cloned().unwrap_or_default());
        let Some(cursor) = result.get("nextCursor") else { break };
        params = json!({ "cursor": cursor }).to_string();
    }
    assert_eq!(Value::from(tools), want);
}

#[tokio::test]
async fn notifications_are_the_same() {
    for era in ["legacy", "modern"] {
        for transport in ["stdio", "http"] {
            let reports = Reports::listen().await;
            let server = Server::raw("raw", &reports, &["--era", era]).await;
            let upstream = match transport {
                "http" => settings::remote("raw", server.url()),
                _ => settings::raw("raw", &reports, &["--era", era]),
            };
            let gate = Gate::start(&format!("anonymous = true\n{upstream}")).await;
            let want = client(server.url(), era).await.call_with_progress("steps", "my-token").await;
            let got = client(gate.url(), era).await.call_with_progress("steps", "my-token").await;
            for method in ["notifications/progress", "notifications/message"] {
                let (want, got) = (want.notifications(method), got.notifications(method));
                assert!(!want.is_empty(), "{era} {transport} {method}: nothing to compare");
                assert_eq!(got, want, "{era} {transport} {method}");
            }
            assert_eq!(got.result_text(), want.result_text(), "{era} {transport}");
        }
    }
}

/// What a client says reaches the server as it was written: unknown fields, `_meta`, numbers, escapes.
#[tokio::test]
async fn requests_are_the_same() {
    let arguments =
        r#"{"n":1.0,"m":1e2,"big":123456789012345678901234567890,"s":"caf\u00e9 \/ é","x":[null,{}],"z":1,"a":2}"#;
    for era in ["legacy", "modern"] {
        let reports = Reports::listen().await;
        let upstream = settings::raw("raw", &reports, &["--era", era]);
        let gate = Gate::start(&format!("anonymous = true\n{upstream}")).await;
        let mut gated = client(gate.url(), era).await;
        let params = format!(
            r#"{{"name":"seen","arguments":{arguments},"x-unknown":{{"n":1.50}},"_meta":{{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","example.com/k":[1e1]}}}}"#
        );
        let seen: Value = serde_json::from_str(&gated.request("tools/call", &params).await.text()).expect("JSON");
        let message = seen["message"].as_str().expect("the message");
        assert!(message.contains(arguments), "{era}: {message}");
        assert!(message.contains(r#""x-unknown":{"n":1.50}"#), "{era}: {message}");
        let parsed: Value = serde_json::from_str(message).expect("JSON");
        let meta = &parsed["params"]["_meta"];
        assert_eq!(meta["example.com/k"], json!([1e1]), "{era}: {message}");
        let traceparent = meta["traceparent"].as_str().unwrap_or_default();
        assert!(traceparent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{era}: {message}");
        assert_eq!(parsed["params"]["name"], "seen");
    }
}

#[tokio::test]
async fn several_servers_differ_by_their_names_only() {
    for era in ["legacy", "modern"] {
        let reports = Reports::listen().await;
        let (one, two) =
            (settings::raw("one", &reports, &["--era", era]), settings::raw("two", &reports, &["--era", era]));
        let gate = Gate::start(&format!("anonymous = true\n{one}{two}")).await;
        let mut direct = direct(era, &[]).await;
        let mut gated = client(gate.url(), era).await;

        for (list, method) in [("tools", "tools/list"), ("prompts", "prompts/list")] {
            let want = direct.request(method, "{}").await.result()[list].clone();
            let got = gated.request(method, "{}").await.result()[list].as_array().cloned().unwrap_or_default();
            for prefix in ["one__", "two__"] {
                let of_server =
                    got.iter().filter(|member| member["name"].as_str().is_some_and(|name| name.starts_with(prefix)));
                let renamed = of_server.map(|member| {
                    let mut member = member.clone();
                    member["name"] = member["name"].as_str().map(|name| name[prefix.len()..].to_owned()).into();
                    member
                });
                assert_eq!(renamed.collect::<Value>(), want, "{era} {prefix} {method}");
            }
        }
        for (tool, own) in [("one__odd", "odd"), ("two__odd", "odd"), ("two__broken", "broken")] {
            let (want, got) = (direct.call(own, "{}").await, gated.call(tool, "{}").await);
            assert_eq!(got.result_text(), want.result_text(), "{era} {tool}");
        }
        let (want, got) = (direct.call("fail", "{}").await, gated.call("two__fail", "{}").await);
        assert_eq!(got.error_text(), want.error_text(), "{era} error");
    }
}
