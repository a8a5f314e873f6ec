//! Every message passes the hooks: each method and kind of message that the specification's schemas know, in each
//! revision, from clients of either era to servers of either era. A method that a schema has and this test does not know
//! fails it.
//!
//! `methods.json` is an extract of the schemas, made by `extract.py`.

mod recorder;
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use witgate_gateway::tenant::{Asks, Heard, Inbound, Outcome, Outlet, Said, Tenant};
use witgate_gateway::upstream::Reply;
use witgate_gateway::wire::RequestId;
use witgate_policy::{Form, Kind, Payload, Revision};

use self::recorder::{Asked, Hooks};
use self::server::puppet;
use crate::support::{Records, group, inbound, tenant};
use crate::{LEGACY, MODERN};

const SOON: Duration = Duration::from_secs(20);

#[derive(serde::Deserialize)]
struct Schemas {
    revisions: BTreeMap<String, Methods>,
}

#[derive(serde::Deserialize)]
struct Methods {
    client_requests: Vec<String>,
    client_notifications: Vec<String>,
    server_requests: Vec<String>,
    server_notifications: Vec<String>,
    input_requests: Vec<String>,
}

fn schemas() -> Vec<(Revision, Methods)> {
    let schemas: Schemas = serde_json::from_str(include_str!("methods.json")).expect("the extract");
    let all: Vec<_> = schemas
        .revisions
        .into_iter()
        .map(|(name, methods)| (Revision::parse(&name).expect("a revision of the gate"), methods))
        .collect();
    assert_eq!(all.len(), Revision::ALL.len(), "each revision has its schema");
    all
}

/// A client of a revision in front of a server of an era, and everything that the plugins between them are asked.
struct Pair {
    client: Revision,
    server: Revision,
    hooks: Hooks,
    tenant: Arc<Tenant>,
    asks: Arc<Asks>,
}

/// Each client with a server of each era.
fn pairs(client: Revision) -> [Pair; 2] {
    [LEGACY, MODERN].map(|server| {
        let hooks = Hooks::default();
        let tenant = Arc::new(tenant(hooks.pipeline(), vec![group("a", "", vec![puppet(server)])]));
        Pair { client, server, hooks, tenant, asks: Arc::default() }
    })
}

impl Pair {
    fn about(&self, what: &str) -> String {
        format!("client of {}, server of {}, {what}", self.client, self.server)
    }

    fn inbound(&self, method: &str, params: &Value) -> Inbound {
        let mut inbound = inbound(self.client, method, params);
        let mut capabilities = json!({"sampling": {}, "roots": {}, "elicitation": {}});
        if self.client == LEGACY {
            capabilities["tasks"] = json!({"list": {}, "cancel": {}, "requests": {}});
        }
        inbound.client.capabilities = Payload::of(&capabilities);
        inbound.client.log_level = Some("debug".into());
        if !self.client.is_modern() {
            inbound.client.session = Some("s".into());
        }
        inbound
    }

    fn outlet(&self) -> (Outlet, Heard) {
        Outlet::new((!self.client.is_modern()).then(|| self.asks.clone()))
    }

    /// Sends a request, and answers what is asked in its course, as a front does.
    async fn request(&self, inbound: Inbound) -> Outcome {
        let (outlet, mut heard) = self.outlet();
        let records = Records::default();
        let request = Box::pin(self.tenant.request(1, &records, inbound, &outlet));
        let answering = async {
            while let Some(said) = heard.recv().await {
                self.answer(said).await;
            }
            std::future::pending().await
        };
        let outcome = tokio::time::timeout(SOON, async {
            tokio::select! {
                outcome = request => outcome,
                never = answering => never,
            }
        });
        outcome.await.expect("in time")
    }

    async fn answer(&self, said: Said) {
        let Said::Ask { id, .. } = said else { return };
        let Some(answered) = self.asks.take(&RequestId::Number(id)) else { return };
        let inbound = self.inbound(answered.method(), &answer_to(answered.method()));
        let judged = self.tenant.response(1, &Records::default(), inbound).await.expect("accepted");
        answered.deliver(Reply::Result(judged));
    }

    /// A call whose server says what it is told.
    async fn call(&self, arguments: Value) -> Outcome {
        let params = json!({"name": "t", "arguments": arguments, "_meta": {"progressToken": 1}});
        self.request(self.inbound("tools/call", &params)).await
    }

