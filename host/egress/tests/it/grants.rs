//! Where a plugin may go, and what arrives there.

use witgate_egress::http::{Request, StatusCode};
use witgate_egress::{EgressError, Timeouts};

use crate::world::{Body, Dns, Event, Reply, Server, Zone, ask, call, call_of, egress, get, rule, soon, spec};

#[tokio::test]
async fn what_was_judged_is_what_arrives() {
    let mut server = Server::start(|_| Reply::ok("hello")).await;
    let call = call_of(&server);
    let request = Request::post(format!("{}/a?b=c", server.url()))
        .header("x-own", "1")
        .header("accept-encoding", "gzip")
        .header("content-length", "4")
        .body(Body::from("body"))
        .expect("a request");
    assert_eq!(ask(&call, request).await, Ok((StatusCode::OK, "hello".to_owned())));
    let head = format!("POST /a?b=c HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", server.address);
    let want = format!("{head}x-own: 1\r\naccept-encoding: gzip\r\ncontent-length: 4\r\n\r\nbody");
    assert_eq!(server.request().await, want);
}

#[tokio::test]
async fn a_connection_serves_one_request() {
    let mut server = Server::start(|_| Reply::Hold(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await;
    let call = call_of(&server);
    for _ in 0..2 {
        assert_eq!(ask(&call, get(&server.url())).await, Ok((StatusCode::NO_CONTENT, String::new())));
        assert_eq!(server.next().await, Event::Connected);
        assert!(matches!(server.next().await, Event::Request(_)));
        assert_eq!(server.next().await, Event::Closed);
    }
}

/// Nothing is looked up and nobody is connected to for a request that no grant holds.
#[tokio::test]
async fn a_refusal_asks_nobody() {
    let mut server = Server::start(|_| Reply::ok("")).await;
    let dns = Dns::start(|_, _| Zone::at(&["127.0.0.1"])).await;
    let port = server.address.port();
    let granted = format!("http://api.example.com:{port}");
    let client = witgate_egress::Client::new(&egress(Some(dns.address)), spec(vec![rule(&granted, &["127.0.0.0/8"])]));
    for url in [
        format!("http://other.example.com:{port}"),
        format!("http://evil.example:{port}"),
        format!("https://api.example.com:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://0x7f.1:{port}"),
        format!("http://user@api.example.com:{port}"),
        "http://api.example.com".to_owned(),
    ] {
        let refused = ask(&client.allowance(), get(&url)).await.expect_err(&url);
        assert!(refused.is_refusal(), "{url}: {refused}");
    }
    let delete = Request::delete(&granted).body(Body::default()).expect("a request");
    assert!(matches!(ask(&client.allowance(), delete).await, Err(EgressError::Method { .. })));
    assert_eq!(dns.asked(), [""; 0]);
    assert_eq!(server.seen(), []);
    // The same client, where it may go.
    assert!(ask(&client.allowance(), get(&granted)).await.is_ok());
}

/// The host follows no redirect: the plugin sees it, and what it does then is judged as if it came of itself.
#[tokio::test]
async fn each_hop_of_a_redirect_is_a_request_of_its_own() {
    let mut secret = Server::listen("127.0.0.2:0", None, |_| Reply::ok("metadata")).await;
    let elsewhere = secret.url();
    let location = elsewhere.clone();
    let mut server = Server::start(move |_| {
        Reply::Close(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n").into_bytes())
    })
    .await;
    let call = call_of(&server);
    let response = soon(call.send(get(&server.url()), Timeouts::default())).await.expect("a response");
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], elsewhere);
    drop(response);
    server.request().await;
    let hop = ask(&call, get(&elsewhere)).await;
    assert!(matches!(hop, Err(EgressError::Origin { .. })), "{hop:?}");
    assert_eq!(secret.seen(), []);
}

/// An address that is the grant's own host lists itself, and no other.
#[tokio::test]
async fn an_address_in_a_grant_is_reached_in_any_of_its_spellings() {
    let server = Server::start(|_| Reply::ok("")).await;
    let port = server.address.port();
    let call = call_of(&server);
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "127.0.0.1."] {
        assert!(ask(&call, get(&format!("http://{host}:{port}"))).await.is_ok(), "{host}");
    }
}

/// `*` holds names, and what they lead to is judged like anything else.
#[tokio::test]
async fn a_grant_of_every_name_is_none_of_the_machine_itself() {
    let mut server = Server::start(|_| Reply::ok("")).await;
    let port = server.address.port();
    let call = call(spec(vec![rule(&format!("http://*:{port}"), &[])]));
    let refused = ask(&call, get(&format!("http://localhost:{port}"))).await.expect_err("the system's own name");
    let text = refused.to_string();
    assert!(text.contains("localhost leads to 127.0.0.1, which is loopback (RFC 1122)"), "{text}");
    assert_eq!(server.seen(), []);
}
