//! What the tests of upstreams share: calls that have passed a pipeline, servers that follow a script, a breaker that
//! keeps a ledger.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use witgate_gateway::upstream::{
    Ask, Builtin, Event, Exchange, Failed, InProcess, Limits, Outgoing, Reply, Spec, Timeouts, Transport, Upstream,
};
use witgate_gateway::wire::ClientFacts;
use witgate_policy::store::Breaker;
use witgate_policy::{
    Admitted, Answer, AuthVerdict, Authenticator, Call, Circuit, Draft, Form, Hook, Identity, Mode, OnFault, Payload,
    Peer, Pipeline, Presented, Refusal, Revision, Routed, ToolBook, When,
};

/// Long enough for anything that is to happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Waits for what has to come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("it has to happen soon")
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Ledger(pub(crate) Mutex<Vec<&'static str>>);

impl Ledger {
    pub(crate) fn told(&self) -> Vec<&'static str> {
        self.0.lock().expect("ledger").clone()
    }
}

impl Breaker for Ledger {
    fn circuit(&self) -> Circuit {
        Circuit::Closed
    }
    fn admit(&self) -> bool {
        true
    }
    fn report(&self, answered: bool) {
        self.0.lock().expect("ledger").push(if answered { "answered" } else { "failed" });
    }
    fn release(&self) {
        self.0.lock().expect("ledger").push("released");
    }
}

pub(crate) fn spec(transport: Transport) -> Spec {
    Spec {
        id: "u".into(),
        group: "g".into(),
        labels: Arc::new([]),
        transport,
        limits: Limits::default(),
        timeouts: Timeouts { close: Duration::from_millis(300), ..Timeouts::default() },
    }
}

pub(crate) fn upstream(transport: Transport) -> (Arc<Upstream>, Arc<Ledger>) {
    let ledger = Arc::new(Ledger::default());
    (Upstream::new(spec(transport), ledger.clone()), ledger)
}

struct NoTools;

impl ToolBook for NoTools {
    fn tool<'a>(&'a self, _: &'a Admitted) -> Answer<'a, Option<Payload>, Refusal> {
        Box::pin(async { Ok(None) })
    }
}

struct Anybody(&'static str);

impl Authenticator for Anybody {
    fn authenticate<'a>(&'a self, _: &'a Call, _: &'a Presented) -> Answer<'a, AuthVerdict> {
        Box::pin(async { Ok(AuthVerdict::Allow(Identity { subject: self.0.to_owned(), ..Identity::anonymous() })) })
    }
}

/// A call that a pipeline let through, to the upstream `u`.
pub(crate) async fn routed(who: &'static str, method: &str, params: Value, time: Duration) -> Routed {
    let draft = Draft {
        id: "call".into(),
        tenant: "t".into(),
        form: Form::Request,
        method: method.into(),
        params: Payload::of(&params),
        revision: Revision::V2025_11_25,
        traceparent: None,
        unix_time_s: 0,
        deadline: Instant::now() + time,
        chance: 0,
    };
    let hook = Hook {
        name: "anybody".into(),
        digest: "".into(),
        when: When::default(),
        mode: Mode::Enforce,
        on_fault: OnFault::Deny,
        plugin: Arc::new(Anybody(who)) as Arc<dyn Authenticator>,
    };
    let pipeline = Pipeline { auth: vec![hook], ..Pipeline::default() };
    let presented = Presented { headers: Vec::new(), peer: Peer { address: "test".into(), certificate: None } };
    let admitted = pipeline.admit(Call::new(draft), &presented).await.expect("admitted");
    let validated = pipeline.validate(admitted, &NoTools).await.expect("validated");
    let (upstream, _) = upstream(Transport::Builtin(Builtin::Leave));
    pipeline.route(&validated, &[upstream.candidate()]).await.expect("routed")
}

pub(crate) fn client(revision: Revision) -> ClientFacts {
    ClientFacts {
        revision,
        info: None,
        capabilities: Payload::parse_str(r#"{"roots":{}}"#).expect("JSON"),
        log_level: None,
        session: None,
    }
}

/// Sends a call of a legacy client.
pub(crate) async fn send(upstream: &Upstream, method: &str, params: Value) -> Result<Exchange, Failed> {
    send_as("alice", upstream, method, params, SOON).await
}

pub(crate) async fn send_as(
    who: &'static str,
    upstream: &Upstream,
    method: &str,
    params: Value,
    time: Duration,
) -> Result<Exchange, Failed> {
    let routed = routed(who, method, params.clone(), time).await;
    let client = client(Revision::V2025_11_25);
    let outgoing = Outgoing { client: &client, params: Payload::of(&params), tool: None, headers: &[] };
    upstream.send(&routed, outgoing).await
}

/// A client that can be asked everything; a legacy one has this session.
pub(crate) fn asked(revision: Revision, session: &str) -> ClientFacts {
    let capabilities = r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{}}"#;
    ClientFacts {
        capabilities: Payload::parse_str(capabilities).expect("JSON"),
        session: (!revision.is_modern()).then(|| session.into()),
        ..client(revision)
    }
}

