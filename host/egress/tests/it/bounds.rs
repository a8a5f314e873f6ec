//! How much, how many, how long.

use std::sync::Arc;

use http_body_util::{Full, StreamBody};
use tokio::sync::Semaphore;
use witgate_egress::http::{Request, StatusCode};
use witgate_egress::{Allowance, Client, ClientSpec, EgressError, Timeouts};

use crate::world::{Event, Reply, Server, ask, call, call_of, egress, get, hasty, poll_once, read, rule, soon, spec};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

fn limited(server: &Server, change: impl FnOnce(&mut ClientSpec)) -> Allowance {
    let mut spec = spec(vec![rule(&server.url(), &[])]);
    change(&mut spec);
    call(spec)
}

#[tokio::test]
async fn a_call_makes_so_many_requests() {
    let mut server = Server::start(|_| Reply::ok("")).await;
    let call = limited(&server, |spec| spec.requests = 2);
    let url = server.url();
    assert!(ask(&call, get(&url)).await.is_ok());
    assert!(ask(&call, get("http://not-granted.example")).await.is_err(), "refused, and counted");
    server.closed().await;
    assert_eq!(call.overdrawn(), None);
    assert_eq!(ask(&call, get(&url)).await, Err(EgressError::Requests(2)));
    assert_eq!(call.overdrawn(), Some(EgressError::Requests(2)));
    assert_eq!(server.seen(), []);
}

#[tokio::test]
async fn bytes_are_counted_both_ways_and_over_all_requests_of_a_call() {
    let server = Server::start(|_| Reply::ok(&"a".repeat(3_000))).await;
    let url = server.url();
    let call = limited(&server, |spec| spec.network_bytes = 5_000);
    assert!(ask(&call, get(&url)).await.is_ok());
    assert_eq!(ask(&call, get(&url)).await, Err(EgressError::Bytes(5_000)), "3,000 and 3,000");
    assert_eq!(ask(&call, get(&url)).await, Err(EgressError::Bytes(5_000)), "nothing is left");
    assert_eq!(call.overdrawn(), Some(EgressError::Bytes(5_000)));

    let call = limited(&server, |spec| spec.network_bytes = 5_000);
    let request = Request::post(&url).body(Full::from("a".repeat(5_001))).expect("a request");
    assert_eq!(ask(&call, request).await, Err(EgressError::Bytes(5_000)));
}

#[tokio::test]
async fn a_flood_ends_at_the_limit() {
    #[track_caller]
    fn is(got: &Result<(StatusCode, String), EgressError>, want: &EgressError) {
        assert_eq!(got.as_ref().err(), Some(want));
    }
    let piece = "a".repeat(4_096);
    let body = Server::start(move |_| Reply::Flood(format!("HTTP/1.1 200 OK\r\n\r\n{piece}").into_bytes())).await;
    let call = limited(&body, |spec| spec.network_bytes = 1 << 20);
    is(&ask(&call, get(&body.url())).await, &EgressError::Bytes(1 << 20));

    let informational = Server::start(|_| Reply::Flood(b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(64))).await;
    let call = limited(&informational, |spec| spec.network_bytes = 1 << 20);
    is(&ask(&call, get(&informational.url())).await, &EgressError::Bytes(1 << 20));

    let field = Server::start(|_| Reply::Flood(b"HTTP/1.1 200 OK\r\nx: ".repeat(64))).await;
    is(&ask(&call_of(&field), get(&field.url())).await, &EgressError::ResponseHead(32 << 10));

    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    let trailers = Server::start(move |_| Reply::Close([&chunked[..], &b"x: y\r\n".repeat(20_000)].concat())).await;
    let got = ask(&call_of(&trailers), get(&trailers.url())).await;
    assert!(matches!(got, Err(EgressError::Protocol(_) | EgressError::Incomplete(_))), "{got:?}");
}

