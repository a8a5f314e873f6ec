//! What only modern servers do.

use super::*;

#[tokio::test]
async fn a_modern_server_sees_headers_that_say_what_the_body_says() {
    let server = modern(|seen| seen.result(&json!({ "ok": true }))).await;
    let (upstream, ledger) = server.upstream();
    let params = json!({ "name": "ä", "arguments": { "region": "eu" } });
    let tool = json!({ "inputSchema": { "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } } });
    let tool = Payload::of(&tool);
    let routed = routed("alice", "tools/call", params.clone(), SOON).await;
    let client = client(Revision::V2026_07_28);
    let headers =
        [("authorization".to_owned(), Secret::new("Bearer token")), ("x-fixed".to_owned(), Secret::new("no"))];
    let outgoing = Outgoing { client: &client, params: Payload::of(&params), tool: Some(&tool), headers: &headers };
    let (got, _) = result(&mut upstream.send(&routed, outgoing).await.expect("sent")).await.expect("answered");
    assert_eq!(got, json!({ "ok": true }));
    let seen = server.saw("tools/call").await;
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?w6Q=?="),
        ("mcp-param-region", "eu"),
        ("authorization", "Bearer token"),
        ("x-fixed", "no"),
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("mcp-session-id"), None);
    let meta = &seen.body["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({ "roots": {} }));
    assert_eq!(ledger.told(), ["answered"]);
    assert_eq!(upstream.facts().origin, server.url.trim_end_matches("/mcp"));
}

#[tokio::test]
async fn a_server_that_refuses_the_revision_and_offers_it_is_asked_once_more() {
    for (refusals, want) in [(1, "2026-07-28"), (2, "the server refuses MCP 2026-07-28, and offers it")] {
        let count = AtomicU32::new(0);
        let server = Server::start(move |seen| match count.fetch_add(1, SeqCst) {
            n if n < refusals => {
                let error = json!({ "code": -32022, "message": "no", "data": { "supported": ["2026-07-28"] } });
                json_body(400, &json!({ "jsonrpc": "2.0", "id": seen.body["id"], "error": error }))
            }
            _ => seen.discovered(),
        })
        .await;
        let (upstream, _) = server.upstream();
        let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await;
        let got = facts.map_or_else(|failed| format!("{:?}", failed.failure), |facts| facts.revision.to_string());
        assert!(got.contains(want), "{got} instead of {want}");
        assert_eq!(server.methods(), ["POST server/discover", "POST server/discover"]);
    }
}

#[tokio::test]
async fn a_tool_that_may_not_be_shown_is_left_out_of_a_modern_list_only() {
    let tool = |name: &str, kind: &str| json!({ "name": name, "inputSchema": { "properties": { "a": { "type": kind, "x-mcp-header": "A" } } } });
    let tools = json!({ "tools": [tool("good", "string"), tool("bad", "number")] });
    let listed = move |seen: &Seen| seen.result(&tools);
    let (modern, legacy) = (modern(listed.clone()).await, legacy(listed).await);
    for (server, want) in [(modern, &["good"][..]), (legacy, &["good", "bad"])] {
        let mut exchange = send(&server.upstream().0, "tools/list", json!({})).await.expect("sent");
        let (page, _) = result(&mut exchange).await.expect("answered");
        let names: Vec<_> = page["tools"].as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, want);
    }
}
