//! Requests of plugins to the network, from the guest's side. What a request may be is tested where it is judged, in
//! `host/egress`; here is what a guest meets, and what its call leaves behind.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, mpsc};
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::{Fault, Grants, LimitKey, Limits, Payload, Reach, Stage, ValidateVerdict};
use witgate_sandbox::{Component, Plugin, PluginSpec, Sandbox, Share};
use witgate_test_guests::{Guest, probe};

use crate::world::{call, compile, identity, load, occasion, reuse, sandbox, soon, spec, upstream};

/// A server on loopback, without a library, and what it saw.
struct Server {
    authority: String,
    seen: mpsc::UnboundedReceiver<String>,
}

const CLOSED: &str = "closed";

impl Server {
    /// Answers each request by its path: `/silent` never, `/hop` with a redirect, `/long` with 64 KiB.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = listener.local_addr().expect("its address").to_string();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
                        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                            break;
                        }
                    }
                    let request = String::from_utf8_lossy(&bytes).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                    let _ = tell.send(request);
                    let answer = match &*path {
                        "/silent" => String::new(),
                        "/hop" => {
                            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".into()
                        }
                        "/long" => format!("HTTP/1.1 200 OK\r\ncontent-length: 65536\r\n\r\n{}", "a".repeat(65_536)),
                        _ => {
                            "HTTP/1.1 200 OK\r\nx-own: 1\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello".into()
                        }
                    };
                    let _ = stream.write_all(answer.as_bytes()).await;
                    while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {}
                    let _ = tell.send(CLOSED.to_owned());
                });
            }
        });
        Self { authority, seen }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.authority)
    }

    fn port(&self) -> &str {
        self.authority.split(':').next_back().expect("a port")
    }

    async fn next(&mut self) -> String {
        soon(self.seen.recv()).await.expect("something")
    }

    /// A request to it.
    fn get(&self, path: &str) -> Value {
        json!({ "op": "http", "scheme": "http", "authority": self.authority, "path": path })
    }
}

fn reach(origins: &[&str]) -> Vec<Reach> {
    let rule = |origins: &&str| Reach {
        origins: origins.parse().expect("a pattern"),
        methods: vec!["GET".into(), "POST".into()],
        addresses: Vec::new(),
    };
    origins.iter().map(rule).collect()
}

/// A probe that may ask these origins.
fn asking(origins: &[&str], spec: PluginSpec) -> PluginSpec {
    let grants = Grants { network: reach(origins), ..Grants::default() };
    let limits = Limits { guest_time_ms: Some(2_000), ..spec.limits.clone() };
    PluginSpec { grants, limits, ..spec }
}

async fn probing(spec: PluginSpec, ops: &[Value]) -> Plugin {
    static PROBE: OnceCell<(Arc<Sandbox>, Component)> = OnceCell::const_new();
    let compiled = async {
        let sandbox = sandbox();
        let component = compile(&sandbox, probe("network")).await.expect("compiles");
        (sandbox, component)
    };
    let (sandbox, component) = PROBE.get_or_init(|| compiled).await;
    let spec = PluginSpec { settings: Payload::of(&json!({ "ops": ops })), ..spec };
    Plugin::load(sandbox, component, spec).await.expect("loads")
}

/// What each operation came to.
async fn told(plugin: &Plugin) -> Result<Vec<String>, Fault> {
    let validator = plugin.input_validator().expect("a validator");
    match soon(validator.validate(&call(), &identity(), None)).await? {
        ValidateVerdict::Refuse(refusal) => Ok(refusal.findings.into_iter().map(|finding| finding.message).collect()),
        other => panic!("{other:?}"),
    }
}

async fn tried(spec: PluginSpec, ops: &[Value]) -> Vec<String> {
    told(&probing(spec, ops).await).await.expect("a verdict")
}

