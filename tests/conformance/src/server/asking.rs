//! Tools that speak with the client while they work: they ask its model or its user, write to its log, tell their
//! progress.

use std::time::Duration;

use rmcp::model::{
    CallToolResult, ContentBlock, CreateMessageRequestParams, ElicitRequestParams, LoggingLevel,
    LoggingMessageNotificationParam, ProgressNotificationParam,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::fixtures;

/// How long one count takes, and how far counting goes when nobody ends it.
const COUNT: Duration = Duration::from_millis(100);
const COUNT_MAX: u32 = 600;

const LOGGER: &str = "witgate-conformance";

type Context = RequestContext<RoleServer>;

pub(crate) fn said(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text.into())])
}

/// Asks the client's model.
pub(crate) async fn model(prompt: &str, context: &Context) -> Result<CallToolResult, ErrorData> {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    let params = json!({ "messages": [message], "maxTokens": 100 });
    let params: CreateMessageRequestParams =
        serde_json::from_value(params).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let answer = context.peer.create_message(params).await;
    Ok(told("LLM response", answer.map(|answer| json!(answer)["content"]["text"].clone())))
}

/// Asks the client's user what `fixtures/questions.json` says, or with another message.
pub(crate) async fn user(tool: &str, message: Option<&str>, context: &Context) -> Result<CallToolResult, ErrorData> {
    let mut params: ElicitRequestParams = fixtures::question(tool)?;
    if let (ElicitRequestParams::FormElicitationParams { message: text, .. }, Some(message)) = (&mut params, message) {
        message.clone_into(text);
    }
    let answer = context.peer.create_elicitation(params).await;
    Ok(told("User response", answer.map(|answer| json!(answer))))
}

fn told<E: std::fmt::Display>(what: &str, answer: Result<Value, E>) -> CallToolResult {
    match answer {
        Ok(Value::String(text)) => said(format!("{what}: {text}")),
        Ok(answer) => said(format!("{what}: {answer}")),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(format!("{what}: {error}"))]),
    }
}

/// Writes lines to the client's log.
pub(crate) async fn log(level: LoggingLevel, lines: &[&str], context: &Context) -> CallToolResult {
    for line in lines {
        let params = LoggingMessageNotificationParam::new(level, json!(line)).with_logger(LOGGER);
        // A client that has gone does not read its log.
        let _ = context.peer.notify_logging_message(params).await;
    }
    said("Written.")
}

/// Tells how far the call is, if the client wants to know.
pub(crate) async fn progress(context: &Context) -> CallToolResult {
    let Some(token) = context.meta.get_progress_token() else { return said("Done; nobody wanted to know how far.") };
    for percent in [0.0, 50.0, 100.0] {
        let params = ProgressNotificationParam::new(token.clone(), percent).with_total(100.0);
        let _ = context.peer.notify_progress(params.with_message(format!("Completed step {percent} of 100"))).await;
    }
    said("Done.")
}

/// Counts, and tells how far it has come, until the call is cancelled.
pub(crate) async fn count(context: &Context) -> CallToolResult {
    let mut ticks = tokio::time::interval(COUNT);
    for count in 1..=COUNT_MAX {
        tokio::select! {
            () = context.ct.cancelled() => return said(format!("Cancelled at {count}.")),
            _ = ticks.tick() => {}
        }
        if let Some(token) = context.meta.get_progress_token() {
            let _ = context.peer.notify_progress(ProgressNotificationParam::new(token, f64::from(count))).await;
        }
    }
    said(format!("Counted to {COUNT_MAX}."))
}