#[tokio::test]
async fn heads_have_a_size() {
    let server =
        Server::start(|_| Reply::Close(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(20_000)).into_bytes()))
            .await;
    let call = limited(&server, |spec| spec.header_bytes = 16 << 10);
    assert_eq!(ask(&call, get(&server.url())).await, Err(EgressError::ResponseHead(16 << 10)));
    assert!(ask(&call_of(&server), get(&server.url())).await.is_ok());
}

#[tokio::test]
async fn what_is_no_http_is_no_response() {
    async fn check(answer: &'static [u8], is: impl Fn(&EgressError) -> bool) {
        let server = Server::start(|_| Reply::Close(answer.to_vec())).await;
        let error = ask(&call_of(&server), get(&server.url())).await.expect_err("no response");
        assert!(is(&error), "{error:?}");
    }
    check(b"SSH-2.0-OpenSSH\r\n", |e| matches!(e, EgressError::Protocol(_))).await;
    check(b"HTTP/1.1 200 OK\r\na b: c\r\n\r\n", |e| matches!(e, EgressError::Protocol(_))).await;
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef", |e| {
        matches!(e, EgressError::Protocol(_))
    })
    .await;
    check(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", |e| {
        matches!(e, EgressError::Upgrade | EgressError::Protocol(_))
    })
    .await;
    check(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", |e| matches!(e, EgressError::Incomplete(_))).await;
    check(b"", |e| matches!(e, EgressError::Incomplete(_))).await;
}

#[tokio::test]
async fn connections_are_the_plugins_and_the_tenants() {
    async fn check(own: usize, tenant: usize, whose: &str) {
        let server = Server::start(|_| Reply::Hold(OK.to_vec())).await;
        let call = limited(&server, |spec| {
            spec.connections = own;
            spec.tenant_connections = Arc::new(Semaphore::new(tenant));
        });
        let first = soon(call.send(get(&server.url()), Timeouts::default())).await.expect("a response");
        let second = soon(call.send(get(&server.url()), hasty())).await;
        match second {
            Err(EgressError::Connections { whose: got, .. }) => assert_eq!(got, whose),
            other => panic!("{other:?}"),
        }
        // What waits gets its turn.
        let (third, ()) =
            soon(async { tokio::join!(call.send(get(&server.url()), Timeouts::default()), async { drop(first) }) })
                .await;
        assert!(third.is_ok(), "{third:?}");
    }
    check(1, 2, "plugin").await;
    check(2, 1, "tenant").await;
}

#[tokio::test]
async fn a_tenants_connections_are_not_anothers() {
    let server = Server::start(|_| Reply::Hold(OK.to_vec())).await;
    let egress = egress(None);
    let client = |tenant_connections| {
        let spec = spec(vec![rule(&server.url(), &[])]);
        Client::new(&egress, ClientSpec { tenant_connections, ..spec }).allowance()
    };
    let (acme, other) = (client(Arc::new(Semaphore::new(1))), client(Arc::new(Semaphore::new(1))));
    let held = soon(acme.send(get(&server.url()), Timeouts::default())).await.expect("a response");
    assert!(soon(other.send(get(&server.url()), Timeouts::default())).await.is_ok());
    drop(held);
}

#[tokio::test]
async fn nobody_is_waited_for_for_ever() {
    let silent = Server::start(|_| Reply::Hold(Vec::new())).await;
    let error = soon(call_of(&silent).send(get(&silent.url()), hasty())).await.expect_err("silence");
    assert_eq!(error, EgressError::ResponseTimeout(50));

    let stops = Server::start(|_| Reply::Hold(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_vec())).await;
    let call = call_of(&stops);
    let patient = Timeouts { between_bytes: hasty().between_bytes, ..Timeouts::default() };
    let response = soon(call.send(get(&stops.url()), patient)).await.expect("a head");
    assert_eq!(read(response).await, Err(EgressError::BodyTimeout(50)));
}

