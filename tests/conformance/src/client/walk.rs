//! What is done with a server: everything that it lists is used once.

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::session::{Answer, Session};
use super::{Scenario, sample};

/// A call, and what it has been told to add.
struct Call {
    method: &'static str,
    params: Value,
}

pub(super) async fn walk(session: &mut Session, scenario: &Scenario) -> anyhow::Result<()> {
    let tools = session.list("tools/list", "tools").await?;
    let mut calls = match scenario.name.as_str() {
        // Its server lists a tool, and has no way to call it.
        "json-schema-ref-no-deref" => Vec::new(),
        "json-schema-2020-12-preservation" => {
            let focal =
                tools.iter().find(|tool| tool["name"] == "json_schema_2020_12_tool").context("no focal tool")?;
            vec![tool(&"json_schema_echo".into(), &json!({ "schema": focal["inputSchema"] }))]
        }
        _ => wished(scenario).unwrap_or_else(|| {
            let all = tools.iter().map(|listed| tool(&listed["name"], &sample::object(&listed["inputSchema"])));
            all.collect()
        }),
    };
    if session.server.get("resources").is_some() {
        let resources = session.list("resources/list", "resources").await?;
        calls.extend(resources.iter().map(|it| Call { method: "resources/read", params: json!({ "uri": it["uri"] }) }));
    }
    if session.server.get("prompts").is_some() {
        let prompts = session.list("prompts/list", "prompts").await?;
        calls.extend(prompts.iter().map(|it| Call { method: "prompts/get", params: json!({ "name": it["name"] }) }));
    }
    make(session, calls).await
}

/// The calls that the scenario wants.
fn wished(scenario: &Scenario) -> Option<Vec<Call>> {
    let calls = scenario.wishes.get("toolCalls")?.as_array()?;
    Some(calls.iter().map(|call| tool(&call["name"], &call["arguments"])).collect())
}

fn tool(name: &Value, arguments: &Value) -> Call {
    Call { method: "tools/call", params: json!({ "name": name, "arguments": arguments }) }
}

/// Makes all calls. Those that want more are made again after the others, so that several are open at once.
async fn make(session: &mut Session, mut calls: Vec<Call>) -> anyhow::Result<()> {
    for _round in 0..4 {
        let mut again = Vec::new();
        for Call { method, params } in calls {
            match session.request(method, params.clone()).await? {
                Answer::Result(_) => {}
                Answer::Error(error) => bail!("{method} {params} was refused: {error}"),
                Answer::Wanted(more) => {
                    let mut params = params;
                    for (key, value) in more.as_object().into_iter().flatten() {
                        params[key] = value.clone();
                    }
                    again.push(Call { method, params });
                }
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        calls = again;
    }
    bail!("the server wants more and more")
}
