//! What is offered, as data: the files of `fixtures/`, read into rmcp's types when they are asked for.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResult, GetPromptResult, InputRequests, JsonObject, Prompt, ReadResourceResult, Resource, ResourceTemplate,
    Tool,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const TOOLS: &str = include_str!("../../fixtures/tools.json");
const RESULTS: &str = include_str!("../../fixtures/results.json");
const PROMPTS: &str = include_str!("../../fixtures/prompts.json");
const RESOURCES: &str = include_str!("../../fixtures/resources.json");
const QUESTIONS: &str = include_str!("../../fixtures/questions.json");
const INPUTS: &str = include_str!("../../fixtures/inputs.json");

type Found<T> = Result<T, ErrorData>;

/// All tools. One that says nothing of its arguments takes none.
pub(crate) fn tools() -> Found<Vec<Tool>> {
    let mut tools: Vec<JsonObject> = at(TOOLS, "")?.unwrap_or_default();
    for tool in &mut tools {
        tool.entry("inputSchema").or_insert_with(|| json!({ "type": "object" }));
    }
    read(Value::from_iter(tools))
}

/// One of them.
pub(crate) fn tool(name: &str) -> Option<Tool> {
    tools().ok()?.into_iter().find(|tool| tool.name == name)
}

/// The answer of a tool that always answers the same.
pub(crate) fn result(tool: &str) -> Found<Option<CallToolResult>> {
    at(RESULTS, &format!("/{tool}"))?.map(complete).transpose()
}

/// All prompts.
pub(crate) fn prompts() -> Found<Vec<Prompt>> {
    Ok(at(PROMPTS, "/list")?.unwrap_or_default())
}

/// A prompt with its arguments filled in where `{NAME}` stands.
pub(crate) fn prompt(name: &str, arguments: &JsonObject) -> Found<Option<GetPromptResult>> {
    let Some(found) = at::<JsonObject>(PROMPTS, &format!("/get/{name}"))? else { return Ok(None) };
    let filled = arguments.iter().fold(json!(found).to_string(), |text, (name, value)| {
        let quoted = Value::from(value.as_str().unwrap_or_default()).to_string();
        // Without the quotes around it, which the file has.
        text.replace(&format!("{{{name}}}"), &quoted[1..quoted.len() - 1])
    });
    parse(&filled).and_then(complete).map(Some)
}

/// All resources.
pub(crate) fn resources() -> Found<Vec<Resource>> {
    Ok(at(RESOURCES, "/list")?.unwrap_or_default())
}

/// All templates.
pub(crate) fn templates() -> Found<Vec<ResourceTemplate>> {
    Ok(at(RESOURCES, "/templates")?.unwrap_or_default())
}

/// What is read at a URI, one of the template's too.
pub(crate) fn resource(uri: &str) -> Found<Option<ReadResourceResult>> {
    let content = match uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data")) {
        Some(id) => {
            let text = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string();
            Some(json!({ "uri": uri, "mimeType": "application/json", "text": text }))
        }
        None => at::<JsonObject>(RESOURCES, "/read")?.and_then(|mut all| all.remove(uri)),
    };
    content.map(|content| complete([("contents".to_owned(), json!([content]))].into_iter().collect())).transpose()
}

/// The parameters of what a tool asks the client while it works.
pub(crate) fn question<T: DeserializeOwned>(tool: &str) -> Found<T> {
    at(QUESTIONS, &format!("/{tool}/params"))?.ok_or_else(|| nothing(tool))
}

/// What a tool or a prompt needs in a round, counted from 0; none when there are no more rounds.
pub(crate) fn inputs(name: &str, round: usize) -> Found<Option<InputRequests>> {
    at(INPUTS, &format!("/{name}/{round}"))
}

/// A result with what rmcp adds only to those that it makes itself.
pub(crate) fn complete<T: DeserializeOwned>(mut result: JsonObject) -> Found<T> {
    result.insert("resultType".to_owned(), json!("complete"));
    read(result.into())
}

fn nothing(name: &str) -> ErrorData {
    ErrorData::internal_error(format!("fixtures/ say nothing of {name}"), None)
}

fn at<T: DeserializeOwned>(text: &str, pointer: &str) -> Found<Option<T>> {
    let mut all: Value = parse(text)?;
    all.pointer_mut(pointer).map(|value| read(value.take())).transpose()
}

fn parse<T: DeserializeOwned>(text: &str) -> Found<T> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

fn read<T: DeserializeOwned>(value: Value) -> Found<T> {
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> ErrorData {
    ErrorData::internal_error(format!("fixtures/: {error}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_what_rmcp_reads() {
        let tools = tools().expect("tools");
        let names: std::collections::BTreeSet<_> = tools.iter().map(|tool| tool.name.clone()).collect();
        assert_eq!(names.len(), tools.len(), "each name once");
        assert!(!prompts().expect("prompts").is_empty() && !templates().expect("templates").is_empty());
        for resource in resources().expect("resources") {
            assert!(self::resource(&resource.uri).expect("a resource").is_some(), "{}", resource.uri);
        }
        for (name, _) in at::<JsonObject>(RESULTS, "").expect("results").expect("an object") {
            assert!(names.contains(name.as_str()) && result(&name).expect("a result").is_some(), "{name}");
        }
        for (name, _) in at::<JsonObject>(INPUTS, "").expect("inputs").expect("an object") {
            assert!(inputs(&name, 0).expect("inputs").is_some(), "{name}");
        }
    }

    #[test]
    fn arguments_are_filled_in_as_text() {
        let arguments = [("arg1".to_owned(), json!("a \"b\"")), ("arg2".to_owned(), json!("c"))].into_iter().collect();
        let prompt = prompt("test_prompt_with_arguments", &arguments).expect("a prompt").expect("known");
        let text = serde_json::to_value(&prompt).expect("JSON")["messages"][0]["content"]["text"].clone();
        assert_eq!(text, "Prompt with arguments: arg1='a \"b\"', arg2='c'");
    }
}