#[tokio::test]
async fn nobody_there_is_told() {
    let server = Server::start(|_| Reply::ok("")).await;
    let call = call_of(&server);
    let (url, address) = (server.url(), server.address);
    drop(server);
    // The listener lives in a task of its own; another port of the same address has none.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    assert_ne!(free, address);
    assert!(ask(&call, get(&url)).await.is_ok());
    let nobody = format!("http://{free}");
    let call = crate::world::call(spec(vec![rule(&nobody, &[])]));
    let error = ask(&call, get(&nobody)).await.expect_err("nobody");
    assert!(matches!(error, EgressError::Connect { address, .. } if address == free), "{error}");
}

/// Whoever goes away, the connection goes with them.
#[tokio::test]
async fn nothing_outlives_what_it_was_for() {
    let mut server =
        Server::start(|request| Reply::Hold(if request.contains("/silent") { Vec::new() } else { OK.to_vec() })).await;
    let (call, url) = (call_of(&server), server.url());

    // The future, before a response.
    let request = tokio::spawn(call.send(get(&format!("{url}/silent")), Timeouts::default()));
    server.request().await;
    request.abort();
    server.closed().await;

    // The body, before its end.
    let response = soon(call.send(get(&url), Timeouts::default())).await.expect("a response");
    drop(response);
    server.closed().await;

    // The call, with a response and a request that somebody still holds.
    let response = soon(call.send(get(&url), Timeouts::default())).await.expect("a response");
    let request = tokio::spawn(call.send(get(&format!("{url}/silent")), Timeouts::default()));
    server.request().await;
    server.request().await;
    drop(call);
    server.closed().await;
    server.closed().await;
    assert_eq!(read(response).await, Err(EgressError::Over));
    assert_eq!(soon(request).await.expect("no panic").map(|_| ()), Err(EgressError::Over));
    assert_eq!(server.seen(), [] as [Event; 0]);
}

/// A request whose every step is a point where it can be given up.
#[tokio::test]
async fn a_request_can_be_given_up_anywhere() {
    let server = Server::start(|_| Reply::ok("hello")).await;
    let mut spec = spec(vec![rule(&server.url(), &[])]);
    spec.connections = 1;
    spec.requests = 1_000;
    let call = call(spec);
    for polls in 0..40 {
        let mut request = Box::pin(call.send(get(&server.url()), Timeouts::default()));
        for _ in 0..polls {
            if poll_once(&mut request).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(request);
    }
    assert!(ask(&call, get(&server.url())).await.is_ok(), "the one connection is free again");
}

#[tokio::test]
async fn a_body_that_is_given_up_or_has_trailers_is_not_sent_whole() {
    use bytes::Bytes;
    use http_body::Frame;

    async fn check(last: Result<Frame<Bytes>, &'static str>, want: EgressError) {
        let mut server = Server::start(|_| Reply::ok("")).await;
        let frames = futures_util::stream::iter([Ok(Frame::data(Bytes::from("abc"))), last]);
        let request = Request::post(server.url()).body(StreamBody::new(frames)).expect("a request");
        let got = soon(call_of(&server).send(request, Timeouts::default())).await.map(|_| ());
        assert_eq!(got, Err(want));
        server.closed().await;
    }
    check(Err("aborted"), EgressError::RequestBody).await;
    check(Ok(Frame::trailers(http::HeaderMap::new())), EgressError::Trailers).await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_chunked() {
    use bytes::Bytes;
    use http_body::Frame;

    let mut server = Server::start(|_| Reply::ok("")).await;
    let frames = ["ab", "c"].map(|piece| Ok::<_, EgressError>(Frame::data(Bytes::from(piece))));
    let request = Request::post(server.url()).body(StreamBody::new(futures_util::stream::iter(frames)));
    let call = call_of(&server);
    assert!(soon(call.send(request.expect("a request"), Timeouts::default())).await.is_ok());
    assert!(server.request().await.ends_with("\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"));
}