/// Sends a call of a client.
pub(crate) async fn send_of(
    client: &ClientFacts,
    who: &'static str,
    upstream: &Upstream,
    method: &str,
    params: Value,
) -> Result<Exchange, Failed> {
    let routed = routed(who, method, params.clone(), SOON).await;
    let outgoing = Outgoing { client, params: Payload::of(&params), tool: None, headers: &[] };
    upstream.send(&routed, outgoing).await
}

/// The next event, which is a request of the server.
pub(crate) async fn question(exchange: &mut Exchange) -> (Ask, String, Value) {
    match soon(exchange.next()).await.expect("a request") {
        Event::Request { ask, method, params } => (ask, method, value(&params)),
        other => panic!("{other:?} is no request"),
    }
}

/// The result of an exchange, and the notifications before it.
pub(crate) async fn result(exchange: &mut Exchange) -> Result<(Value, Vec<Value>), Failed> {
    let mut notes = Vec::new();
    loop {
        match soon(exchange.next()).await? {
            Event::Notification { method, params } => notes.push(json!({ "method": method, "params": value(&params) })),
            Event::Reply(Reply::Result(result)) => return Ok((value(&result), notes)),
            Event::Opened => {}
            other @ (Event::Request { .. } | Event::Withdrawn { .. }) => panic!("{other:?}"),
            Event::Reply(Reply::Error(error)) => return Ok((json!({ "error": value(&error) }), notes)),
        }
    }
}

pub(crate) fn value(payload: &Payload) -> Value {
    payload.deserialize().expect("a payload is JSON")
}

/// The server's end of a connection.
pub(crate) struct Server {
    lines: BufReader<ReadHalf<DuplexStream>>,
    output: WriteHalf<DuplexStream>,
}

impl Server {
    /// The next message of the gate; `None` at the end.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = soon(self.lines.read_line(&mut line)).await.ok()?;
        (read > 0).then(|| serde_json::from_str(&line).expect("the gate sends JSON"))
    }

    /// The next message, which has this method; its id.
    pub(crate) async fn expect(&mut self, method: &str) -> (Value, Value) {
        let message = self.hear().await.expect("the connection is open");
        assert_eq!(message["method"], method, "{message}");
        (message["id"].clone(), message["params"].clone())
    }

    pub(crate) async fn say(&mut self, text: &str) {
        // The gate may have hung up.
        let _ = self.output.write_all(format!("{text}\n").as_bytes()).await;
    }

    pub(crate) async fn reply(&mut self, id: &Value, result: Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()).await;
    }

    pub(crate) async fn refuse(&mut self, id: &Value, code: i32) {
        let error = json!({ "code": code, "message": "no" });
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()).await;
    }

    pub(crate) async fn note(&mut self, method: &str, params: Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()).await;
    }

    /// Asks the client.
    pub(crate) async fn ask(&mut self, id: &Value, method: &str, params: Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await;
    }

    /// The modern handshake.
    pub(crate) async fn be_modern(&mut self) {
        let (id, _) = self.expect("server/discover").await;
        self.reply(&id, json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} } })).await;
    }

    /// The legacy handshake.
    pub(crate) async fn be_legacy(&mut self, version: &str) {
        let (id, _) = self.expect("server/discover").await;
        self.refuse(&id, -32601).await;
        self.initialize(version).await;
    }

    pub(crate) async fn initialize(&mut self, version: &str) {
        let (id, _) = self.expect("initialize").await;
        let info = json!({ "name": "scripted", "version": "1" });
        let result = json!({ "protocolVersion": version, "capabilities": { "tools": {} }, "serverInfo": info });
        self.reply(&id, result).await;
        self.expect("notifications/initialized").await;
    }
}

/// An upstream whose server the test plays: each connection comes out of the channel.
pub(crate) fn scripted() -> (Builtin, mpsc::UnboundedReceiver<Server>) {
    let (started, servers) = mpsc::unbounded_channel();
    let start = move |stream: DuplexStream| {
        let (input, output) = tokio::io::split(stream);
        // The test may be over.
        let _ = started.send(Server { lines: BufReader::new(input), output });
    };
    (Builtin::Other(InProcess(Arc::new(start))), servers)
}
