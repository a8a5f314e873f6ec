//! Tools of the tasks extension: each is a task where the client can have one.

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, CreateTaskResult, InputResponses, JsonObject,
};
use rmcp::task_manager::{TaskContext, TaskExit, TaskFuture, TaskManager, TaskOptions};
use serde_json::{Value, json};

use super::asking::said;
use super::fixtures;

/// Those that are tasks or nothing.
const ONLY_AS_TASK: [&str; 4] = ["failing_job", "confirm_delete", "multi_input", "test_tool_with_task"];

/// How often a client should ask.
const POLL_MS: u64 = 100;
/// How long a job works that asks nobody: long enough to be seen at it.
const WORK: Duration = Duration::from_millis(300);

/// Whether a tool is here.
pub(crate) fn knows(tool: &str) -> bool {
    ONLY_AS_TASK.contains(&tool) || ["slow_compute", "protocol_error_job"].contains(&tool)
}

/// The refusal that a tool has for a client without tasks.
pub(crate) fn refusal(tool: &str, capabilities: &ClientCapabilities) -> Option<ErrorData> {
    let missing =
        || ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_tasks().build());
    (ONLY_AS_TASK.contains(&tool) && !capabilities.supports_tasks()).then(missing)
}

/// Runs a tool: as a task where the client can have one, at once otherwise.
pub(crate) async fn run(
    tasks: &TaskManager,
    tool: &str,
    arguments: JsonObject,
    brought: InputResponses,
    as_task: bool,
) -> Result<CallToolResponse, ErrorData> {
    let job = Job { tool: tool.to_owned(), arguments, brought };
    if !as_task {
        return job.work().await.map(Into::into);
    }
    let options = TaskOptions::new().with_poll_interval_ms(POLL_MS);
    let task = tasks.spawn(options, |context| -> TaskFuture { Box::pin(job.attend(context)) });
    Ok(CreateTaskResult::new(task).into())
}

struct Job {
    tool: String,
    arguments: JsonObject,
    brought: InputResponses,
}

impl Job {
    async fn attend(self, context: TaskContext) -> Result<CallToolResult, TaskExit> {
        let cancelled = context.clone();
        let work = async {
            match fixtures::inputs(&self.tool, 0)? {
                Some(inputs) if self.brought.is_empty() => {
                    let asked = inputs.into_iter().map(|(key, request)| context.request_input(key, request));
                    let answers = futures_util::future::try_join_all(asked).await?;
                    Ok(said(format!("{}: {}", self.tool, Value::from(answers))))
                }
                _ => Ok(self.work().await?),
            }
        };
        tokio::select! {
            () = cancelled.cancelled() => Err(TaskExit::Cancelled),
            done = work => done,
        }
    }

    async fn work(&self) -> Result<CallToolResult, ErrorData> {
        let seconds = self.arguments.get("seconds").and_then(Value::as_f64);
        tokio::time::sleep(seconds.map_or(WORK, |seconds| Duration::from_secs_f64(seconds.clamp(0.0, 60.0)))).await;
        match self.tool.as_str() {
            "failing_job" => Ok(CallToolResult::error(vec![ContentBlock::text("The job has failed, as it should.")])),
            "protocol_error_job" => Err(ErrorData::internal_error("The job ends with an error, as it should.", None)),
            _ => Ok(said(format!("{} is done: {}", self.tool, json!(self.brought)))),
        }
    }
}