#[tokio::test]
async fn the_network_is_granted_by_origins() {
    let guest = || Guest::new(Stage::Validate).import("wasi:http/outgoing-handler@0.2.12").build();
    let error = load(&sandbox(), guest(), spec()).await.expect_err("not granted").to_string();
    assert!(error.contains(r#"add `network = [{ origin = "https://HOST" }]` under [plugin.grants]"#), "{error}");
    let error = load(&sandbox(), guest(), asking(&[], spec())).await.expect_err("nothing granted").to_string();
    assert!(error.contains("which it was not granted"), "{error}");
    let sanitizer = Guest::new(Stage::Sanitize).import("wasi:http/outgoing-handler@0.2.12").build();
    let error = load(&sandbox(), sanitizer, asking(&["https://api.example.com"], spec())).await.expect_err("forbidden");
    assert_snapshot!(error.to_string(), @"plugin `guest` imports `wasi:http/types@0.2.12`: no grant can allow that for a sanitize plugin");
}

#[tokio::test]
async fn a_guest_reaches_what_it_was_granted() {
    let mut server = Server::start().await;
    let mut post = server.get("/a?b=c");
    post["method"] = "POST".into();
    post["headers"] = json!([["x-key", "v"], ["content-length", "4"]]);
    post["body"] = "body".into();
    let results = tried(asking(&[&server.origin()], spec()), &[server.get("/"), post]).await;
    assert_eq!(results, ["ok: 200 x-own=1,content-length=5 hello"; 2]);
    let get = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", server.authority);
    assert_eq!(server.next().await, get);
    assert_eq!(server.next().await, CLOSED);
    assert!(server.next().await.starts_with("POST /a?b=c HTTP/1.1\r\nhost: "));
}

#[tokio::test]
async fn a_credential_provider_reaches_its_token_endpoint() {
    let mut server = Server::start().await;
    let ops = json!({ "ops": [server.get("/token")] }).to_string();
    let spec = PluginSpec { settings: Payload::parse_str(&ops).expect("JSON"), ..asking(&[&server.origin()], spec()) };
    let plugin = load(&sandbox(), probe("credential"), spec).await.expect("loads");
    let provider = plugin.credential_provider().expect("a provider");
    let refusal = soon(provider.provide(&upstream(), &identity(), &occasion())).await.expect("a verdict");
    let finding = &refusal.expect_err("the probe tells").findings[0];
    assert_eq!(finding.message, "ok: 200 x-own=1,content-length=5 hello");
    assert!(server.next().await.starts_with("GET /token "));
}

/// What a guest meets when it asks for more. It hears of no rule, no name and no address.
#[tokio::test]
async fn what_a_guest_may_not_ask_is_denied() {
    let mut server = Server::start().await;
    let with = |key: &str, value: Value| {
        let mut request = server.get("/");
        request[key] = value;
        request
    };
    let header = |name: &str, value: &str| with("headers", json!([[name, value]]));
    let port = server.port();
    let names = format!("http://*:{port}");
    let cases = [
        (with("authority", "evil.example".into()), "HttpRequestDenied"),
        (with("authority", format!("127.0.0.2:{port}").into()), "HttpRequestDenied"),
        (with("scheme", "https".into()), "HttpRequestDenied"),
        (with("scheme", "ftp".into()), "HttpProtocolError"),
        (with("method", "DELETE".into()), "HttpRequestDenied"),
        (with("method", "CONNECT".into()), "HttpRequestDenied"),
        (with("method", "TRACE".into()), "HttpRequestDenied"),
        (with("method", "GET / HTTP/1.1\r\nx:".into()), "method: refused"),
        // A name that leads to where it may not, and one that nobody has: the same.
        (with("authority", format!("localhost:{port}").into()), "DestinationNotFound"),
        (with("authority", format!("nobody.invalid:{port}").into()), "DestinationNotFound"),
        (with("authority", format!("u:p@127.0.0.1:{port}").into()), "HttpRequestUriInvalid"),
        (with("authority", format!("2130706433:{port}").into()), "HttpRequestUriInvalid"),
        (with("authority", format!("0x7f.0.0.1:{port}").into()), "HttpRequestUriInvalid"),
        (with("authority", "127.0.0.1:99999".into()), "HttpRequestUriInvalid"),
        (with("authority", "127.0.0.1/x".into()), "authority: refused"),
        (with("path", "http://evil.example/".into()), "path: refused"),
        (with("path", "/ HTTP/1.1\r\nhost: evil.example".into()), "path: refused"),
        (header("x", "a\r\nhost: evil.example"), "headers: HeaderError::InvalidSyntax"),
        (header("x y", "z"), "headers: HeaderError::InvalidSyntax"),
        (header("host", "evil.example"), "headers: HeaderError::Forbidden"),
        (header("transfer-encoding", "chunked"), "headers: HeaderError::Forbidden"),
        (header("connection", "upgrade"), "headers: HeaderError::Forbidden"),
        (header("te", "trailers"), "headers: HeaderError::Forbidden"),
        (header("proxy-status", "x"), "HttpRequestDenied"),
        (header("x", "${secret:KEY}"), "HttpRequestDenied"),
        (header("x", "${HOME}"), "HttpRequestDenied"),
    ];
    let ops: Vec<Value> = cases.iter().map(|(op, _)| op.clone()).collect();
    let mut spec = asking(&[&server.origin(), &names], spec());
    spec.limits.requests = 100;
    let results = tried(spec, &ops).await;
    let want: Vec<String> = cases.iter().map(|(_, want)| format!("error: {want}")).collect();
    assert_eq!(results, want);
    assert!(server.seen.try_recv().is_err(), "nothing arrived");
}

#[tokio::test]
async fn a_guest_sees_a_redirect_and_is_judged_when_it_follows() {
    let server = Server::start().await;
    let mut hop = server.get("/");
    hop["authority"] = "127.0.0.1:1".into();
    let results = tried(asking(&[&server.origin()], spec()), &[server.get("/hop"), hop]).await;
    let seen = "ok: 302 location=http://127.0.0.1:1/,content-length=0";
    assert_eq!(results, [seen, "error: HttpRequestDenied"]);
}

struct Key(Origin);

impl SecretSource for Key {
    fn secret(&self, plugin: &str, name: &str, origin: &Origin) -> Option<Secret> {
        (plugin == "guest" && name == "KEY" && *origin == self.0).then(|| Secret::new("s3cret-canary"))
    }
}

#[tokio::test]
async fn a_secret_passes_the_guest_by() {
    let mut server = Server::start().await;
    let mut request = server.get("/");
    request["headers"] = json!([["authorization", "Bearer ${secret:KEY}"]]);
    let secrets = Arc::new(Key(server.origin().parse().expect("an origin")));
    let spec = PluginSpec { secrets, ..asking(&[&server.origin()], spec()) };
    let results = tried(spec, &[request]).await;
    assert_eq!(results, ["ok: 200 x-own=1,content-length=5 hello"]);
    assert!(server.next().await.contains("\r\nauthorization: Bearer s3cret-canary\r\n"));
}

#[tokio::test]
async fn what_a_call_asks_of_the_network_is_bounded() {
    let server = Server::start().await;
    let limited = |limits: Limits| asking(&[&server.origin()], PluginSpec { limits, ..spec() });
    let mut long = server.get("/long");
    (long["count"], long["read-bytes"]) = (true.into(), 100_000.into());

    let faulty = async |limits: Limits, ops: &[Value]| {
        let plugin = probing(limited(limits), ops).await;
        told(&plugin).await.expect_err("a limit is passed").to_string()
    };
    let three = [server.get("/"), server.get("/"), server.get("/")];
    let fault = faulty(Limits { requests: 2, ..Limits::default() }, &three).await;
    assert_snapshot!(fault, @"needed more requests (`requests` = 2) than its limit allows; raise it under [plugin.limits] if the plugin is meant to need more");
    let fault = faulty(Limits { host_calls: 20, ..Limits::default() }, &three).await;
    assert_snapshot!(fault, @"needed more host calls (`host-calls` = 20) than its limit allows; raise it under [plugin.limits] if the plugin is meant to need more");
    let fault = faulty(Limits { network_bytes: 60_000, ..Limits::default() }, &[long.clone()]).await;
    assert_snapshot!(fault, @"needed more network traffic (`network-bytes` = 60000) than its limit allows; raise it under [plugin.limits] if the plugin is meant to need more");
    let fault = faulty(Limits { network_bytes: 70_000, ..Limits::default() }, &[long.clone(), long.clone()]).await;
    assert_snapshot!(fault, @"needed more network traffic (`network-bytes` = 70000) than its limit allows; raise it under [plugin.limits] if the plugin is meant to need more");
    let results = tried(limited(Limits { network_bytes: 70_000, ..Limits::default() }), &[long]).await;
    assert_eq!(results, ["ok: 200 content-length=65536 65536 bytes"]);

    let mut fields = server.get("/");
    fields["headers"] = json!([["x", "a".repeat(5_000)]]);
    let fault = faulty(Limits { header_bytes: 4_096, ..Limits::default() }, &[fields]).await;
    assert_snapshot!(fault, @"needed more header bytes (`header-bytes` = 4096) than its limit allows; raise it under [plugin.limits] if the plugin is meant to need more");

    let mut silent = server.get("/silent");
    silent["first-byte-timeout-ms"] = 50.into();
    assert_eq!(tried(limited(Limits::default()), &[silent]).await, ["error: HttpResponseTimeout"]);
}

/// A call that ends, however it ends, closes what it opened.
#[tokio::test]
async fn no_connection_outlives_its_call() {
    let mut server = Server::start().await;
    let mut held = server.get("/silent");
    held["hold"] = true.into();

    // With its answer; the instance lives on.
    let plugin = probing(asking(&[&server.origin()], reuse(1)), &[held, server.get("/")]).await;
    for _ in 0..2 {
        assert_eq!(told(&plugin).await.expect("a verdict")[0], "ok: held");
        let mut seen = [server.next().await, server.next().await, server.next().await, server.next().await];
        seen.sort();
        assert_eq!(seen[2..], [CLOSED, CLOSED]);
    }

    // At its deadline.
    let limits = Limits { wall_time_ms: 300, ..Limits::default() };
    let waits = asking(&[&server.origin()], PluginSpec { limits, ..spec() });
    let plugin = probing(waits, &[server.get("/silent")]).await;
    assert!(matches!(told(&plugin).await, Err(Fault::Deadline { key: LimitKey::WallTime, .. })));
    assert!(server.next().await.starts_with("GET /silent "));
    assert_eq!(server.next().await, CLOSED);

    // When its caller goes away.
    let plugin = probing(asking(&[&server.origin()], spec()), &[server.get("/silent")]).await;
    let call = tokio::spawn(async move { told(&plugin).await });
    assert!(server.next().await.starts_with("GET /silent "));
    call.abort();
    assert_eq!(server.next().await, CLOSED);
}

/// One tenant's plugins may have one connection together: while one has it, the other waits, and is told.
#[tokio::test]
async fn a_tenants_plugins_share_its_connections() {
    let mut server = Server::start().await;
    let of = |share: &Arc<Share>| PluginSpec { share: share.clone(), ..asking(&[&server.origin()], spec()) };
    let (acme, other) = (Share::new(16, 1), Share::new(16, 1));
    let mut hasty = server.get("/");
    hasty["connect-timeout-ms"] = 50.into();
    let waiting = probing(of(&acme), &[server.get("/silent")]).await;
    let sibling = probing(of(&acme), &[hasty.clone()]).await;
    let neighbour = probing(of(&other), &[hasty]).await;
    let call = tokio::spawn(async move { told(&waiting).await });
    assert!(server.next().await.starts_with("GET /silent "));
    assert_eq!(told(&sibling).await, Ok(vec!["error: ConnectionLimitReached".to_owned()]));
    assert_eq!(told(&neighbour).await, Ok(vec!["ok: 200 x-own=1,content-length=5 hello".to_owned()]));
    call.abort();
}
