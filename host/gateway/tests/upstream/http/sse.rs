//! The transport of 2024-11-05: messages go by POST, answers come on the stream of a GET.

use super::*;

type Stream = Arc<Mutex<Option<mpsc::UnboundedSender<String>>>>;

/// A server of that time. `answer` says what it does with a request: a status, and what it tells on the stream.
async fn old(
    endpoint: &'static str,
    answer: impl Fn(&Seen) -> (u16, Option<Value>) + Send + Sync + 'static,
) -> (Server, Stream) {
    let open = Stream::default();
    let stream = open.clone();
    let server = Server::start(move |seen| {
        if seen.method == Method::GET {
            let (sender, response) = events(None);
            sender.send(format!("event: endpoint\ndata: {endpoint}\n\n")).expect("open");
            *stream.lock().expect("stream") = Some(sender);
            return response;
        }
        let (status, told) = match seen.rpc() {
            "initialize" => {
                let result = json!({ "protocolVersion": "2024-11-05", "capabilities": {} });
                (202, Some(json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": result })))
            }
            method if method.starts_with("notifications/") => (202, None),
            _ => answer(seen),
        };
        if let (Some(told), Some(sender)) = (told, &*stream.lock().expect("stream")) {
            sender.send(event(&told)).expect("open");
        }
        plain(status, &[])
    })
    .await;
    (server, open)
}

fn reach(server: &Server) -> (Arc<Upstream>, Arc<Ledger>) {
    upstream(Transport::Sse(Http { url: server.url.clone(), headers: vec![("x-fixed".into(), "yes".into())] }))
}

fn result_of(seen: &Seen) -> Value {
    json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": { "echo": seen.body["params"]["arguments"] } })
}

#[tokio::test]
async fn calls_go_by_post_and_are_answered_on_the_stream() {
    let (server, _open) = old("/messages?sessionId=1", |seen| (202, Some(result_of(seen)))).await;
    let (upstream, ledger) = reach(&server);
    for n in 0..3 {
        let params = json!({ "name": "t", "arguments": { "n": n } });
        assert_eq!(ask(&upstream, params).await.expect("answered").0, json!({ "echo": { "n": n } }));
    }
    let methods = server.methods();
    assert_eq!(methods[..3], ["GET ", "POST initialize", "POST notifications/initialized"]);
    assert_eq!(methods.len(), 6, "{methods:?}");
    assert!(server.seen().iter().all(|seen| seen.header("x-fixed") == Some("yes")));
    let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    assert_eq!(facts.revision, Revision::V2024_11_05);
    assert_eq!(upstream.facts().origin, server.url.trim_end_matches("/mcp"));
    assert_eq!(ledger.told(), ["answered", "answered", "answered"]);
}

#[tokio::test]
async fn a_message_that_is_refused_hurts_no_other() {
    let (server, _open) = old("/m", |seen| match seen.body["params"]["name"].as_str() {
        Some("big") => (413, None),
        _ => (202, Some(result_of(seen))),
    })
    .await;
    let (upstream, _) = reach(&server);
    let (refused, _) = ask(&upstream, json!({ "name": "big" })).await.expect("answered");
    assert_eq!(refused["error"]["message"], "the server answered with 413 Payload Too Large");
    ask(&upstream, call()).await.expect("the connection is still there");
    assert_eq!(server.methods().iter().filter(|method| *method == "GET ").count(), 1);
}

#[tokio::test]
async fn a_stream_that_ends_is_opened_anew_by_the_next_call() {
    let (server, open) = old("/m", |seen| match seen.body["params"]["name"].as_str() {
        Some("gone") => (404, None),
        Some("silent") => (202, None),
        _ => (202, Some(result_of(seen))),
    })
    .await;
    let (upstream, _) = reach(&server);
    let failed = ask(&upstream, json!({ "name": "gone" })).await.expect_err("the server knows no such stream");
    assert!(matches!(failed.failure, Failure::NoReply(_)), "{failed:?}");
    ask(&upstream, call()).await.expect("a new stream");
    let mut silent = send(&upstream, "tools/call", json!({ "name": "silent" })).await.expect("sent");
    server.saw("tools/call").await;
    open.lock().expect("stream").take();
    let failed = result(&mut silent).await.expect_err("the stream ended");
    assert!(matches!(failed.failure, Failure::NoReply(_)), "{failed:?}");
    ask(&upstream, call()).await.expect("a new stream");
    assert_eq!(server.methods().iter().filter(|method| *method == "GET ").count(), 3);
}

#[tokio::test]
async fn what_is_no_such_server_is_said() {
    type Answer = fn(&Seen) -> Response<Body>;
    let stream = |text: &str| {
        let (sender, response) = events(None);
        sender.send(text.to_owned()).expect("open");
        response
    };
    let cases: [(Answer, &str); 5] = [
        (|_| plain(405, &[]), "leave out `transport = \\\"sse\\\"`"),
        (|_| plain(401, &[]), "HttpStatus(401)"),
        (|_| json_body(200, &json!({})), "not with an event stream"),
        (|_| events(None).1, "the server closed its event stream"),
        (|seen| seen.error(500, -32603), "HTTP 500"),
    ];
    let texts = [
        ("event: endpoint\ndata: http://elsewhere.example/m\n\n", "is not at the origin of the stream"),
        ("data: {}\n\n", "did not begin with the event `endpoint`"),
    ];
    let check = async |server: Server, want: &str| {
        let failed = ask(&reach(&server).0, call()).await.expect_err("no such server");
        let got = format!("{:?}", failed.failure);
        assert!(got.contains(want), "{got} instead of {want}");
        assert!(server.seen().iter().all(|seen| seen.method == Method::GET), "nothing was sent elsewhere");
    };
    for (answer, want) in cases {
        check(Server::start(answer).await, want).await;
    }
    for (text, want) in texts {
        check(Server::start(move |_| stream(text)).await, want).await;
    }
}

#[tokio::test]
async fn each_credential_has_a_stream_of_its_own() {
    let (server, _open) = old("/m", |seen| (202, Some(result_of(seen)))).await;
    let (upstream, _) = reach(&server);
    let client = client(Revision::V2025_11_25);
    for token in ["a", "b"] {
        let params = json!({ "name": token, "arguments": {} });
        let routed = routed("alice", "tools/call", params.clone(), SOON).await;
        let headers = [("authorization".to_owned(), Secret::new(token))];
        let outgoing = Outgoing { client: &client, params: Payload::of(&params), tool: None, headers: &headers };
        result(&mut upstream.send(&routed, outgoing).await.expect("sent")).await.expect("answered");
    }
    let shown: Vec<_> = server.seen().iter().map(|seen| seen.header("authorization").map(str::to_owned)).collect();
    let (first, second) = shown.split_at(4);
    assert!(first.iter().all(|token| token.as_deref() == Some("a")), "{shown:?}");
    assert!(second.len() == 4 && second.iter().all(|token| token.as_deref() == Some("b")), "{shown:?}");
}
