use super::*;
use witgate_sdk::counter::{CounterError, Memory};
use witgate_sdk::{Claim, RefusalCode, configure};

fn plugin(settings: &str) -> Rate<Memory> {
    configure(settings).expect("settings")
}

fn call(target: &str) -> Call {
    Call { target: Some(target.to_owned()), ..Call::default() }
}

fn caller(subject: &str) -> Identity {
    Identity { subject: subject.to_owned(), issuer: "idp".to_owned(), ..Identity::default() }
}

/// The refusal of one more call, if it is refused.
fn ask(plugin: &Rate<Memory>, call: &Call, caller: &Identity) -> Option<Refusal> {
    match plugin.validate(call, caller, None, &Document::from_text("{}")) {
        Verdict::Accept => None,
        Verdict::Refuse(refusal) => Some(refusal),
        Verdict::Edits(edits) => panic!("{edits:?}"),
    }
}

/// Which of these calls, in order, are let through.
#[track_caller]
fn check(settings: &str, calls: &[(Call, Identity)], expected: &[bool]) {
    let plugin = plugin(settings);
    let passed: Vec<_> = calls.iter().map(|(call, caller)| ask(&plugin, call, caller).is_none()).collect();
    assert_eq!(passed, expected);
}

#[test]
fn each_caller_has_its_own_window() {
    let calls = ["a", "a", "b", "a", "b", "b"].map(|subject| (call("t"), caller(subject)));
    check(r#"{"limits":[{"calls":2,"window-s":60}]}"#, &calls, &[true, true, true, false, true, false]);
}

#[test]
fn a_refusal_says_when_to_come_back() {
    let plugin = plugin(r#"{"limits":[{"calls":1,"window-s":10,"name":"tight"}]}"#);
    assert_eq!(ask(&plugin, &call("t"), &caller("a")), None);
    plugin.counters.advance(2_500);
    let refusal = ask(&plugin, &call("t"), &caller("a")).expect("the window is used up");
    assert_eq!((refusal.code, refusal.retry_after_ms), (RefusalCode::Exhausted, Some(7_500)));
    assert_eq!(refusal.message, "too many calls: 1 in 10 s are allowed; try again in 8 s");
    assert_eq!(refusal.note.as_deref(), Some("limit `tight`"));
    plugin.counters.advance(7_500);
    assert_eq!(ask(&plugin, &call("t"), &caller("a")), None);
}

#[test]
fn keys_compose() {
    let by_target = r#"{"limits":[{"calls":1,"window-s":9,"by":["subject","target"]}]}"#;
    let calls = [("a", "x"), ("a", "y"), ("b", "x"), ("a", "x")].map(|(who, what)| (call(what), caller(who)));
    check(by_target, &calls, &[true, true, true, false]);
    let team = |name: &str| {
        let claims = vec![Claim { name: "team".to_owned(), value: name.to_owned() }];
        (call("t"), Identity { claims, ..Identity::default() })
    };
    let by_team = r#"{"limits":[{"calls":1,"window-s":9,"by":["claim:team"]}]}"#;
    let nobody = || (call("t"), Identity::default());
    check(by_team, &[team("red"), team("blue"), team("red"), nobody(), nobody()], &[true, true, false, true, false]);
    check(r#"{"limits":[{"calls":1,"window-s":9,"by":[]}]}"#, &[team("red"), team("blue")], &[true, false]);
}

#[test]
fn conditions_choose_the_calls_that_count() {
    let settings = r#"{"limits":[{"calls":1,"window-s":9,"targets":["delete_*"]}]}"#;
    let calls = ["delete_a", "read_a", "delete_b", "read_a"].map(|target| (call(target), caller("a")));
    check(settings, &calls, &[true, true, false, true]);
    let listing = || (Call { method: "tools/list".to_owned(), ..Call::default() }, caller("a"));
    check(r#"{"limits":[{"calls":1,"window-s":9}]}"#, &[listing(), listing()], &[true, true]);
    check(r#"{"limits":[{"calls":1,"window-s":9,"methods":["*/list"]}]}"#, &[listing(), listing()], &[true, false]);
}

#[test]
fn the_first_limit_that_is_reached_spares_the_next() {
    let plugin = plugin(r#"{"limits":[{"calls":1,"window-s":1},{"calls":2,"window-s":60}]}"#);
    let verdicts = [0, 0, 0, 1_000, 1_000].map(|pause_ms| {
        plugin.counters.advance(pause_ms);
        ask(&plugin, &call("t"), &caller("a")).and_then(|refusal| refusal.note)
    });
    let notes: Vec<_> = verdicts.iter().map(Option::as_deref).collect();
    assert_eq!(notes, [None, Some("limit `0`"), Some("limit `0`"), None, Some("limit `1`")]);
}

#[test]
fn without_counters_calls_are_refused_unless_told_otherwise() {
    let closed = plugin(r#"{"limits":[{"calls":1,"window-s":1}]}"#);
    closed.counters.fail(Some(CounterError::Unavailable));
    let refusal = ask(&closed, &call("t"), &caller("a")).expect("nothing is counted");
    assert_eq!(refusal.code, RefusalCode::Unavailable);
    let open = plugin(r#"{"limits":[{"calls":1,"window-s":1}],"on-counter-error":"accept"}"#);
    open.counters.fail(Some(CounterError::Quota));
    assert_eq!(ask(&open, &call("t"), &caller("a")), None);
}

#[test]
fn no_choice_of_names_makes_two_callers_one() {
    let plugin = plugin(r#"{"limits":[{"calls":9,"window-s":1}]}"#);
    for (issuer, subject) in [("a|1:b", "c"), ("a", "b|1:c"), ("a|1:b|1:c", "")] {
        let caller = Identity { issuer: issuer.to_owned(), subject: subject.to_owned(), ..Identity::default() };
        assert_eq!(ask(&plugin, &call("t"), &caller), None);
    }
    for tail in ["x", "y"] {
        assert_eq!(ask(&plugin, &call("t"), &caller(&format!("{}{tail}", "long".repeat(200)))), None);
    }
    let keys = plugin.counters.keys();
    assert_eq!(keys.len(), 5);
    assert!(keys.iter().all(|key| key.len() <= 256), "{keys:?}");
}

#[test]
fn wrong_settings_are_named() {
    for (settings, expected) in [
        ("{}", "missing field `limits`"),
        (r#"{"limits":[]}"#, "setting `limits`: write 1 to 16"),
        (r#"{"limits":[{"calls":1}]}"#, "missing field `window-s`"),
        (r#"{"limits":[{"calls":0,"window-s":1}]}"#, "setting `limits[0].calls`: 1 or more"),
        (r#"{"limits":[{"calls":1,"window-s":0}]}"#, "setting `limits[0].window-s`: 0 is not in 1..=86400"),
        (r#"{"limits":[{"calls":1,"window-s":1,"methods":[]}]}"#, "setting `limits[0]`: an empty list"),
        (r#"{"limits":[{"calls":1,"window-s":1,"name":""}]}"#, "setting `limits[0].name`"),
        (r#"{"limits":[{"calls":1,"window-s":1,"by":["ip"]}]}"#, "setting `limits[0].by[0]`: `ip` is no key"),
    ] {
        let error = configure::<Rate<Memory>>(settings).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