    /// A call on the connection that is listened to: a modern client that can be asked calls on another.
    async fn nudge(&self, arguments: Value) -> Outcome {
        let mut inbound = self.inbound("tools/call", &json!({"name": "t", "arguments": arguments}));
        if self.client.is_modern() {
            inbound.client.capabilities = Payload::empty();
        }
        self.request(inbound).await
    }

    fn saw(&self, asked: &Asked, what: &str) {
        self.hooks.check(asked, &self.about(what));
    }
}

fn answer_to(method: &str) -> Value {
    match method {
        "sampling/createMessage" => {
            json!({"role": "assistant", "content": {"type": "text", "text": ""}, "model": "m"})
        }
        "roots/list" => json!({"roots": []}),
        "elicitation/create" => json!({"action": "decline"}),
        "tasks/list" => json!({"tasks": []}),
        _ => json!({"taskId": "c1", "status": "working", "createdAt": "2026-01-01T00:00:00Z", "ttl": null}),
    }
}

fn question(method: &str) -> Value {
    let params = match method {
        "sampling/createMessage" => json!({"messages": [], "maxTokens": 1}),
        "elicitation/create" => json!({"message": "?", "requestedSchema": {"type": "object", "properties": {}}}),
        "tasks/get" | "tasks/result" | "tasks/cancel" => json!({"taskId": "c1"}),
        "roots/list" | "tasks/list" => json!({}),
        unknown => panic!("how is `{unknown}` asked?"),
    };
    json!({ "method": method, "params": params })
}

/// The params of a client's request, and the kind of its answer.
fn asked(method: &str, task: &str) -> (Value, Kind) {
    match method {
        "initialize" => (json!({"protocolVersion": "2025-11-25", "capabilities": {}}), Kind::Result),
        "ping" => (json!({}), Kind::Result),
        "server/discover"
        | "tools/list"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list"
        | "tasks/list" => (json!({}), Kind::Listing),
        "tools/call" => (json!({"name": "t"}), Kind::Result),
        "prompts/get" => (json!({"name": "p"}), Kind::Result),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => (json!({"uri": "x://1"}), Kind::Result),
        "completion/complete" => {
            let argument = json!({"name": "a", "value": ""});
            (json!({"ref": {"type": "ref/prompt", "name": "p"}, "argument": argument}), Kind::Result)
        }
        "logging/setLevel" => (json!({"level": "debug"}), Kind::Result),
        "subscriptions/listen" => (json!({"notifications": {"toolsListChanged": true}}), Kind::Result),
        "tasks/get" | "tasks/result" | "tasks/cancel" => (json!({ "taskId": task }), Kind::Result),
        unknown => panic!("which way goes `{unknown}`?"),
    }
}

#[tokio::test]
async fn every_request_of_a_client_is_judged_and_its_answer_cleaned() {
    for (revision, methods) in schemas() {
        for pair in pairs(revision) {
            let made = pair.request(pair.inbound("tools/call", &json!({"name": "t", "task": {}}))).await;
            let task = made.answer.expect("made").payload().read::<String>("/task/taskId");
            for method in &methods.client_requests {
                // Tasks of 2025-11-25 are a legacy server's.
                if method.starts_with("tasks/") && pair.server.is_modern() {
                    continue;
                }
                let (params, kind) = asked(method, task.as_deref().unwrap_or_default());
                pair.hooks.forget();
                let outcome = match method.as_str() {
                    // It ends when the gate stops, which it does here.
                    "subscriptions/listen" => pair.listen(&params, true).await.0.await.expect("ends"),
                    _ => pair.request(pair.inbound(method, &params)).await,
                };
                let answer = outcome.answer.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", pair.about(method)));
                assert_eq!(answer.kind(), kind, "{}", pair.about(method));
                pair.saw(&Asked::Auth(Form::Request, method.clone()), method);
                pair.saw(&Asked::Validate(Form::Request, method.clone()), method);
                pair.saw(&Asked::Sanitize(kind, method.clone()), method);
                if method == "subscriptions/listen" {
                    let acknowledged = "notifications/subscriptions/acknowledged".to_owned();
                    pair.saw(&Asked::Sanitize(Kind::Notification, acknowledged), method);
                }
            }
            pair.hooks.forget();
            let failed = pair.call(json!({"fail": true})).await.answer.expect("an error");
            assert_eq!(failed.kind(), Kind::Error);
            pair.saw(&Asked::Sanitize(Kind::Error, "tools/call".into()), "an error");
        }
    }
}

