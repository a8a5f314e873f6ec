//! The tools, the resource and the prompt.

use std::sync::Arc;
use std::time::Duration;

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{
    ErrorData, Implementation, ListResourcesResult, PaginatedRequestParams, ProgressNotificationParam, PromptMessage,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, Role,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, prompt, prompt_handler, prompt_router, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{Balance, Book, Employee, without_width};

const POLICY_URI: &str = "leave://policy";
const POLICY: &str = "# Leave policy\n\nLeave is counted in business days, Monday to Friday, both ends included. It is \
                      granted at once as long as days are left. Records of employees are confidential.\n";
/// Steps of a report when nothing else is asked for.
const STEPS: u32 = 5;
const STEPS_MAX: u32 = 100;
/// Milliseconds for a step when nothing else is asked for.
const STEP_MS: u32 = 400;
const STEP_MS_MAX: u32 = 10_000;

#[derive(Debug, Deserialize, JsonSchema)]
struct Who {
    /// The employee, as `list_employees` names them.
    #[schemars(regex(pattern = r"^E\d{3}$"))]
    employee_id: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Application {
    /// The employee, as `list_employees` names them.
    #[schemars(regex(pattern = r"^E\d{3}$"))]
    employee_id: String,
    /// The first day of the leave.
    #[schemars(extend("format" = "date"))]
    start_date: String,
    /// The last day of the leave.
    #[schemars(extend("format" = "date"))]
    end_date: String,
    /// For the one who reads the application.
    #[schemars(length(max = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = without_width)]
struct ReportOrder {
    /// In how many steps the report is made; 5 by default.
    #[schemars(range(min = 1, max = 100))]
    #[serde(default)]
    steps: Option<u32>,
    /// How many milliseconds a step takes; 400 by default.
    #[schemars(range(min = 0, max = 10_000))]
    #[serde(default)]
    step_ms: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Employees {
    employees: Vec<Employee>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(transform = without_width)]
struct Report {
    /// Business days that are left to all employees together.
    days_left: u32,
    /// Business days that were granted.
    days_granted: u32,
    steps: u32,
}

/// What should never leave the house as it is: the record is here so that a sanitizer has something to take out.
#[derive(Debug, Serialize, JsonSchema)]
struct Record {
    #[serde(flatten)]
    employee: Employee,
    email: String,
    password: String,
    ssn: String,
    api_key: String,
}

/// The server. A clone shares the book.
#[derive(Clone, Default)]
pub(super) struct Leave {
    book: Arc<Book>,
}

#[tool_router]
impl Leave {
    /// Lists all employees with their ids and departments.
    #[tool(annotations(
        title = "List employees",
        read_only_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn list_employees(&self) -> Json<Employees> {
        Json(Employees { employees: self.book.employees() })
    }

    /// Says how many business days of leave an employee has left, and what was granted so far.
    #[tool(annotations(
        title = "Leave balance",
        read_only_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn get_leave_balance(&self, Parameters(who): Parameters<Who>) -> Result<Json<Balance>, String> {
        self.book.balance(&who.employee_id).map(Json).map_err(|e| e.to_string())
    }

    /// Applies for leave, which is granted at once if enough business days are left.
    #[tool(annotations(
        title = "Apply for leave",
        read_only_hint = false,
        destructive_hint = false,
        idempotent_hint = false,
        open_world_hint = false
    ))]
    async fn apply_leave(&self, Parameters(leave): Parameters<Application>) -> Result<Json<Balance>, String> {
        let granted = self.book.apply(&leave.employee_id, &leave.start_date, &leave.end_date, leave.reason);
        granted.map(Json).map_err(|e| e.to_string())
    }

    /// Gives an employee's whole record, with contact and access data.
    #[tool(annotations(
        title = "Employee record",
        read_only_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn get_employee_record(&self, Parameters(who): Parameters<Who>) -> Result<Json<Record>, String> {
        let employee = self.book.employee(&who.employee_id).map_err(|e| e.to_string())?;
        let number = employee.employee_id.trim_start_matches('E').to_owned();
        Ok(Json(Record {
            email: format!("{}@example.com", employee.name.to_lowercase().replace(' ', ".")),
            password: format!("correct-horse-{number}"),
            ssn: format!("078-05-1{number}"),
            api_key: format!("sk_live_4eC39HqLyjWDarjtT1zdp{number}"),
            employee,
        }))
    }

    /// Makes the report of the year, step by step, with progress on the way.
    #[tool(annotations(
        title = "Annual report",
        read_only_hint = true,
        idempotent_hint = true,
        open_world_hint = false
    ))]
    async fn annual_report(
        &self,
        Parameters(order): Parameters<ReportOrder>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Report>, String> {
        let steps = order.steps.unwrap_or(STEPS).clamp(1, STEPS_MAX);
        let step = Duration::from_millis(order.step_ms.unwrap_or(STEP_MS).min(STEP_MS_MAX).into());
        for done in 1..=steps {
            tokio::select! {
                () = context.ct.cancelled() => return Err("the report was cancelled".to_owned()),
                () = tokio::time::sleep(step) => {}
            }
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, f64::from(done))
                    .with_total(f64::from(steps))
                    .with_message(format!("step {done} of {steps}"));
                // A client that does not hear of the progress still gets the report.
                let _ = context.peer.notify_progress(progress).await;
            }
        }
        let balances: Vec<Balance> =
            self.book.employees().iter().filter_map(|employee| self.book.balance(&employee.employee_id).ok()).collect();
        let days_left = balances.iter().map(|balance| balance.days_left).sum();
        let days_granted = balances.iter().flat_map(|balance| &balance.granted).map(|leave| leave.business_days).sum();
        Ok(Json(Report { days_left, days_granted, steps }))
    }
}

#[prompt_router]
impl Leave {
    /// Plans a leave together with an employee.
    #[prompt(name = "plan_leave")]
    async fn plan_leave(&self, Parameters(who): Parameters<Who>) -> Vec<PromptMessage> {
        let text = format!(
            "Help employee {} to plan their leave. Look up the balance first, then propose dates, and apply only once they agree.",
            who.employee_id
        );
        vec![PromptMessage::new_text(Role::User, text)]
    }
}

#[tool_handler]
#[prompt_handler(router = Self::prompt_router())]
impl ServerHandler for Leave {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("witgate-leave", env!("CARGO_PKG_VERSION")))
            .with_instructions("Leave management of a small company. Employees have ids such as E001.")
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let policy = Resource::new(POLICY_URI, "policy").with_title("Leave policy").with_mime_type("text/markdown");
        Ok(ListResourcesResult::with_all_items(vec![policy]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != POLICY_URI {
            return Err(ErrorData::resource_not_found(format!("the only resource is {POLICY_URI}"), None));
        }
        let contents = ResourceContents::text(POLICY, POLICY_URI).with_mime_type("text/markdown");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
