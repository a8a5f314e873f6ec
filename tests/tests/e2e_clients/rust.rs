//! rmcp's client, with the plan and the report of `witgate_tests::client`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rmcp::model::{
    CallToolRequestParams, ClientRequest, GetPromptRequestParams, PingRequest, ProgressNotificationParam,
    ProtocolVersion, ReadResourceRequestParams,
};
use rmcp::service::NotificationContext;
use rmcp::transport::{IntoTransport, StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _, RoleClient};
use serde_json::{Map, Value, json};
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

/// Keeps the progress that it is told.
#[derive(Clone, Default)]
struct Watcher(Arc<Mutex<Vec<f64>>>);

impl ClientHandler for Watcher {
    async fn on_progress(&self, progress: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.lock().expect("the list").push(progress.progress);
    }
}

/// Walks through a plan.
pub(crate) async fn walk<T, E, A>(transport: T, mode: ClientLifecycleMode, plan: &Value) -> Value
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let watcher = Watcher::default();
    let client =
        patiently("rmcp's connection", watcher.clone().serve_with_lifecycle(transport, mode)).await.expect("a session");
    let step = |key: &str| (plan[key]["name"].as_str().expect("a name").to_owned(), object(&plan[key]["arguments"]));
    let names = |names: Vec<String>| Value::from(names);

    let mut report = json!({});
    let tools = client.list_all_tools().await.expect("tools");
    report["tools"] = names(tools.iter().map(|tool| tool.name.to_string()).collect());
    for key in ["call", "progressing"] {
        watcher.0.lock().expect("the list").clear();
        let (name, arguments) = step(key);
        let result = client.call_tool(CallToolRequestParams::new(name).with_arguments(arguments)).await;
        report[key] = to_json(&result.expect("a result"));
    }
    let resources = client.list_all_resources().await.expect("resources");
    report["resources"] = names(resources.iter().map(|resource| resource.uri.clone()).collect());
    let uri = plan["resource"].as_str().expect("a URI");
    report["resource"] = to_json(&client.read_resource(ReadResourceRequestParams::new(uri)).await.expect("contents"));
    let prompts = client.list_all_prompts().await.expect("prompts");
    report["prompts"] = names(prompts.iter().map(|prompt| prompt.name.clone()).collect());
    let (name, arguments) = step("prompt");
    let prompt = client.get_prompt(GetPromptRequestParams::new(name).with_arguments(arguments)).await;
    report["prompt"] = to_json(&prompt.expect("a prompt"));
    let text = |pointer: &str| plan.pointer(pointer).and_then(Value::as_str).expect("text").to_owned();
    let (name, argument) = (text("/complete/ref/name"), text("/complete/argument/name"));
    let completion = client.complete_prompt_argument(name, argument, text("/complete/argument/value"), None).await;
    report["completion"] = completion.expect("a completion").values.into();
    // Notifications are handled beside the answers, so the last may come late.
    report["progress"] = watcher.0.lock().expect("the list").clone().into();
    let revision = client.peer_info().expect("what the server said").protocol_version.to_string();
    if revision.as_str() < "2026" {
        client.send_request(ClientRequest::PingRequest(PingRequest::default())).await.expect("a pong");
        report["ping"] = true.into();
    }
    report["revision"] = revision.into();
    client.cancel().await.expect("an end");
    report
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("JSON")
}