impl Pair {
    /// Listens in the background to what servers say outside of calls, in the way of the client's era.
    async fn listen(
        &self,
        params: &Value,
        stopped: bool,
    ) -> (tokio::task::JoinHandle<Outcome>, Heard, watch::Sender<bool>) {
        let (stop, stopping) = watch::channel(stopped);
        let (outlet, mut heard) = self.outlet();
        let outlet = outlet.until(stopping);
        let (tenant, modern) = (self.tenant.clone(), self.client.is_modern());
        let inbound = self.inbound(if modern { "subscriptions/listen" } else { "GET" }, params);
        let listening = tokio::spawn(async move {
            let records = Records::default();
            if modern {
                return tenant.request(1, &records, inbound, &outlet).await;
            }
            let refusal = tenant.stand(1, &records, inbound, &outlet).await;
            Outcome { answer: Err(refusal), identity: None, params: None }
        });
        if modern {
            let first = tokio::time::timeout(SOON, heard.recv()).await.expect("in time");
            assert!(matches!(first, Some(Said::Note(_))), "acknowledged first");
        }
        (listening, heard, stop)
    }
}

#[tokio::test]
async fn every_notification_of_a_client_is_judged() {
    for (revision, methods) in schemas() {
        for pair in pairs(revision) {
            for method in &methods.client_notifications {
                pair.hooks.forget();
                let inbound = pair.inbound(method, &json!({"requestId": 1, "progressToken": 1, "progress": 1}));
                pair.tenant.notification(1, &Records::default(), inbound).await.expect("taken");
                pair.saw(&Asked::Auth(Form::Notification, method.clone()), method);
                pair.saw(&Asked::Validate(Form::Notification, method.clone()), method);
            }
        }
    }
}

#[tokio::test]
async fn every_question_of_a_server_is_cleaned_and_its_answer_judged() {
    for (revision, methods) in schemas() {
        for pair in pairs(revision) {
            for method in methods.server_requests.iter().chain(&methods.input_requests) {
                // The gate itself answers whether somebody is there; that is no word of a client's. Only a legacy server
                // asks for a client's tasks.
                if method == "ping" || (method.starts_with("tasks/") && pair.server.is_modern()) {
                    continue;
                }
                pair.hooks.forget();
                let mut answer = pair.call(json!({ "question": question(method) })).await.answer.expect("an answer");
                let mut params = json!({"name": "t", "arguments": {"question": question(method)}});
                if pair.client.is_modern() {
                    assert_eq!(answer.kind(), Kind::InputRequired, "{}", pair.about(method));
                    pair.saw(&Asked::Sanitize(Kind::InputRequired, "tools/call".into()), method);
                    let asked: Value = answer.payload().deserialize().expect("JSON");
                    let keys = asked["inputRequests"].as_object().expect("questions").keys();
                    params["inputResponses"] = keys.map(|key| (key.clone(), answer_to(method))).collect();
                    if let Some(state) = asked.get("requestState") {
                        params["requestState"] = state.clone();
                    }
                    answer = pair.request(pair.inbound("tools/call", &params)).await.answer.expect("an answer");
                } else if pair.server.is_modern() {
                    pair.saw(&Asked::Sanitize(Kind::InputRequired, "tools/call".into()), method);
                } else {
                    pair.saw(&Asked::Sanitize(Kind::ServerRequest, method.clone()), method);
                }
                assert_eq!(answer.kind(), Kind::Result, "{}", pair.about(method));
                pair.saw(&Asked::Validate(Form::Response, method.clone()), method);
            }
        }
    }
}

