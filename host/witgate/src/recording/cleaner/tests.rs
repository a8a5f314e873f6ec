use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use witgate_sandbox::SandboxConfig;

use super::*;

/// The gate's own.
const OWN: &str = "c0ffee/c0ffee=c0ffee";

async fn clean(plugin: &str, case: Value, verdict: Value) -> (String, Recorded) {
    let sandbox = Sandbox::new(SandboxConfig { instances: 16, ..SandboxConfig::default() }).expect("a sandbox");
    let builtin = builtin::named(plugin).expect("built in");
    let component = sandbox.compile(plugin, builtin.component.into(), MAX_COMPONENT_BYTES).await.expect("compiles");
    let cleaner = Cleaner::new(sandbox, &[Secret::new(OWN)]);
    let case = serde_json::from_value(case).expect("a case");
    let cleaned = cleaner.clean(Recorded { case, verdict, component }).await.expect("can be cleaned");
    let text = format!("{}{}", serde_json::to_string(&cleaned.case).expect("JSON"), cleaned.verdict);
    (text, cleaned)
}

/// Wherever it stands, and in whatever form.
#[tokio::test]
async fn nothing_of_a_case_is_left_out() {
    let message = format!("postgres://app:Sup3rS3cretPw@db password=hunter2 {OWN}");
    let basic = STANDARD.encode(format!("user:{OWN}"));
    let case = json!({
        "call": { "params": { "name": "t", OWN: 1, "inner": [{ "text": basic }], "q": OWN.replace('/', "%2F").replace('=', "%3D") } },
        "attempt": { "failure": { "rpc-error": { "code": -32000, "message": message } }, "upstream": OWN },
    });
    let (text, cleaned) = clean("retry-backoff", case, json!("give-up")).await;
    for secret in [OWN, "hunter2", "Sup3rS3cretPw", &basic, "c0ffee%2Fc0ffee"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(cleaned.verdict, "give-up");
    assert!(cleaned.case.about.is_some_and(|about| about.contains("Secrets were taken out")));
}

/// What an upstream is shown is a secret wherever it came from, and the name of one is none.
#[tokio::test]
async fn what_an_upstream_is_shown_is_hidden_and_names_are_not() {
    let header = |value: &str| json!({ "provide": { "headers": [{ "name": "x-own", "value": value }] } });
    let settings = json!({ "settings": { "header": "x-own", "value": "literal-9f8e7d" } });
    let (text, cleaned) = clean("credential-static", settings, header("literal-9f8e7d")).await;
    assert!(!text.contains("literal-9f8e7d"), "{text}");
    assert_eq!(cleaned.verdict, header("[redacted]"));
    let settings = json!({ "settings": { "header": "x-own", "value": "Bearer ${secret:token}" } });
    let (text, cleaned) = clean("credential-static", settings, header("Bearer ${secret:token}")).await;
    assert_eq!(cleaned.verdict, header("Bearer ${secret:token}"), "{text}");
    assert_eq!(cleaned.case.about, None, "{text}");
}

/// What holds no secret stays byte for byte.
#[tokio::test]
async fn what_is_plain_stays_as_it_is() {
    let (text, cleaned) =
        clean("validate-rate", json!({ "call": { "params": { "n": 1.50, "a": [ ] } } }), json!("accept")).await;
    assert_eq!((cleaned.verdict, cleaned.case.about), (json!("accept"), None), "{text}");
}
