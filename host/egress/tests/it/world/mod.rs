//! What every test starts from.

mod dns;
mod server;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use witgate_egress::http::{Request, Response, StatusCode};
use witgate_egress::{
    Allowance, BodyExt, Client, ClientSpec, Egress, EgressConfig, EgressError, ResponseBody, Timeouts,
};
use witgate_policy::Reach;
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};

pub(crate) use dns::{Dns, Zone};
pub(crate) use server::{Event, Reply, Server};

/// A body with nothing in it.
pub(crate) type Body = http_body_util::Full<bytes::Bytes>;

/// A rule for all that tests send.
pub(crate) fn rule(origins: &str, addresses: &[&str]) -> Reach {
    Reach {
        origins: origins.parse().expect("a pattern"),
        methods: vec!["GET".into(), "POST".into()],
        addresses: addresses.iter().map(|net| net.parse().expect("a network")).collect(),
    }
}

/// Secrets that `guest` was granted: `KEY` for one origin.
pub(crate) struct KeyFor(pub(crate) Option<Origin>);

pub(crate) const CANARY: &str = "s3cret-canary";

impl SecretSource for KeyFor {
    fn secret(&self, plugin: &str, name: &str, origin: &Origin) -> Option<Secret> {
        (plugin == "guest" && name == "KEY" && self.0.as_ref() == Some(origin)).then(|| Secret::new(CANARY))
    }
}

/// Limits that no test comes near unless it means to.
pub(crate) fn spec(rules: Vec<Reach>) -> ClientSpec {
    ClientSpec {
        tenant: "acme".into(),
        plugin: "guest".into(),
        rules,
        header_bytes: 32 << 10,
        requests: 16,
        network_bytes: 8 << 20,
        connections: 16,
        tenant_connections: Arc::new(Semaphore::new(32)),
        secrets: Arc::new(KeyFor(None)),
        script: None,
    }
}

pub(crate) fn egress(dns: Option<SocketAddr>) -> Arc<Egress> {
    Egress::new(EgressConfig { dns: dns.into_iter().collect(), roots_pem: Vec::new() }).expect("an egress")
}

/// One call of a plugin that may ask the server by its address.
pub(crate) fn call_of(server: &Server) -> Allowance {
    call(spec(vec![rule(&server.url(), &[])]))
}

pub(crate) fn call(spec: ClientSpec) -> Allowance {
    Client::new(&egress(None), spec).allowance()
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::default()).expect("a request")
}

/// So short that waiting for it costs nothing.
pub(crate) fn hasty() -> Timeouts {
    let soon = Some(Duration::from_millis(50));
    Timeouts::asked(soon, soon, soon)
}

/// Sends with time enough, and reads the whole response.
pub(crate) async fn ask(call: &Allowance, request: Request<Body>) -> Result<(StatusCode, String), EgressError> {
    let response = soon(call.send(request, Timeouts::default())).await?;
    let status = response.status();
    Ok((status, read(response).await?))
}

pub(crate) async fn read(response: Response<ResponseBody>) -> Result<String, EgressError> {
    let body = soon(response.into_body().collect()).await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Within a time that no limit comes near, so that a test that hangs fails.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), what).await.expect("within a minute")
}

/// Whether a future is done at its next step.
pub(crate) async fn poll_once(future: &mut (impl Future + Unpin)) -> bool {
    tokio::select! {
        biased;
        _ = future => true,
        () = std::future::ready(()) => false,
    }
}
