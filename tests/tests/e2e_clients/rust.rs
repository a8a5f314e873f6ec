//! rmcp's client, with the plan and the report of `witgate_tests::client`.

#![expect(deprecated, reason = "servers of today ask for sampling and roots, so clients of today answer")]

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientConfig, ClientRequest, CreateMessageRequestParams,
    CreateMessageResult, ElicitRequestParams, ElicitResult, ElicitationAction, GetPromptRequestParams, ListRootsResult,
    PingRequest, ProgressNotificationParam, ProtocolVersion, ReadResourceRequestParams,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RequestContext, RunningService};
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _, ErrorData, RoleClient};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use witgate_tests::{gate, patiently};

/// The handshake.
pub(crate) fn legacy() -> ClientLifecycleMode {
    ClientLifecycleMode::Initialize
}

/// `server/discover`.
pub(crate) fn modern() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
}

/// rmcp's own HTTP client.
pub(crate) fn http(url: &str) -> StreamableHttpClientTransport<reqwest::Client> {
    StreamableHttpClientTransport::from_uri(url)
}

/// `witgate stdio` as a child of rmcp's.
pub(crate) fn stdio(file: &Path) -> TokioChildProcess {
    let mut command = gate::command();
    command.arg("stdio").arg("--config").arg(file);
    TokioChildProcess::new(command).expect("a child")
}

/// Keeps the progress that it is told, and answers what it is asked.
#[derive(Clone)]
struct Walker {
    progress: Arc<watch::Sender<Vec<f64>>>,
    asked: Arc<Mutex<Vec<&'static str>>>,
    plan: Arc<Value>,
}

impl Walker {
    fn new(plan: &Value) -> Self {
        Self { progress: Arc::new(watch::Sender::default()), asked: Arc::default(), plan: Arc::new(plan.clone()) }
    }

    fn answer<T: DeserializeOwned>(&self, method: &'static str, answer: Value) -> T {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(method);
        serde_json::from_value(answer).expect("an answer")
    }

    /// All progress since it was last asked for.
    fn progress(&self) -> Vec<f64> {
        self.progress.send_replace(Vec::new())
    }
}

impl ClientHandler for Walker {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        if self.plan.get("asking").is_some() {
            let capabilities = json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} });
            info.capabilities = serde_json::from_value(capabilities).expect("capabilities");
        }
        info
    }

    async fn on_progress(&self, progress: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress.send_modify(|all| all.push(progress.progress));
    }

    async fn create_elicitation(
        &self,
        _: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let answer = ElicitResult::new(ElicitationAction::Accept).with_content(self.plan["answer"].clone());
        Ok(self.answer("elicitation/create", to_json(&answer)))
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let content = json!({ "type": "text", "text": "forty-two" });
        Ok(self.answer("sampling/createMessage", json!({ "role": "assistant", "model": "none", "content": content })))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Ok(self.answer("roots/list", json!({ "roots": [{ "uri": "file:///garden", "name": "garden" }] })))
    }
}

type Client = RunningService<RoleClient, Walker>;

/// Walks through a plan.
pub(crate) async fn walk<T, E, A>(transport: T, mode: ClientLifecycleMode, plan: &Value) -> Value
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let walker = Walker::new(plan);
    let client =
        patiently("rmcp's connection", walker.clone().serve_with_lifecycle(transport, mode)).await.expect("a session");
    let mut report = json!({});
    let tools = client.list_all_tools().await.expect("tools");
    report["tools"] = tools.iter().map(|tool| tool.name.to_string()).collect();
    for key in ["call", "progressing"] {
        if let Some(step) = plan.get(key) {
            walker.progress();
            report[key] = call(&client, step).await;
        }
    }
    // Notifications are handled beside the answers, so the last may come late.
    report["progress"] = walker.progress().into();
    if let Some(step) = plan.get("cancelling") {
        report["cancelled"] = cancel(&client, &walker, step).await.into();
    }
    for step in plan["asking"].as_array().into_iter().flatten() {
        let result = call(&client, step).await;
        report["asking"].as_array_mut().map(|all| all.push(result.clone())).unwrap_or_else(|| {
            report["asking"] = json!([result]);
        });
    }
    read(&client, plan, &mut report).await;
    let revision = client.peer_info().expect("what the server said").protocol_version.to_string();
    if revision.as_str() < "2026" {
        client.send_request(ClientRequest::PingRequest(PingRequest::default())).await.expect("a pong");
        report["ping"] = true.into();
    }
    report["revision"] = revision.into();
    report["asked"] = walker.asked.lock().unwrap_or_else(PoisonError::into_inner).clone().into();
    client.cancel().await.expect("an end");
    report
}

fn tool(step: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(text(step, "/name")).with_arguments(object(&step["arguments"]))
}

async fn call(client: &Client, step: &Value) -> Value {
    to_json(&patiently("a result", client.call_tool(tool(step))).await.expect("a result"))
}

/// Begins a call and gives it up at its first progress.
async fn cancel(client: &Client, walker: &Walker, step: &Value) -> bool {
    walker.progress();
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(tool(step)));
    let call = client.send_cancellable_request(request, PeerRequestOptions::no_options()).await.expect("a call");
    let mut progress = walker.progress.subscribe();
    let first = patiently("progress", progress.wait_for(|all| !all.is_empty())).await.is_ok();
    first && call.cancel(None).await.is_ok()
}

/// Resources, prompts and completion.
async fn read(client: &Client, plan: &Value, report: &mut Value) {
    if let Some(uri) = plan["resource"].as_str() {
        let resources = client.list_all_resources().await.expect("resources");
        report["resources"] = resources.iter().map(|resource| resource.uri.clone()).collect();
        let contents = client.read_resource(ReadResourceRequestParams::new(uri)).await.expect("contents");
        report["resource"] = to_json(&contents);
    }
    if let Some(step) = plan.get("prompt") {
        let prompts = client.list_all_prompts().await.expect("prompts");
        report["prompts"] = prompts.iter().map(|prompt| prompt.name.clone()).collect();
        let params = GetPromptRequestParams::new(text(step, "/name")).with_arguments(object(&step["arguments"]));
        report["prompt"] = to_json(&client.get_prompt(params).await.expect("a prompt"));
    }
    if let Some(step) = plan.get("complete") {
        let (name, argument, value) =
            (text(step, "/ref/name"), text(step, "/argument/name"), text(step, "/argument/value"));
        let completion = client.complete_prompt_argument(name, argument, value, None).await;
        report["completion"] = completion.expect("a completion").values.into();
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}
