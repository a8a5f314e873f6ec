//! Streams that break off, and go on.

use std::time::Instant;

use super::*;

const PAUSE: Duration = Duration::from_millis(60);

/// An event with an id; without a value it only says how far the stream has come.
fn marked(id: &str, value: Option<&Value>) -> String {
    let data = value.map(Value::to_string).unwrap_or_default();
    format!("id: {id}\nretry: {}\ndata: {data}\n\n", PAUSE.as_millis())
}

/// A stream that ends after this text.
fn stream(text: String) -> Response<Body> {
    let (sender, response) = events(None);
    sender.send(text).expect("the stream is there");
    response
}

fn progress(seen: &Seen, progress: u32) -> Value {
    let token = &seen.body["params"]["_meta"]["progressToken"];
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": progress } })
}

fn done(id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": { "ok": true } })
}

fn watched() -> Value {
    json!({ "name": "t", "arguments": {}, "_meta": { "progressToken": "mine" } })
}

/// A server whose calls' streams break off behind the event `0`, and go on as `resumed` says.
async fn breaking(resumed: impl Fn(&Seen, &Seen, usize) -> Response<Body> + Send + Sync + 'static) -> Server {
    let call = Mutex::new(None::<Seen>);
    let asked = AtomicU32::new(0);
    legacy(move |seen| {
        if seen.method != Method::GET {
            *call.lock().expect("call") = Some(seen.clone());
            return stream(marked("0", Some(&progress(seen, 1))));
        }
        let call = call.lock().expect("call").clone().expect("a call went before");
        resumed(seen, &call, asked.fetch_add(1, SeqCst) as usize)
    })
    .await
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_last_event_in_its_session_after_the_pause() {
    let server = breaking(|_, call, count| match count {
        0 => stream(marked("1", None)),
        1 => stream(String::new()),
        _ => stream(marked("2", Some(&progress(call, 2))) + &marked("3", Some(&done(&call.body["id"])))),
    })
    .await;
    let (upstream, ledger) = server.upstream();
    let began = Instant::now();
    let (got, notes) = ask(&upstream, watched()).await.expect("answered");
    assert_eq!(got, json!({ "ok": true }));
    assert!(began.elapsed() >= PAUSE * 3, "{:?}", began.elapsed());
    let told: Vec<_> =
        notes.iter().map(|note| (&note["params"]["progressToken"], &note["params"]["progress"])).collect();
    assert_eq!(told, [(&json!("mine"), &json!(1)), (&json!("mine"), &json!(2))]);
    let gets: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == Method::GET).collect();
    let ids: Vec<_> = gets.iter().filter_map(|seen| seen.header("last-event-id")).collect();
    assert_eq!(ids, ["0", "1", "1"]);
    assert!(gets.iter().all(|seen| seen.header("mcp-session-id") == Some("session-1")));
    assert_eq!(ledger.told(), ["answered"]);
}

#[tokio::test]
async fn a_server_that_cannot_go_on_is_given_up() {
    #[track_caller]
    fn check(failed: &Failed, want: &str) {
        let Failure::NoReply(why) = &failed.failure else { panic!("{failed:?}") };
        assert!(why.contains(want), "{why}");
    }
    for status in [400, 404, 405] {
        let server = breaking(move |_, _, _| plain(status, &[])).await;
        let (upstream, _) = server.upstream();
        let failed = ask(&upstream, watched()).await.expect_err("the server does not go on");
        check(&failed, &format!("HTTP {status} when asked to go on"));
        let handshakes = |server: &Server| server.methods().iter().filter(|m| *m == "POST initialize").count();
        ask(&upstream, watched()).await.expect_err("again");
        assert_eq!(handshakes(&server), if status == 404 { 2 } else { 1 }, "404 says that the session is gone");
    }
    let server = breaking(|_, _, _| json_body(200, &json!({}))).await;
    let failed = ask(&server.upstream().0, watched()).await.expect_err("no stream");
    check(&failed, "did not go on");
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_is_asked_again() {
    let server = breaking(|_, call, count| match count {
        0 => plain(503, &[]),
        _ => stream(marked("1", Some(&done(&call.body["id"])))),
    })
    .await;
    assert_eq!(ask(&server.upstream().0, watched()).await.expect("answered").0, json!({ "ok": true }));
}

#[tokio::test]
async fn without_an_id_there_is_nothing_to_go_on_from() {
    let server = legacy(|seen| stream(event(&progress(seen, 1)))).await;
    let failed = ask(&server.upstream().0, watched()).await.expect_err("no answer");
    assert!(matches!(failed.failure, Failure::NoReply(_)), "{failed:?}");
    assert!(server.seen().iter().all(|seen| seen.method != Method::GET));
}

#[tokio::test]
async fn a_modern_stream_does_not_go_on() {
    let server = modern(|_| stream(marked("0", None))).await;
    let failed = ask(&server.upstream().0, watched()).await.expect_err("no answer");
    assert!(matches!(failed.failure, Failure::NoReply(_)), "{failed:?}");
    assert!(server.seen().iter().all(|seen| seen.method != Method::GET));
}

#[tokio::test]
async fn a_call_that_is_given_up_between_two_streams_is_cancelled() {
    let server = legacy(|_| stream("id: 0\nretry: 3600000\ndata:\n\n".to_owned())).await;
    let (upstream, _) = server.upstream();
    let mut exchange = send(&upstream, "tools/call", call()).await.expect("sent");
    let early = tokio::time::timeout(PAUSE, exchange.next()).await;
    assert!(!matches!(early, Ok(Ok(Event::Reply(_)) | Err(_))), "{early:?}");
    drop(exchange);
    server.saw("notifications/cancelled").await;
}

#[tokio::test]
async fn the_standing_stream_goes_on_behind_its_last_event() {
    let count = AtomicU32::new(0);
    let open = Mutex::new(Vec::new());
    let server = Server::start(move |seen| match (seen.rpc(), count.load(SeqCst)) {
        _ if seen.method == Method::GET => match count.fetch_add(1, SeqCst) {
            0 => stream(marked("7", None)),
            1 => plain(400, &[]),
            _ => {
                let (sender, response) = events(None);
                open.lock().expect("open").push(sender);
                response
            }
        },
        ("server/discover", _) => plain(400, &[]),
        ("initialize", _) => seen.result(&json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": { "listChanged": true } }
        })),
        _ => plain(202, &[]),
    })
    .await;
    let (upstream, _) = server.upstream();
    upstream.server(&client(Revision::V2025_11_25), &[]).await.expect("connected");
    let ids = soon(async {
        loop {
            let gets: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == Method::GET).collect();
            if gets.len() == 3 {
                return gets.iter().map(|get| get.header("last-event-id").map(str::to_owned)).collect::<Vec<_>>();
            }
            server.news.notified().await;
        }
    })
    .await;
    assert_eq!(ids, [None, Some("7".to_owned()), None]);
}
