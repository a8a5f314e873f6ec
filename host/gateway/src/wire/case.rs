//! Names that differ only in case. Parsers that ignore case (Go's, for one) read `Arguments` as `arguments`, and the last
//! of two wins: a server behind the gate would act on what no validator looked at.

use std::borrow::Cow;

use witgate_policy::Payload;

macro_rules! members {
    ($($name:literal)*) => {
        /// What the protocol calls its members, in `params` and in `_meta`, over all revisions.
        const MEMBERS: &[&str] = &[$($name),*];

        /// As a `match`, which looks at the length first.
        fn is_member(name: &str) -> bool {
            matches!(name, $($name)|*)
        }
    };
}

members! {
    "_meta"
    "argument"
    "arguments"
    "capabilities"
    "clientInfo"
    "context"
    "cursor"
    "data"
    "elicitationId"
    "includeContext"
    "inputResponses"
    "level"
    "logger"
    "maxTokens"
    "message"
    "messages"
    "metadata"
    "mode"
    "modelPreferences"
    "name"
    "notifications"
    "progress"
    "progressToken"
    "protocolVersion"
    "reason"
    "ref"
    "requestedSchema"
    "requestId"
    "requestState"
    "status"
    "stopSequences"
    "systemPrompt"
    "task"
    "taskId"
    "temperature"
    "toolChoice"
    "tools"
    "total"
    "uri"
    "url"
    "io.modelcontextprotocol/clientCapabilities"
    "io.modelcontextprotocol/clientInfo"
    "io.modelcontextprotocol/logLevel"
    "io.modelcontextprotocol/protocolVersion"
    "io.modelcontextprotocol/related-task"
    "io.modelcontextprotocol/subscriptionId"
}

/// How much of a name is told to whoever sent it.
const SHOWN_CHARS: usize = 64;

/// The first name at the top of `params`, or of its `_meta`, that could be read as another one.
pub(super) fn variant(params: &Payload) -> Option<String> {
    first_variant(params).or_else(|| first_variant(&params.slice(params.get("/_meta")?)))
}

fn first_variant(object: &Payload) -> Option<String> {
    let shown = |name: &Cow<'_, str>| name.chars().take(SHOWN_CHARS).collect();
    let foreign = object.members().map(|(name, _)| name).filter(|name| !is_member(name));
    let mut seen = Vec::new();
    for name in foreign {
        let folded = folded(&name);
        if MEMBERS.iter().any(|member| folded.eq_ignore_ascii_case(member)) {
            return Some(shown(&name));
        }
        seen.push((folded, name));
    }
    seen.sort_unstable();
    let twice = (1..seen.len()).find(|&at| seen[at - 1].0 == seen[at].0)?;
    Some(shown(&seen[twice].1))
}

/// As a parser compares that ignores case. Two letters outside ASCII fold into it: the long s and the Kelvin sign.
fn folded(name: &str) -> String {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_another_parser_could_take_for_another_is_found() {
        #[track_caller]
        fn check(params: &str, want: Option<&str>) {
            let payload = Payload::parse_str(params).expect("test JSON");
            assert_eq!(variant(&payload).as_deref(), want, "{params}");
        }
        for member in MEMBERS.iter().filter(|member| !member.contains('/')) {
            check(&format!(r#"{{"{member}":0,"x":1}}"#), None);
            check(&format!(r#"{{"{}":0}}"#, member.to_uppercase()), Some(&member.to_uppercase()));
        }
        check("{}", None);
        check(r#"{"name":"t","arguments":{"a":1,"A":2,"Name":3}}"#, None);
        check(r#"{"name":"t","argumentſ":{}}"#, Some("argumentſ"));
        check(r#"{"tas\u212a":{}}"#, Some("tas\u{212a}"));
        check(r#"{"\u004eame":"t"}"#, Some("Name"));
        check(r#"{"custom":1,"other":2,"cUstom":3}"#, Some("custom"));
        check(r#"{"custom":1,"customs":2}"#, None);
        check(r#"{"_meta":{"ProgressToken":1}}"#, Some("ProgressToken"));
        check(r#"{"_meta":{"io.modelcontextprotocol/ClientInfo":{}}}"#, Some("io.modelcontextprotocol/ClientInfo"));
        check(r#"{"_meta":{"a":{"Name":1}}}"#, None);
        check(r#"{"_meta":[]}"#, None);
    }
}
