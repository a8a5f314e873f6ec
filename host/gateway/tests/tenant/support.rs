//! Servers that say what a closure says, and the parts that a tenant is made of.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use witgate_gateway::record::{Record, Recorder, TurnedAway};
use witgate_gateway::tenant::{Group, Inbound, Lasting, Outcome, Outlet, Said, Spec, Tenant};
use witgate_gateway::upstream::{Builtin, InProcess, Limits, Spec as UpstreamSpec, Timeouts, Transport, Upstream};
use witgate_gateway::wire::{ClientFacts, RequestId};
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::store::Breaker;
use witgate_policy::{Circuit, Payload, Peer, Pipeline, Presented, Revision, Sanitized};

/// What a server answers to a method and its params: a `result`, an `error`, or nothing at all.
pub(crate) enum Says {
    Result(Value),
    Error(i64),
    Nothing,
    /// Ends the connection.
    Hangup,
}

/// What a server was asked, in order.
pub(crate) type Log = Arc<Mutex<Vec<(String, Value)>>>;

pub(crate) fn asked(log: &Log, method: &str) -> Vec<Value> {
    let log = log.lock().expect("log");
    log.iter().filter(|(asked, _)| asked == method).map(|(_, params)| params.clone()).collect()
}

/// A legacy server.
pub(crate) fn server(says: impl Fn(&str, &Value) -> Says + Send + Sync + 'static) -> (Transport, Log) {
    let log = Log::default();
    let (says, seen) = (Arc::new(says), log.clone());
    let start = move |stream: tokio::io::DuplexStream| {
        let (says, seen) = (says.clone(), seen.clone());
        tokio::spawn(async move {
            let (read, mut write) = tokio::io::split(stream);
            let mut lines = BufReader::new(read).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let message: Value = serde_json::from_str(&line).expect("the gate writes JSON");
                let method = message["method"].as_str().unwrap_or_default().to_owned();
                let params = message["params"].clone();
                seen.lock().expect("log").push((method.clone(), params.clone()));
                if message.get("id").is_none() {
                    continue;
                }
                let said = match method.as_str() {
                    "initialize" => Says::Result(json!({
                        "protocolVersion": "2025-11-25",
                        "capabilities": {"tools": {"listChanged": true}, "prompts": {}, "resources": {}},
                        "serverInfo": {"name": "scripted", "version": "1"},
                    })),
                    "server/discover" => Says::Error(-32601),
                    _ => says(&method, &params),
                };
                let answer = match said {
                    Says::Result(result) => json!({"jsonrpc": "2.0", "id": message["id"], "result": result}),
                    Says::Error(code) => {
                        json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": "no"}})
                    }
                    Says::Nothing => continue,
                    Says::Hangup => return,
                };
                write.write_all(format!("{answer}\n").as_bytes()).await.expect("the gate reads");
            }
        });
    };
    (Transport::Builtin(Builtin::Other(InProcess(Arc::new(start)))), log)
}

/// A server with these tools, which answers a call with its name.
pub(crate) fn tools(names: &'static [&'static str]) -> (Transport, Log) {
    server(move |method, params| match method {
        "tools/list" => Says::Result(json!({ "tools": names.iter().map(|name| tool(name)).collect::<Vec<_>>() })),
        "tools/call" => Says::Result(text(&format!("called {}", params["name"]))),
        _ => Says::Error(-32601),
    })
}

pub(crate) fn tool(name: &str) -> Value {
    json!({"name": name, "x-own": 1.0, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}})
}

pub(crate) fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}], "x-own": {"big": 1e2}})
}

struct Closed;

impl Breaker for Closed {
    fn circuit(&self) -> Circuit {
        Circuit::Closed
    }
    fn admit(&self) -> bool {
        true
    }
    fn report(&self, _: bool) {}
    fn release(&self) {}
}

pub(crate) fn upstream(id: &str, transport: Transport) -> Arc<Upstream> {
    let spec = UpstreamSpec {
        id: id.into(),
        group: id.into(),
        labels: Arc::new([]),
        transport,
        limits: Limits::default(),
        timeouts: Timeouts::default(),
    };
    Upstream::new(spec, Arc::new(Closed))
}

pub(crate) fn group(name: &str, prefix: &str, transports: Vec<Transport>) -> Group {
    let upstreams = transports
        .into_iter()
        .enumerate()
        .map(|(at, transport)| upstream(&format!("{name}-{at}"), transport))
        .collect();
    Group { name: name.into(), prefix: prefix.into(), upstreams }
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        None
    }
}

pub(crate) fn tenant(pipeline: Pipeline, groups: Vec<Group>) -> Tenant {
    Tenant::new(spec(pipeline, groups))
}

pub(crate) fn spec(pipeline: Pipeline, groups: Vec<Group>) -> Spec {
    Spec {
        name: "t".into(),
        path: "/mcp".into(),
        pipeline,
        secrets: Arc::new(NoSecrets),
        groups,
        auth_headers: vec!["authorization".into()],
        resource_metadata: None,
        deadline: Duration::from_mins(1),
        lasting: Arc::new(Lasting::new().expect("random bytes")),
        server_name: "gate".into(),
    }
}

#[derive(Default)]
pub(crate) struct Records(pub(crate) Mutex<Vec<Record>>);

impl Recorder for Records {
    fn record(&self, record: &Record) {
        self.0.lock().expect("records").push(record.clone());
    }

    fn turned_away(&self, turned_away: &TurnedAway) {
        panic!("there is no front: {turned_away:?}");
    }
}

impl Records {
    pub(crate) fn only(&self) -> Record {
        let records = self.0.lock().expect("records");
        assert_eq!(records.len(), 1, "one record for one message");
        records[0].clone()
    }
}

pub(crate) fn inbound(revision: Revision, method: &str, params: &Value) -> Inbound {
    Inbound {
        id: Some(RequestId::Number(7)),
        method: method.into(),
        params: Payload::of(params),
        client: ClientFacts { revision, info: None, capabilities: Payload::empty(), log_level: None, session: None },
        presented: Presented { headers: Vec::new(), peer: Peer { address: "stdio".into(), certificate: None } },
        owner: None,
        param_headers: None,
    }
}

/// Sends one request and gives back its end, its record, and the notifications before it.
pub(crate) async fn ask(tenant: &Tenant, inbound: Inbound) -> (Outcome, Record, Vec<Sanitized>) {
    let records = Records::default();
    let (outlet, mut said) = Outlet::new(None);
    let outcome = tenant.request(1, &records, inbound, &outlet).await;
    drop(outlet);
    let mut all = Vec::new();
    while let Some(said) = said.recv().await {
        if let Said::Note(note) = said {
            all.push(note);
        }
    }
    (outcome, records.only(), all)
}

/// The answer's payload, which must not be a refusal.
pub(crate) async fn answer(tenant: &Tenant, revision: Revision, method: &str, params: Value) -> Value {
    let (outcome, ..) = ask(tenant, inbound(revision, method, &params)).await;
    outcome.answer.expect("no refusal").payload().deserialize().expect("JSON")
}
