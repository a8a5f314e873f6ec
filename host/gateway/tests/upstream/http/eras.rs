//! How a server's era is found out.

use super::*;

#[tokio::test]
async fn the_eras_are_told_apart_by_the_answer_to_the_probe() {
    type Probe = fn(&Seen) -> Response<Body>;
    let probes: [(Probe, &str); 8] = [
        (Seen::discovered, "2026-07-28"),
        (|seen| seen.error(200, -32601), "2025-11-25"),
        (|_| plain(400, &[]), "2025-11-25"),
        (|seen| seen.error(400, -32000), "2025-11-25"),
        (|_| plain(405, &[]), "2025-11-25"),
        (|seen| seen.error(400, -32020), "the server refused `server/discover` with error -32020"),
        (|_| plain(401, &[]), "HttpStatus(401)"),
        (|_| plain(503, &[]), "NotSent(\"the server answered the handshake with HTTP 503\")"),
    ];
    for (probe, want) in probes {
        let server = Server::start(move |seen| match seen.rpc() {
            "server/discover" => probe(seen),
            "initialize" => seen.initialized("s"),
            _ => plain(202, &[]),
        })
        .await;
        let (upstream, _) = server.upstream();
        let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await;
        let got = facts.map_or_else(|failed| format!("{:?}", failed.failure), |facts| facts.revision.to_string());
        assert!(got.contains(want), "{got} instead of {want}");
    }
}

#[tokio::test]
async fn a_probe_without_an_answer_is_followed_by_initialize() {
    let (_held, response) = events(None);
    let silent = Mutex::new(Some(response));
    let server = Server::start(move |seen| match seen.rpc() {
        "server/discover" => silent.lock().expect("once").take().unwrap_or_else(|| plain(400, &[])),
        "initialize" => seen.initialized("s"),
        _ => plain(202, &[]),
    })
    .await;
    let mut spec = spec(server.transport());
    spec.timeouts = Timeouts { probe: Duration::from_millis(50), ..spec.timeouts };
    let upstream = Upstream::new(spec, Arc::new(Ledger::default()));
    let facts = upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    assert_eq!(facts.revision, Revision::V2025_11_25);
}

#[tokio::test]
async fn a_legacy_server_that_was_replaced_by_a_modern_one_is_found() {
    let new = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_new = new.clone();
    let server = Server::start(move |seen| match (is_new.load(SeqCst), seen.rpc()) {
        (true, "server/discover") => seen.discovered(),
        (true, _) if seen.header("mcp-method").is_none() => seen.error(400, -32020),
        (false, "server/discover") => plain(400, &[]),
        (false, "initialize") => seen.initialized("s"),
        (false, "notifications/initialized") => plain(202, &[]),
        (is_new, _) => seen.result(&json!({ "new": is_new })),
    })
    .await;
    let (upstream, _) = server.upstream();
    assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "new": false }));
    new.store(true, SeqCst);
    assert_eq!(ask(&upstream, call()).await.expect("answered").0, json!({ "new": true }));
}

/// A server may end a connection just when it is used; a handshake has no effect, so it is begun again, and not for ever.
#[tokio::test]
async fn a_handshake_that_is_cut_off_is_begun_again() {
    for (cut, reaches) in [(1, true), (2, true), (3, false)] {
        let server = modern(|seen| seen.result(&json!({}))).await;
        let authority = server.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let mut left = cut;
            while let Ok((mut stream, _)) = listener.accept().await {
                if left > 0 {
                    left -= 1;
                    // The request is there, and nobody has read all of it.
                    stream.readable().await.expect("a request");
                    continue;
                }
                let mut onward = tokio::net::TcpStream::connect(&authority).await.expect("the server");
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut onward).await });
            }
        });
        let (upstream, _) = upstream(Transport::Http(Http { url, headers: Vec::new() }));
        let connected = upstream.server(&client(Revision::V2026_07_28), &[]).await;
        match connected {
            Ok(facts) => assert!(reaches && facts.revision == Revision::V2026_07_28, "{cut} cut off"),
            Err(failed) => assert!(!reaches && matches!(failed.failure, Failure::NotSent(_)), "{cut}: {failed:?}"),
        }
    }
}
