//! What a client over Streamable HTTP may not hand on of a modern server's list of tools (MCP 2026-07-28, tools): those
//! whose `x-mcp-header` annotations break the rules. Left out where the list comes in, they are unknown to everybody.

use serde_json::Value;
use serde_json::value::RawValue;
use witgate_policy::Payload;
use witgate_policy::json::{Edit, Limits};

use crate::wire::mirror::{HEADER, check};

/// A page of `tools/list` without the tools that may not be shown.
pub(super) fn sound(page: Payload, upstream: &str, limits: Limits) -> Payload {
    // Seldom is there any annotation at all. One may be written with escapes.
    if !page.as_str().contains(HEADER) && !page.as_str().contains("\\u") {
        return page;
    }
    let tools: Vec<&RawValue> =
        page.get("/tools").and_then(|tools| serde_json::from_str(tools).ok()).unwrap_or_default();
    let kept: Vec<&str> = tools.iter().map(|tool| tool.get()).filter(|tool| is_sound(tool, upstream)).collect();
    if kept.len() == tools.len() {
        return page;
    }
    // What is made shorter stays within limits, and the pointer was read above.
    page.edit(&[Edit::set("/tools", format!("[{}]", kept.join(",")))], limits).unwrap_or(page)
}

fn is_sound(tool: &str, upstream: &str) -> bool {
    let tool: Value = serde_json::from_str(tool).unwrap_or_default();
    let Err(why) = tool.get("inputSchema").map_or(Ok(()), check) else { return true };
    let name: String = tool["name"].as_str().unwrap_or("?").chars().filter(|c| !c.is_control()).take(100).collect();
    tracing::warn!(upstream, tool = name, "left out of the list of tools: {why}");
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_breaks_a_rule_is_left_out_and_all_else_stays_as_it_is() {
        #[track_caller]
        fn check(page: &str, want: &str) {
            let page = Payload::parse_str(page).expect("test JSON");
            assert_eq!(sound(page, "u", Limits::default()).as_str(), want);
        }
        let good = r#"{"name": "good","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}"#;
        let bad = r#"{"name":"bad","inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#;
        let escaped = bad.replace("x-mcp-header", "x-mcp-heade\\u0072");
        let plain = r#"{"name":"plain", "inputSchema": {}}"#;
        let page = |tools: &[&str]| format!(r#"{{"ttlMs":1.0,"tools":[{}],"nextCursor":"c"}}"#, tools.join(","));
        check(&page(&[good, plain]), &page(&[good, plain]));
        check(&page(&[bad, good, bad, plain]), &page(&[good, plain]));
        check(&page(&[&escaped]), &page(&[]));
        check(r#"{"x-mcp-header":1}"#, r#"{"x-mcp-header":1}"#);
    }
}
