use std::sync::Arc;

use witgate_policy::Finding;

use super::*;

const LEGACY: Revision = Revision::V2025_06_18;
const MODERN: Revision = Revision::V2026_07_28;

fn ask(revision: Revision, method: &str, form: Form) -> Ask<'_> {
    Ask { revision, method, form, resource_metadata: Some("https://gate.example/meta") }
}

fn body(denial: &Denial, form: Form) -> Value {
    let id = RequestId::Number(1);
    let id = (form == Form::Request).then_some(&id);
    serde_json::from_slice(&denial.encode(id)).expect("JSON")
}

#[test]
fn every_row_of_the_table() {
    #[track_caller]
    fn check(reason: Reason, code: i32, legacy: [u16; 2], modern: [u16; 2]) {
        for (revision, [request, notification]) in [(LEGACY, legacy), (MODERN, modern)] {
            for (form, status) in [(Form::Request, request), (Form::Notification, notification)] {
                let refusal = Refusal::new(Stage::Validate, reason, "no").noted("a secret");
                let denial = Denial::new(&refusal, ask(revision, "tools/call", form));
                let got = body(&denial, form);
                assert_eq!(denial.status().as_u16(), status, "{reason:?} {revision} {form:?}");
                assert_eq!(got["error"]["code"], code, "{reason:?} {revision} {form:?}");
                let data = json!({ "reason": reason.label(), "stage": "validate" });
                assert_eq!(got["error"]["data"], data);
                assert_eq!(got.get("id").is_some(), form == Form::Request);
                assert!(!got.to_string().contains("secret"));
            }
        }
    }
    check(Reason::Unauthenticated, -31401, [401, 401], [401, 401]);
    check(Reason::InsufficientScope, -31403, [403, 403], [403, 403]);
    check(Reason::Forbidden, -31403, [200, 403], [200, 403]);
    check(Reason::Invalid, -32602, [200, 400], [200, 400]);
    check(Reason::UnknownTarget, -32602, [200, 400], [200, 400]);
    check(Reason::UnknownMethod, -32601, [200, 400], [404, 404]);
    check(Reason::HeaderMismatch, -32020, [400, 400], [400, 400]);
    check(Reason::Exhausted, -31429, [200, 429], [200, 429]);
    check(Reason::Fault, -31500, [200, 500], [200, 500]);
    check(Reason::Unavailable, -31503, [200, 503], [200, 503]);
    check(Reason::Timeout, -31504, [200, 504], [200, 504]);
}

#[test]
fn some_rows_depend_on_stage_and_method() {
    let by_auth = Refusal::new(Stage::Auth, Reason::Forbidden, "no");
    assert_eq!(Denial::new(&by_auth, ask(LEGACY, "tools/call", Form::Request)).status(), 403);

    let unknown = Refusal::new(Stage::Route, Reason::UnknownTarget, "no");
    let code = |revision| {
        let denial = Denial::new(&unknown, ask(revision, "resources/read", Form::Request));
        body(&denial, Form::Request)["error"]["code"].clone()
    };
    assert_eq!((code(LEGACY), code(MODERN)), (json!(-32002), json!(-32602)));
}

#[test]
fn what_a_plugin_finds_invalid_in_a_tool_call_is_told_to_the_model() {
    #[track_caller]
    fn check(revision: Revision, method: &str, plugin: bool, want: Option<Value>) {
        let mut refusal = Refusal::new(Stage::Validate, Reason::Invalid, "the arguments do not fit");
        refusal.plugin = plugin.then(|| Arc::from("schema"));
        refusal.findings = vec![
            Finding { pointer: "/arguments/date".into(), message: "is not a date".into() },
            Finding { pointer: String::new(), message: "has too little".into() },
        ];
        let denial = Denial::new(&refusal, ask(revision, method, Form::Request));
        assert_eq!(denial.status(), 200);
        let got = body(&denial, Form::Request);
        if let Some(want) = want {
            assert_eq!(got["result"], want);
        } else {
            assert_eq!(got["error"]["code"], -32602);
            let short = "the arguments do not fit: /arguments/date: is not a date; params: has too little";
            assert_eq!(got["error"]["message"], short);
            assert_eq!(got["error"]["data"]["findings"][0]["pointer"], "/arguments/date");
        }
    }
    let text = "the arguments do not fit\n- /arguments/date: is not a date\n- params: has too little";
    let result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    check(Revision::V2025_06_18, "tools/call", true, None);
    check(Revision::V2025_11_25, "tools/call", true, Some(result.clone()));
    let mut complete = result;
    complete["resultType"] = "complete".into();
    check(Revision::V2026_07_28, "tools/call", true, Some(complete));
    check(Revision::V2026_07_28, "prompts/get", true, None);
    check(Revision::V2026_07_28, "tools/call", false, None);
}

#[test]
fn challenges_are_written_safely() {
    #[track_caller]
    fn check(reason: Reason, challenge: Option<Challenge>, metadata: Option<&str>, want: &str) {
        let refusal = Refusal { challenge, ..Refusal::new(Stage::Auth, reason, "no") };
        let ask = Ask { resource_metadata: metadata, ..ask(MODERN, "ping", Form::Request) };
        let denial = Denial::new(&refusal, ask);
        let got = denial.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().expect("ASCII").to_owned());
        assert_eq!(got.as_deref(), Some(want));
    }
    let some = |text: &str| Some(text.to_owned());
    check(Reason::Unauthenticated, None, None, "Bearer");
    check(Reason::Unauthenticated, None, Some("https://m"), r#"Bearer resource_metadata="https://m""#);
    check(Reason::InsufficientScope, None, None, r#"Bearer error="insufficient_scope""#);
    let full = Challenge {
        scheme: "DPoP".into(),
        error: some("invalid_token"),
        description: some("it \"expired\"\r\nX-Evil: é"),
        scope: some("a b"),
    };
    check(
        Reason::Unauthenticated,
        Some(full),
        Some("https://m"),
        r#"DPoP error="invalid_token", error_description="it expiredX-Evil: ", scope="a b", resource_metadata="https://m""#,
    );
    let odd = Challenge { scheme: "Bearer\r\nX: y".into(), error: None, description: None, scope: None };
    check(Reason::Unauthenticated, Some(odd), None, "Bearer");
}

#[test]
fn waiting_is_told_in_whole_seconds_and_in_milliseconds() {
    let refusal =
        Refusal { retry_after_ms: Some(1001), ..Refusal::new(Stage::Validate, Reason::Exhausted, "slow down") };
    let denial = Denial::new(&refusal, ask(MODERN, "tools/call", Form::Request));
    assert_eq!(denial.headers()[RETRY_AFTER], "2");
    assert_eq!(body(&denial, Form::Request)["error"]["data"]["retryAfterMs"], 1001);
}
