//! Secrets: named by the plugin, filled in by the host, on the way to where they may go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use witgate_egress::http::Request;
use witgate_egress::{EgressError, Timeouts};
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};

use crate::world::{Body, CANARY, KeyFor, Reply, Server, ask, call, rule, soon, spec};

fn naming(url: &str, value: &str) -> Request<Body> {
    Request::get(url).header("authorization", value).body(Body::default()).expect("a request")
}

#[tokio::test]
async fn a_secret_arrives_where_it_was_granted_for_and_nowhere_else() {
    let mut granted = Server::start(|_| Reply::ok("")).await;
    let mut other = Server::start(|_| Reply::ok("")).await;
    let mut spec = spec(vec![rule(&granted.url(), &[]), rule(&other.url(), &[])]);
    spec.secrets = Arc::new(KeyFor(Some(granted.url().parse().expect("an origin"))));
    let call = call(spec);
    assert!(ask(&call, naming(&granted.url(), "Bearer ${secret:KEY}")).await.is_ok());
    assert!(granted.request().await.contains(&format!("\r\nauthorization: Bearer {CANARY}\r\n")));
    let unknown = |name: &str| EgressError::Secret { field: "authorization".into(), name: name.into() };
    let got = ask(&call, naming(&other.url(), "Bearer ${secret:KEY}")).await;
    assert_eq!(got, Err(unknown("KEY")), "the same words as for one that does not exist");
    let got = ask(&call, naming(&granted.url(), "${secret:OTHER}")).await;
    assert_eq!(got, Err(unknown("OTHER")));
    assert_eq!(other.seen(), []);
    assert!(ask(&call, naming(&other.url(), "$${secret:KEY}")).await.is_ok());
    assert!(other.request().await.contains("\r\nauthorization: ${secret:KEY}\r\n"));
}

/// Only fields are templates: a path is logged by servers, a body is the plugin's own affair.
#[tokio::test]
async fn a_secret_is_filled_in_nowhere_but_in_fields() {
    let mut server = Server::start(|_| Reply::ok("")).await;
    let mut spec = spec(vec![rule(&server.url(), &[])]);
    spec.secrets = Arc::new(KeyFor(Some(server.url().parse().expect("an origin"))));
    let call = call(spec);
    let body = "${secret:KEY}";
    let request = Request::post(format!("{}/?key=$%7Bsecret:KEY%7D", server.url()))
        .header("content-length", body.len())
        .body(Body::from(body))
        .expect("a request");
    assert!(ask(&call, request).await.is_ok());
    let seen = server.request().await;
    assert!(!seen.contains(CANARY) && seen.ends_with(body), "{seen}");
}

/// Says how often it was asked.
struct Counting(AtomicUsize);

impl SecretSource for Counting {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(Secret::new(CANARY))
    }
}

/// What waits for a connection has no secret in memory yet.
#[tokio::test]
async fn a_secret_is_filled_in_when_there_is_a_connection_for_it() {
    let server = Server::start(|_| Reply::ok("")).await;
    let (secrets, connections) = (Arc::new(Counting(AtomicUsize::new(0))), Arc::new(Semaphore::new(0)));
    let mut spec = spec(vec![rule(&server.url(), &[])]);
    (spec.secrets, spec.tenant_connections) = (secrets.clone(), connections.clone());
    let call = call(spec);
    let timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
    let got = soon(call.send(naming(&server.url(), "${secret:KEY}"), timeouts)).await.map(|_| ());
    assert!(matches!(got, Err(EgressError::Connections { .. })), "{got:?}");
    assert_eq!(secrets.0.load(Ordering::Relaxed), 0);
    connections.add_permits(1);
    assert!(ask(&call, naming(&server.url(), "${secret:KEY}")).await.is_ok());
    assert_eq!(secrets.0.load(Ordering::Relaxed), 1);
}
