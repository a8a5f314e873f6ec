use std::fmt::Write;
use std::net::SocketAddr;

use witgate_config::{Config, Origin};

/// The key of the embedded configuration, which holds its hash.
const DEMO_KEY: &str = "witgate-demo-key";

/// What a person is told at the start.
pub(super) fn banner(origin: &Origin, config: &Config, address: SocketAddr) -> String {
    let mut text = format!("Witgate {} serves", env!("CARGO_PKG_VERSION"));
    for tenant in &config.tenants {
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {:<12} http://{address}{}", tenant.name, tenant.path);
    }
    if *origin == Origin::Embedded {
        text.push_str(&demonstration(config, address));
    }
    text
}

fn demonstration(config: &Config, address: SocketAddr) -> String {
    let path = config.tenants.first().map_or("/mcp", |tenant| &tenant.path);
    let url = format!("http://{address}{path}");
    let list = curl(&url, "tools/list", None);
    let bad = curl(&url, "tools/call", Some(("get_leave_balance", r#"{"employee_id":"007"}"#)));
    let record = curl(&url, "tools/call", Some(("get_employee_record", r#"{"employee_id":"E001"}"#)));
    format!(
        "\n\nThis is a demonstration: a small leave management server behind the standard plugins.\n\
         The key is {DEMO_KEY}, as `Authorization: Bearer` or `X-Api-Key`. Without it, callers are challenged.\n\n\
         # what tools there are\n{list}\n\n\
         # an employee id that is none: refused, with the place\n{bad}\n\n\
         # a record whose password and SSN do not come out\n{record}\n\n\
         The 21st call of a tool within a minute meets a rate limit.\n\
         Your own gate: `witgate example > witgate.toml`, or `witgate import claude_desktop_config.json -o witgate.toml`;\n\
         then `witgate check` and `witgate`."
    )
}

/// One modern (2026-07-28) request, which says everything itself.
fn curl(url: &str, method: &str, call: Option<(&str, &str)>) -> String {
    let (name, params) = match call {
        Some((tool, arguments)) => {
            (format!(" -H 'Mcp-Name: {tool}'"), format!(r#""name":"{tool}","arguments":{arguments},"#))
        }
        None => (String::new(), String::new()),
    };
    format!(
        "curl -sw '\\n' {url} -H 'X-Api-Key: {DEMO_KEY}' -H 'MCP-Protocol-Version: 2026-07-28' \\\n  \
         -H 'Mcp-Method: {method}'{name} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\\n  \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{params}\"_meta\":{{\
         \"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{{}}}}}}}}'"
    )
}
