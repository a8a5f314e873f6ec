//! What was expected beside what came, line by line.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// `-` is what the case expects, `+` what the plugin answered.
pub(super) fn diff(wanted: &Value, got: &Value, indent: &str) -> String {
    let (wanted, got) = (format!("{wanted:#}"), format!("{got:#}"));
    let diff = TextDiff::from_lines(&wanted, &got);
    let lines: Vec<String> = diff
        .iter_all_changes()
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            format!("{indent}{sign} {}\n", change.value().trim_end_matches('\n'))
        })
        .collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_marked() {
        let (wanted, got) = (json!({ "refuse": { "code": "invalid" } }), json!({ "refuse": { "code": "forbidden" } }));
        let want = "  {\n    \"refuse\": {\n-     \"code\": \"invalid\"\n+     \"code\": \"forbidden\"\n    }\n  }\n";
        assert_eq!(diff(&wanted, &got, ""), want);
    }
}
