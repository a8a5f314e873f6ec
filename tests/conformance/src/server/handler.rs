//! The handler: what rmcp asks for, from the fixtures or from the modules beside this one.

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ClientCapabilities,
    CompleteRequestParams, CompleteResult, CompletionInfo, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    GetTaskParams, GetTaskResult, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, LoggingLevel, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::task_manager::TaskManager;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::asking::said;
use super::listeners::{Change, Listeners};
use super::rounds::{Brought, Round};
use super::{asking, fixtures, jobs};

/// How long what is listed or read may be kept.
const TTL_MS: u64 = 60_000;

type Context = RequestContext<RoleServer>;

/// What all sessions and requests share.
#[derive(Clone, Default)]
pub(crate) struct Handler {
    listeners: Listeners,
    tasks: TaskManager,
}

impl Handler {
    async fn tool(&self, request: CallToolRequestParams, context: &Context) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let arguments = request.arguments.clone().unwrap_or_default();
        let argument = |name: &str| arguments.get(name).and_then(Value::as_str);
        let result = match name {
            "test_tool_with_logging" => asking::log(LoggingLevel::Info, &["one", "two", "three"], context).await,
            "test_logging_tool" => match context.meta.log_level() {
                Some(level) => asking::log(level, &["asked for"], context).await,
                None => said("Nothing to write."),
            },
            "test_tool_with_progress" => asking::progress(context).await,
            "count" => asking::count(context).await,
            "test_sampling" => asking::model(argument("prompt").unwrap_or_default(), context).await?,
            "test_elicitation" => asking::user(name, argument("message"), context).await?,
            _ if name.starts_with("test_elicitation_") => asking::user(name, None, context).await?,
            "test_trigger_tool_change" => self.change(Change::Tools).await,
            "test_trigger_prompt_change" => self.change(Change::Prompts).await,
            "test_missing_capability" => needs_sampling(&capabilities(context))?,
            "test_custom_header" => said(argument("value").ok_or_else(|| unknown("argument", "value"))?),
            "greet" => said(format!("Hello, {}!", argument("name").unwrap_or("friend"))),
            _ => match fixtures::result(name)? {
                Some(result) => result,
                None => return self.round_or_job(request, context).await,
            },
        };
        Ok(result.into())
    }

    async fn change(&self, change: Change) -> CallToolResult {
        self.listeners.tell(change).await;
        said("Told.")
    }

    async fn round_or_job(
        &self,
        request: CallToolRequestParams,
        context: &Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        let capabilities = capabilities(context);
        if let Some(refusal) = jobs::refusal(name, &capabilities) {
            return Err(refusal);
        }
        let as_task = capabilities.supports_tasks();
        let is_job = jobs::knows(name);
        // A task asks its questions itself, but for the one that is asked before there is a task.
        if is_job && name != "test_tool_with_task" {
            let arguments = request.arguments.unwrap_or_default();
            return jobs::run(&self.tasks, name, arguments, [].into(), as_task).await;
        }
        if fixtures::inputs(name, 0)?.is_none() {
            return Err(unknown("tool", name));
        }
        let brought =
            Brought { responses: request.input_responses, state: request.request_state.as_deref(), capabilities };
        match brought.round(name)? {
            Round::Needs(inputs) => Ok(inputs.into()),
            Round::Has(brought) if is_job => {
                jobs::run(&self.tasks, name, request.arguments.unwrap_or_default(), brought, as_task).await
            }
            Round::Has(brought) => Ok(said(format!("state-ok: {}", json!(brought))).into()),
        }
    }
}

fn capabilities(context: &Context) -> ClientCapabilities {
    context.client_capabilities().unwrap_or_default()
}

fn needs_sampling(capabilities: &ClientCapabilities) -> Result<CallToolResult, ErrorData> {
    if capabilities.sampling.is_some() {
        return Ok(said("Sampling is declared."));
    }
    let sampling = ClientCapabilities::builder().enable_sampling().build();
    Err(ErrorData::missing_required_client_capability(sampling))
}

fn unknown(what: &str, name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("unknown {what}: {name}"), None)
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .enable_tasks();
        let implementation = Implementation::new("witgate-conformance", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities.build()).with_server_info(implementation)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        fixtures::tool(name)
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: Context) -> Result<ListToolsResult, ErrorData> {
        let result = ListToolsResult::with_all_items(fixtures::tools()?);
        Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        self.tool(request, &context).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let result = ListPromptsResult::with_all_items(fixtures::prompts()?);
        Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: Context) -> Result<GetPromptResponse, ErrorData> {
        let name = request.name.as_str();
        if let Some(prompt) = fixtures::prompt(name, &request.arguments.unwrap_or_default())? {
            return Ok(prompt.into());
        }
        if fixtures::inputs(name, 0)?.is_none() {
            return Err(unknown("prompt", name));
        }
        let capabilities = ClientCapabilities::default();
        let brought =
            Brought { responses: request.input_responses, state: request.request_state.as_deref(), capabilities };
        match brought.round(name)? {
            Round::Needs(inputs) => Ok(inputs.into()),
            Round::Has(brought) => {
                let content = json!({ "type": "text", "text": json!(brought).to_string() });
                let messages = json!([{ "role": "user", "content": content }]);
                let prompt: GetPromptResult =
                    fixtures::complete([("messages".to_owned(), messages)].into_iter().collect())?;
                Ok(prompt.into())
            }
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let result = ListResourcesResult::with_all_items(fixtures::resources()?);
        Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let result = ListResourceTemplatesResult::with_all_items(fixtures::templates()?);
        Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        match fixtures::resource(&uri)? {
            Some(result) => Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public).into()),
            None => Err(ErrorData::resource_not_found(format!("no such resource: {uri}"), Some(json!({ "uri": uri })))),
        }
    }

    async fn complete(&self, request: CompleteRequestParams, _: Context) -> Result<CompleteResult, ErrorData> {
        let values = ["paris", "park", "party"].map(str::to_owned);
        let begun = values.into_iter().filter(|value| value.starts_with(&request.argument.value)).collect();
        let completion = CompletionInfo::new(begun).map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(completion))
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.listeners.keep(context).await;
        Ok(())
    }

    async fn get_task(&self, request: GetTaskParams, _: Context) -> Result<GetTaskResult, ErrorData> {
        Ok(GetTaskResult::new(self.tasks.get_task(&request.task_id)?))
    }

    async fn update_task(&self, request: UpdateTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks.update_task(&request.task_id, request.input_responses)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks.cancel_task(&request.task_id)
    }
}
