//! Names, and the addresses that they are said to have.

use std::sync::Arc;

use witgate_egress::{Allowance, Client, EgressError, Timeouts};

use crate::world::{Dns, Reply, Server, Zone, ask, egress, get, hasty, poll_once, rule, soon, spec};

/// A call that may ask for `api.example.com`, which may lead to `addresses`, and the URL.
fn named(dns: &Dns, server: &Server, addresses: &[&str]) -> (Allowance, String) {
    let url = format!("http://api.example.com:{}", server.address.port());
    let client = Client::new(&egress(Some(dns.address)), spec(vec![rule(&url, addresses)]));
    (client.allowance(), url)
}

#[tokio::test]
async fn a_name_leads_only_where_it_may() {
    async fn check(zone: Zone, listed: &[&str], want: Result<(), &str>) {
        let mut server = Server::start(|_| Reply::ok("")).await;
        let dns = Dns::start(move |_, _| zone.clone()).await;
        let (call, url) = named(&dns, &server, listed);
        let got = ask(&call, get(&url)).await.map(|_| ()).map_err(|e| e.to_string());
        match want {
            Ok(()) => assert_eq!(got, Ok(())),
            Err(part) => {
                let error = got.expect_err(part);
                assert!(error.contains(part), "{error}");
                assert_eq!(server.seen(), []);
            }
        }
    }
    check(Zone::at(&["127.0.0.1"]), &["127.0.0.1/32"], Ok(())).await;
    let loopback = "api.example.com leads to 127.0.0.1, which is loopback (RFC 1122); list it as one of";
    check(Zone::at(&["127.0.0.1"]), &[], Err(loopback)).await;
    check(Zone::at(&["127.0.0.1"]), &["10.0.0.0/8"], Err(loopback)).await;
    check(Zone::at(&["::ffff:127.0.0.1"]), &[], Err(loopback)).await;
    check(Zone::at(&["169.254.169.254"]), &[], Err("link-local, where clouds keep credentials")).await;
    check(Zone::at(&["fd00:ec2::254"]), &[], Err("unique local")).await;
    check(Zone::at(&["64:ff9b::a9fe:a9fe"]), &[], Err("link-local, where clouds keep credentials")).await;
    check(Zone::at(&["10.0.0.1", "192.168.0.1"]), &[], Err("10.0.0.1, which is private (RFC 1918), and to 192.168"))
        .await;
    // Those that may not be reached are as if they were not there.
    check(Zone::at(&["10.0.0.1", "127.0.0.1", "::1"]), &["127.0.0.1/32"], Ok(())).await;
    check(Zone::Alias("inner.example.net.", vec![[127, 0, 0, 1].into()]), &[], Err(loopback)).await;
    check(Zone::Alias("inner.example.net.", vec![[127, 0, 0, 1].into()]), &["127.0.0.1/32"], Ok(())).await;
    check(Zone::At(Vec::new()), &[], Err("api.example.com has no address")).await;
    check(Zone::Missing, &[], Err("api.example.com has no address")).await;
}

/// The second answer, which is another, is one for the next request: the first is what was connected to.
#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_each_time() {
    let mut server = Server::start(|_| Reply::ok("")).await;
    let dns = Dns::start(|_, before| Zone::at(&[if before == 0 { "127.0.0.1" } else { "127.0.0.2" }])).await;
    let (call, url) = named(&dns, &server, &["127.0.0.1/32"]);
    assert!(ask(&call, get(&url)).await.is_ok());
    server.request().await;
    assert_eq!(dns.asked().len(), 1, "one lookup for one request, none again to connect");
    let refused = ask(&call, get(&url)).await.expect_err("rebound");
    assert!(matches!(refused, EgressError::Address { .. }), "{refused}");
    assert_eq!(dns.asked().len(), 2);
}

#[tokio::test]
async fn the_name_is_asked_for_as_it_is_and_nothing_below_a_domain_of_the_system() {
    let server = Server::start(|_| Reply::ok("")).await;
    let dns = Dns::start(|_, _| Zone::Missing).await;
    let (call, url) = named(&dns, &server, &[]);
    assert!(ask(&call, get(&url.replace("api", "API"))).await.is_err());
    assert_eq!(dns.asked(), ["api.example.com"]);
}

#[tokio::test]
async fn a_server_of_names_that_is_silent_costs_no_longer_than_connecting_may() {
    let server = Server::start(|_| Reply::ok("")).await;
    let dns = Dns::start(|_, _| Zone::Silent).await;
    let (call, url) = named(&dns, &server, &[]);
    let error = soon(call.send(get(&url), hasty())).await.expect_err("silence");
    assert_eq!(error, EgressError::LookupTimeout("api.example.com".into()));
}

/// Slow names of one tenant do not keep another's from being looked up.
#[tokio::test]
async fn silence_for_one_is_no_silence_for_another() {
    let server = Server::start(|_| Reply::ok("")).await;
    let dns = Dns::start(|name, _| if name.starts_with("api") { Zone::at(&["127.0.0.1"]) } else { Zone::Silent }).await;
    let egress = egress(Some(dns.address));
    let port = server.address.port();
    let rules = vec![rule(&format!("http://*.example.com:{port}"), &["127.0.0.1/32"])];
    let slow = Client::new(&egress, spec(rules.clone())).allowance();
    let waiting: Vec<_> = (0..8)
        .map(|n| tokio::spawn(slow.send(get(&format!("http://slow-{n}.example.com:{port}")), Timeouts::default())))
        .collect();
    let quick = Client::new(&egress, spec(rules)).allowance();
    assert!(ask(&quick, get(&format!("http://api.example.com:{port}"))).await.is_ok());
    drop(slow);
    for request in waiting {
        let error = soon(request).await.expect("no panic").expect_err("over");
        assert_eq!(error, EgressError::Over);
    }
}

/// An address that does not answer leaves time for the next.
#[tokio::test]
async fn the_next_address_is_tried() {
    let server = Server::start(|_| Reply::ok("")).await;
    // Nobody listens at 127.0.0.3.
    let dns = Dns::start(|_, _| Zone::at(&["127.0.0.3", "127.0.0.1"])).await;
    let (call, url) = named(&dns, &server, &["127.0.0.0/8"]);
    assert!(ask(&call, get(&url)).await.is_ok());
}

#[tokio::test]
async fn an_egress_outlives_the_lookups_that_were_given_up() {
    let server = Server::start(|_| Reply::ok("")).await;
    let dns = Dns::start(|name, _| if name.starts_with("api") { Zone::at(&["127.0.0.1"]) } else { Zone::Silent }).await;
    let egress = Arc::clone(&egress(Some(dns.address)));
    let port = server.address.port();
    let rules = vec![rule(&format!("http://*.example.com:{port}"), &["127.0.0.1/32"])];
    for n in 0..300 {
        let call = Client::new(&egress, spec(rules.clone())).allowance();
        let mut request = Box::pin(call.send(get(&format!("http://slow-{n}.example.com:{port}")), Timeouts::default()));
        assert!(!poll_once(&mut request).await);
    }
    let call = Client::new(&egress, spec(rules)).allowance();
    assert!(ask(&call, get(&format!("http://api.example.com:{port}"))).await.is_ok());
}
