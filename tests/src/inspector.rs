//! The MCP Inspector's command line, which sends one request and prints the result.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::paths;
use crate::process::{Process, Stream};

/// Goes the steps of a plan that it can go: lists, a call, a resource, a prompt.
pub(crate) async fn walk(plan: &Value) -> Value {
    let mut report = json!({});
    let tools = ask(plan, &["--method", "tools/list"]).await;
    report["tools"] = members(&tools, "tools", "name");
    if let Some(step) = plan.get("call") {
        let arguments = step["arguments"].to_string();
        let call = ["--method", "tools/call", "--tool-name", word(&step["name"]), "--tool-args-json", &arguments];
        report["call"] = ask(plan, &call).await;
    }
    if let Some(uri) = plan.get("resource") {
        report["resource"] = ask(plan, &["--method", "resources/read", "--uri", word(uri)]).await;
    }
    if let Some(step) = plan.get("prompt") {
        let prompts = ask(plan, &["--method", "prompts/list"]).await;
        report["prompts"] = members(&prompts, "prompts", "name");
        let arguments = step["arguments"].as_object().into_iter().flatten();
        let arguments: Vec<_> = arguments.map(|(key, value)| format!("{key}={}", word(value))).collect();
        let mut get = vec!["--method", "prompts/get", "--prompt-name", word(&step["name"]), "--prompt-args"];
        get.extend(arguments.iter().map(String::as_str));
        report["prompt"] = ask(plan, &get).await;
    }
    report
}

/// The result of one request.
async fn ask(plan: &Value, request: &[&str]) -> Value {
    let mut command = Command::new("node");
    command.arg(paths::package("@modelcontextprotocol/inspector/clients/launcher/build/index.js"));
    command.args(["--cli", "--transport", "http", "--server-url", word(&plan["url"])]);
    command.args(["--protocol-era", word(&plan["mode"]), "--format", "json", "--quiet"]).args(request);
    let mut process = Process::spawn(command);
    drop(process.stdin());
    let result = |stream, line: &str| {
        let printed: Value = (stream == Stream::Stdout).then(|| serde_json::from_str(line).ok()).flatten()?;
        printed.get("result").cloned()
    };
    let result = process.line(&format!("the Inspector's answer to {request:?}"), 0, result).await;
    assert!(process.wait().await.success(), "{request:?} failed at its end:\n{}", process.text());
    result
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn members(result: &Value, list: &str, key: &str) -> Value {
    result[list].as_array().into_iter().flatten().map(|member| member[key].clone()).collect()
}
