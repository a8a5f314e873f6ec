//! Everything that is turned away over HTTP, with its code and status.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use witgate_gateway::front::http::Options;

use crate::support::{Ask, Reply, Site, session, soon, test};

#[tokio::test]
async fn every_refusal_has_its_code_and_status_in_both_eras() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let site = &site;
    let check = async |asked: [Ask<'_>; 2], code: i64, status: [u16; 2], reason: &str| {
        for (ask, status) in asked.into_iter().zip(status) {
            let reply = site.send(ask).await;
            assert_eq!(reply.refused(), (status, code), "{reply:?}");
            assert_eq!(reply.json()["id"], 7);
            assert_eq!(reply.json()["error"]["data"]["reason"], reason, "{reply:?}");
            assert!(!reply.text.contains("operator") && !reply.text.contains("puppet"), "{reply:?}");
        }
    };
    let asked = |what: &str| [Ask::legacy(&id, 7, "ping", &test(what)), Ask::modern(7, "server/discover", test(what))];
    let shown = |who: &str| asked("").map(|ask| ask.with("authorization", who));

    check(shown(""), -31401, [401, 401], "unauthenticated").await;
    check(shown("expired"), -31401, [401, 401], "unauthenticated").await;
    check(shown("small"), -31403, [403, 403], "insufficient-scope").await;
    check(shown("mallory"), -31403, [403, 403], "forbidden").await;
    check(asked("forbidden"), -31403, [200, 200], "forbidden").await;
    check(asked("invalid"), -32602, [200, 200], "invalid").await;
    check(asked("exhausted"), -31429, [200, 200], "exhausted").await;
    check(asked("unavailable"), -31503, [200, 200], "unavailable").await;
    check(asked("trap"), -31500, [200, 200], "fault").await;
    let unknown = [Ask::legacy(&id, 7, "no/such", &json!({})), Ask::modern(7, "no/such", json!({}))];
    check(unknown, -32601, [200, 404], "unknown-method").await;
    let nameless = [Ask::legacy(&id, 7, "tools/call", &json!({})), Ask::modern(7, "tools/call", json!({}))];
    check(nameless, -32602, [200, 200], "invalid").await;
}