/// How a server's notification reaches a client.
enum Reach {
    /// Before the answer to a call.
    Within(Value),
    /// Outside of any call.
    Outside(Value),
    /// Not at all.
    Never(&'static str),
}

fn reach(method: &str, task: &str) -> Reach {
    let note = |params: Value| json!({ "method": method, "params": params });
    match method {
        "notifications/progress" => Reach::Within(note(json!({"progress": 1}))),
        "notifications/message" => Reach::Within(note(json!({"level": "error", "data": "x"}))),
        "notifications/tools/list_changed"
        | "notifications/prompts/list_changed"
        | "notifications/resources/list_changed" => Reach::Outside(note(json!({}))),
        "notifications/resources/updated" => Reach::Outside(note(json!({"uri": "x://1"}))),
        "notifications/tasks/status" => Reach::Outside(note(json!({"taskId": task, "status": "completed"}))),
        "notifications/elicitation/complete" => Reach::Outside(note(json!({"elicitationId": "e"}))),
        "notifications/cancelled" => {
            Reach::Never("it takes back the server's own request, which the gate does in its own words")
        }
        "notifications/subscriptions/acknowledged" => {
            Reach::Never("the gate acknowledges its own subscriptions, and the sanitizers see it: see the requests")
        }
        unknown => panic!("how does `{unknown}` reach a client?"),
    }
}

#[tokio::test]
async fn every_notification_of_a_server_is_cleaned() {
    for (revision, methods) in schemas() {
        for pair in pairs(revision) {
            let filter = json!({
                "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
                "resourceSubscriptions": ["x://1"],
            });
            let (_listening, mut heard, _stop) = pair.listen(&json!({ "notifications": filter }), false).await;
            if !pair.client.is_modern() {
                pair.request(pair.inbound("resources/subscribe", &json!({"uri": "x://1"}))).await.answer.expect("yes");
                let task = json!({"name": "t", "task": {}});
                pair.request(pair.inbound("tools/call", &task)).await.answer.expect("made");
            }
            for method in &methods.server_notifications {
                // Tasks and elicitations by URL of 2025-11-25 are a legacy server's.
                let of_legacy = ["notifications/tasks/status", "notifications/elicitation/complete"];
                if of_legacy.contains(&method.as_str()) && pair.server.is_modern() {
                    continue;
                }
                pair.hooks.forget();
                match reach(method, "t1") {
                    Reach::Within(note) => drop(pair.call(json!({ "notes": [note] })).await.answer.expect("an answer")),
                    Reach::Outside(note) => {
                        pair.nudge(json!({ "outside": [note] })).await.answer.expect("an answer");
                        let until = async {
                            while let Some(said) = heard.recv().await {
                                if matches!(&said, Said::Note(note) if note.method() == method) {
                                    return;
                                }
                            }
                        };
                        let told = tokio::time::timeout(SOON, until).await;
                        told.unwrap_or_else(|_| panic!("{}: is not told", pair.about(method)));
                    }
                    Reach::Never(why) => {
                        assert!(!why.is_empty());
                        continue;
                    }
                }
                pair.saw(&Asked::Sanitize(Kind::Notification, method.clone()), method);
            }
        }
    }
}

/// What the extension for tasks adds to 2026-07-28 (SEP-2663), whose methods are in no schema of the core.
#[tokio::test]
async fn every_message_of_the_tasks_extension_passes_the_hooks() {
    let [_, pair] = pairs(MODERN);
    let said = |method: &str, params: &Value| {
        let mut inbound = pair.inbound(method, params);
        let extension = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        inbound.client.capabilities = Payload::of(&extension);
        inbound
    };
    let call = said("tools/call", &json!({"name": "t", "arguments": {"task": true}}));
    let made = pair.request(call).await.answer.expect("made");
    pair.saw(&Asked::Sanitize(Kind::Result, "tools/call".into()), "a task");
    let task: String = made.payload().read("/taskId").expect("an id");
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        pair.hooks.forget();
        let params = json!({"taskId": task, "inputResponses": {"q": answer_to("elicitation/create")}});
        let answer = pair.request(said(method, &params)).await.answer.expect("an answer");
        assert_eq!(answer.kind(), Kind::Result, "{method}");
        pair.saw(&Asked::Auth(Form::Request, method.into()), method);
        pair.saw(&Asked::Validate(Form::Request, method.into()), method);
        pair.saw(&Asked::Sanitize(Kind::Result, method.into()), method);
        if method == "tasks/update" {
            pair.saw(&Asked::Validate(Form::Response, "elicitation/create".into()), "an answer in an update");
        }
    }
}