#[tokio::test]
async fn some_refusals_carry_headers() {
    let site = Site::open().await;
    let bare = site.send(Ask::modern(1, "tools/list", json!({})).with("authorization", "")).await;
    let metadata = r#"resource_metadata="https://gate.example/meta""#;
    assert_eq!(bare.header("www-authenticate"), Some(format!("Bearer {metadata}").as_str()));
    let small = site.send(Ask::modern(1, "tools/list", json!({})).with("authorization", "small")).await;
    let want = format!(r#"Bearer error="insufficient_scope", scope="files:write", {metadata}"#);
    assert_eq!(small.header("www-authenticate"), Some(want.as_str()));
    let exhausted = site.send(Ask::modern(1, "tools/list", test("exhausted"))).await;
    assert_eq!(exhausted.header("retry-after"), Some("2"));
    assert_eq!(exhausted.json()["error"]["data"]["retryAfterMs"], 1500);
}

#[tokio::test]
async fn a_call_that_lasts_too_long_is_a_timeout() {
    let mut site = Site::open().await;
    let reply = site.send(Ask::modern(1, "server/discover", test("hold")).at("/quick")).await;
    assert_eq!(reply.refused(), (200, -31504));
    assert_eq!(site.world.end().await, "dropped");
}

#[tokio::test]
async fn invalid_arguments_of_a_tool_are_told_to_the_model_where_the_revision_has_that() {
    let site = Site::open().await;
    let mut params = test("invalid");
    params["name"] = "talk".into();
    let modern = site.send(Ask::modern(1, "tools/call", params.clone())).await.json();
    assert_eq!(modern["result"]["isError"], true, "{modern}");
    assert_eq!(modern["result"]["resultType"], "complete");
    assert_eq!(modern["result"]["content"][0]["text"], "no\n- /arguments/date: is no date");
    let id = session(&site, "2025-11-25").await;
    let newer = site.send(Ask::legacy(&id, 1, "tools/call", &params)).await.json();
    assert_eq!((&newer["result"]["isError"], newer["result"].get("resultType")), (&json!(true), None));
    let id = session(&site, "2025-06-18").await;
    let older = site.send(Ask::legacy(&id, 1, "tools/call", &params)).await;
    assert_eq!(older.refused(), (200, -32602));
    assert_eq!(older.json()["error"]["data"]["findings"][0]["pointer"], "/arguments/date");
}

#[tokio::test]
async fn a_refused_notification_is_an_http_error_without_an_id() {
    let site = Site::open().await;
    let id = session(&site, "2025-11-25").await;
    let note = |what: &str| Ask::note(&id, "notifications/initialized", &test(what));
    let accepted = site.send(note("")).await;
    assert_eq!((accepted.status, accepted.text.as_str()), (202, ""));
    let site = &site;
    let check = async |ask: Ask<'_>, want: (u16, i64)| {
        let reply = site.send(ask).await;
        assert_eq!(reply.refused(), want);
        assert_eq!(reply.json().get("id"), None);
    };
    check(note("").with("authorization", ""), (401, -31401)).await;
    check(note("").with("authorization", "small"), (403, -31403)).await;
    check(note("").with("authorization", "bob"), (403, -31403)).await;
    check(note("forbidden"), (403, -31403)).await;
    check(note("invalid"), (400, -32602)).await;
    check(note("exhausted"), (429, -31429)).await;
    check(note("unavailable"), (503, -31503)).await;
    check(note("trap"), (500, -31500)).await;
    let modern = note("invalid").with("mcp-session-id", "").with("mcp-protocol-version", "2026-07-28");
    check(modern.clone(), (400, -32602)).await;
    let modern = Ask { body: r#"{"jsonrpc":"2.0","method":"x/y"}"#.into(), ..modern };
    assert_eq!(site.send(modern).await.status, 202);
}

#[tokio::test]
async fn what_is_no_message_is_turned_away() {
    let site = Site::open().await;
    let site = &site;
    let check = async |body: &str, want: (u16, i64), id: Value| {
        let reply = site.send(Ask::post(body.to_owned())).await;
        assert_eq!(reply.refused(), want, "{body}");
        assert_eq!(reply.json().get("id").cloned().unwrap_or_default(), id, "{body}");
    };
    check("", (400, -32700), Value::Null).await;
    check("{", (400, -32700), Value::Null).await;
    check(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, (400, -32700), Value::Null).await;
    check(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, (400, -32600), Value::Null).await;
    check(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, (400, -32600), Value::Null).await;
    check(r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, (400, -32600), "a".into()).await;
    check(r#"{"jsonrpc":"2.0","id":3,"method":"ping","params":[]}"#, (400, -32600), 3.into()).await;
}

#[tokio::test]
async fn what_is_not_for_here_is_turned_away() {
    let site = Site::open().await;
    let site = &site;
    let ping = || Ask::modern(1, "server/discover", json!({}));
    let check = async |ask: Ask<'_>, want: (u16, i64)| assert_eq!(site.send(ask).await.refused(), want);
    assert_eq!(site.send(ping().at("/mcp/")).await.status, 200);
    assert_eq!(site.send(ping().at("/mcp?x=y")).await.status, 200);
    let nowhere = site.send(ping().at("/admin")).await;
    assert_eq!((nowhere.status, nowhere.json()["error"].is_string()), (404, true));
    assert_eq!(site.send(ping().at("/mcp//")).await.status, 404);
    check(ping().by("GET"), (405, -32600)).await;
    assert_eq!(site.send(ping().by("GET")).await.header("allow"), Some("GET, POST, DELETE"));
    check(ping().by("PUT"), (405, -32600)).await;
    check(ping().by("DELETE"), (405, -32600)).await;
    check(ping().with("content-type", "text/plain"), (415, -32600)).await;
    check(ping().with("content-type", ""), (415, -32600)).await;
    check(ping().with("content-encoding", "gzip"), (415, -32600)).await;
    let mut twice = ping();
    twice.headers.push(("content-type", "text/plain".to_owned()));
    check(twice, (415, -32600)).await;
    check(ping().with("accept", "text/html"), (406, -32600)).await;
    check(ping().with("host", "evil.example"), (403, -31403)).await;
    check(ping().with("host", "evil.example").at("/admin"), (403, -31403)).await;
    check(ping().with("origin", "https://evil.example"), (403, -31403)).await;
    check(ping().with("origin", "null"), (403, -31403)).await;
    assert_eq!(site.send(ping().with("origin", "http://localhost:5173")).await.status, 200);
    let live = site.send(ping().by("GET").at("/health/live").with("host", "10.1.2.3")).await;
    assert_eq!((live.status, &live.json()["status"]), (200, &json!("live")));
}

#[tokio::test]
async fn what_is_too_much_or_too_slow_is_turned_away() {
    let options = Options { body_bytes: 1000, body_time: Duration::from_millis(50), ..Options::default() };
    let site = Site::with(options).await;
    let big = site.send(Ask::post(" ".repeat(1001))).await;
    assert_eq!(big.refused(), (413, -31413));
    assert_eq!(big.json()["error"]["data"]["limitBytes"], 1000);
    assert!(big.text.contains("1000 bytes"), "{big:?}");
    assert_eq!(site.send(Ask::post(" ".repeat(1000))).await.refused(), (400, -32700));

    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let answer = async |rest: String| {
        let mut stream = TcpStream::connect(site.address).await.expect("a connection");
        stream.write_all(format!("{head}{rest}").as_bytes()).await.expect("it reads");
        let mut text = String::new();
        soon(stream.read_to_string(&mut text)).await.expect("an answer");
        text
    };
    let chunked = answer(format!("transfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n", " ".repeat(1001))).await;
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    let slow = answer("content-length: 10\r\n\r\n{".into()).await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    let header = answer(format!("x: {}\r\n\r\n", "x".repeat(64 << 10))).await;
    assert!(header.starts_with("HTTP/1.1 431 "), "{header}");
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_cut_off() {
    let site = Site::with(Options { header_time: Duration::from_millis(50), ..Options::default() }).await;
    for said in ["", "P", "POST /mcp HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(site.address).await.expect("a connection");
        stream.write_all(said.as_bytes()).await.expect("it reads");
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
}

#[tokio::test]
async fn a_modern_request_says_who_it_is_in_headers_and_body_alike() {
    let site = Site::open().await;
    let site = &site;
    let call = || Ask::modern(5, "tools/list", json!({}));
    let named = || Ask::modern(5, "tools/call", json!({"name": "none"}));
    let check = async |ask: Ask<'_>, want: (u16, i64)| -> Reply {
        let reply = site.send(ask).await;
        assert_eq!(reply.refused(), want, "{reply:?}");
        assert_eq!(reply.json()["id"], 5);
        reply
    };
    assert_eq!(site.send(call()).await.status, 200);
    check(call().with("mcp-protocol-version", ""), (400, -32020)).await;
    check(call().with("mcp-protocol-version", "2025-11-25"), (400, -32020)).await;
    check(call().with("mcp-method", ""), (400, -32020)).await;
    check(call().with("mcp-method", "tools/call"), (400, -32020)).await;
    check(named().with("mcp-name", ""), (400, -32020)).await;
    check(named().with("mcp-name", "other"), (400, -32020)).await;
    check(named().with("mcp-name", "=?base64?bm9uZQ==?="), (200, -32602)).await;
    check(named().with("mcp-name", "=?base64?bm9uZQ?="), (400, -32020)).await;

    let body = |meta: Value| {
        let params = json!({ "_meta": meta });
        let message = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": params});
        Ask { body: message.to_string().into(), ..call() }
    };
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    check(body(json!({})), (400, -32602)).await;
    check(body(json!({ version: "2026-07-28" })), (400, -32602)).await;
    check(body(json!({ version: 7, capabilities: {} })), (400, -32602)).await;
    let level = json!({ version: "2026-07-28", capabilities: {}, "io.modelcontextprotocol/logLevel": "loud" });
    check(body(level), (200, -32602)).await;
    let future = body(json!({ version: "2099-01-01", capabilities: {} }));
    let reply = check(future.clone().with("mcp-protocol-version", "2099-01-01"), (400, -32022)).await;
    let data = &reply.json()["error"]["data"];
    assert_eq!((&data["requested"], &data["supported"][0]), (&json!("2099-01-01"), &json!("2026-07-28")));
    check(future, (400, -32020)).await;
    check(body(json!({})).with("mcp-protocol-version", "1900-01-01"), (400, -32022)).await;
    // Without a session, a legacy revision in `_meta` names no era that is stateless.
    let legacy = body(json!({ version: "2025-11-25", capabilities: {} }));
    check(legacy.with("mcp-protocol-version", "2025-11-25"), (400, -32600)).await;
    let response = call().with("mcp-session-id", "x");
    let response = Ask { body: r#"{"jsonrpc":"2.0","id":5,"result":{}}"#.into(), ..response };
    assert_eq!(site.send(response).await.refused(), (400, -32600));
}

#[tokio::test]
async fn mirrored_parameters_have_to_agree_with_the_tool_s_definition() {
    let site = Site::open().await;
    let params = json!({"name": "talk", "arguments": {"region": "eu"}});
    let call = || Ask::modern(1, "tools/call", params.clone());
    assert_eq!(site.send(call()).await.refused(), (400, -32020));
    assert_eq!(site.send(call().with("mcp-param-region", "us")).await.refused(), (400, -32020));
    site.world.release_tool.notify_one();
    assert_eq!(site.send(call().with("mcp-param-region", "eu")).await.status, 200);
}

#[tokio::test]
async fn names_that_differ_only_in_case_are_turned_away_in_every_revision() {
    let site = Site::open().await;
    for params in [
        json!({"name": "talk", "Arguments": {"x": 1}}),
        json!({"name": "talk", "arguments": {}, "custom": 1, "Custom": 2}),
        json!({"name": "talk", "_meta": {"ProgressToken": 1}}),
    ] {
        for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let id = session(&site, revision).await;
            let reply = site.send(Ask::legacy(&id, 9, "tools/call", &params)).await;
            assert_eq!((reply.refused(), &reply.json()["id"]), ((400, -32602), &json!(9)), "{params}");
        }
        let modern = site.send(Ask::modern(9, "tools/call", params.clone())).await;
        assert_eq!(modern.refused(), (400, -32602), "{params}");
    }
}

#[tokio::test]
async fn what_is_turned_away_is_recorded_with_what_is_known_of_it() {
    let site = Site::open().await;
    let named = Ask::modern(1, "tools/call", json!({"name": "talk"})).with("mcp-name", "other");
    assert_eq!(site.send(named).await.status, 400);
    let record = site.world.records.turned_away();
    assert_eq!((record.tenant.as_deref(), record.method.as_deref()), (Some("mcp"), Some("tools/call")));
    assert_eq!((record.target.as_deref(), record.code, record.status), (Some("talk"), -32020, Some(400)));
    assert!(record.peer.starts_with("127.0.0.1:") && record.cause.contains("Mcp-Name"), "{record:?}");
    assert_eq!(site.send(Ask::post("{")).await.status, 400);
    let record = site.world.records.turned_away();
    assert_eq!((record.tenant.as_deref(), record.method, record.code), (Some("mcp"), None, -32700));
}
