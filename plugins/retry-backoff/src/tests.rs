use super::*;
use witgate_sdk::configure;
use witgate_sdk::retry::{Failure, RpcError};

/// The first failed attempt of a call that only reads, at the middle of all chances.
fn attempt(failure: Failure) -> Attempt {
    Attempt {
        number: 1,
        upstream: "a".to_owned(),
        others: 0,
        elapsed_ms: 10,
        deadline_ms: 5_000,
        read_only: true,
        idempotent: false,
        failure,
        retry_after_ms: None,
        chance: u32::MAX / 2,
    }
}

fn writing(failure: Failure) -> Attempt {
    Attempt { read_only: false, ..attempt(failure) }
}

fn unsent() -> Failure {
    Failure::NotSent("refused".to_owned())
}

fn rpc(code: i32) -> Failure {
    Failure::RpcError(RpcError { code, message: String::new() })
}

fn decide(settings: &str, attempt: &Attempt) -> Decision {
    let call = Call { target: Some("weather_now".to_owned()), ..Call::default() };
    configure::<Backoff>(settings).expect("settings").decide(&call, attempt)
}

fn again(delay_ms: u32, destination: Destination) -> Decision {
    Decision::Again(Again { delay_ms, destination })
}

#[track_caller]
fn check(settings: &str, attempt: &Attempt, expected: &Decision) {
    assert_eq!(&decide(settings, attempt), expected, "{settings} {attempt:?}");
}

#[test]
fn failures_that_pass_are_tried_again() {
    let again = again(50, Destination::Same);
    for failure in [unsent(), Failure::CircuitOpen, Failure::NoReply(String::new()), Failure::Timeout] {
        check("{}", &attempt(failure), &again);
    }
    for status in [429, 502, 503, 504] {
        check("{}", &attempt(Failure::HttpStatus(status)), &again);
    }
    for failure in [Failure::HttpStatus(500), Failure::ToolError, rpc(-32603)] {
        check("{}", &attempt(failure), &Decision::GiveUp);
    }
    check(r#"{"on":["rpc:-32603"]}"#, &attempt(rpc(-32603)), &again);
    check(r#"{"on":["rpc:-32603"]}"#, &attempt(Failure::Timeout), &Decision::GiveUp);
    check(r#"{"on":["http:500","tool-error"]}"#, &attempt(Failure::HttpStatus(500)), &again);
}

#[test]
fn what_may_have_had_an_effect_is_not_sent_twice() {
    let received = [Failure::NoReply(String::new()), Failure::Timeout, rpc(-32603), Failure::ToolError];
    let statuses = [429, 500, 502, 503, 504].map(Failure::HttpStatus);
    let settings = r#"{"on":["no-reply","timeout","tool-error","rpc:-32603",
        "http:429","http:500","http:502","http:503","http:504"]}"#;
    for failure in received.into_iter().chain(statuses) {
        let hinted = Attempt { retry_after_ms: Some(1), others: 1, ..writing(failure.clone()) };
        check(settings, &hinted, &Decision::GiveUp);
        let idempotent = Attempt { idempotent: true, ..writing(failure) };
        check(settings, &idempotent, &again(50, Destination::Same));
    }
    check("{}", &writing(unsent()), &again(50, Destination::Same));
    check("{}", &writing(Failure::CircuitOpen), &again(50, Destination::Same));
}

#[test]
fn pauses_double_up_to_the_cap_with_full_jitter() {
    let settings = r#"{"max-attempts":10,"base-ms":100,"cap-ms":1000}"#;
    for (number, bound_ms) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (9, 1_000)] {
        for (chance, delay_ms) in [(0, 0), (u32::MAX / 2, bound_ms / 2), (u32::MAX, bound_ms)] {
            let attempt = Attempt { number, chance, ..attempt(Failure::Timeout) };
            check(settings, &attempt, &again(delay_ms, Destination::Same));
        }
    }
}

#[test]
fn attempts_and_time_run_out() {
    check("{}", &Attempt { number: 2, ..attempt(Failure::Timeout) }, &again(100, Destination::Same));
    check("{}", &Attempt { number: 3, ..attempt(Failure::Timeout) }, &Decision::GiveUp);
    check(r#"{"max-attempts":1}"#, &attempt(Failure::Timeout), &Decision::GiveUp);
    check("{}", &Attempt { deadline_ms: 51, ..attempt(Failure::Timeout) }, &again(50, Destination::Same));
    check("{}", &Attempt { deadline_ms: 50, ..attempt(Failure::Timeout) }, &Decision::GiveUp);
}

#[test]
fn retry_after_is_honoured_where_it_was_said() {
    let told = Attempt { retry_after_ms: Some(1_000), ..attempt(Failure::HttpStatus(429)) };
    check("{}", &told, &again(1_050, Destination::Same));
    check("{}", &Attempt { deadline_ms: 1_000, ..told.clone() }, &Decision::GiveUp);
    check("{}", &Attempt { retry_after_ms: Some(u32::MAX), ..told.clone() }, &Decision::GiveUp);
    let elsewhere = Attempt { others: 1, ..told };
    check("{}", &elsewhere, &again(50, Destination::Other));
    check(r#"{"destination":"same"}"#, &elsewhere, &again(1_050, Destination::Same));
}

#[test]
fn another_upstream_is_asked_at_once_when_nothing_was_sent() {
    for failure in [unsent(), Failure::CircuitOpen] {
        check("{}", &Attempt { others: 2, ..writing(failure) }, &again(0, Destination::Other));
    }
}

#[test]
fn a_fallback_answers_when_all_is_lost() {
    let settings = r#"{"fallbacks":[
        {"targets":["mail_*"],"result":{"content":[]}},
        {"targets":["weather_*"],"result":{"content":[{"type":"text","text":"none"}]}}]}"#;
    let expected = Decision::Fallback(r#"{"content":[{"type":"text","text":"none"}]}"#.to_owned());
    check(settings, &Attempt { number: 3, ..attempt(Failure::Timeout) }, &expected);
    check(settings, &writing(Failure::Timeout), &expected);
    check(settings, &attempt(Failure::Timeout), &again(50, Destination::Same));
    check(settings, &attempt(rpc(-32602)), &Decision::GiveUp);
    let listing = Call { method: "tools/list".to_owned(), ..Call::default() };
    let plugin: Backoff = configure(settings).expect("settings");
    assert_eq!(plugin.decide(&listing, &Attempt { number: 3, ..attempt(Failure::Timeout) }), Decision::GiveUp);
}

#[test]
fn wrong_settings_are_named() {
    for (settings, expected) in [
        (r#"{"max-attempts":0}"#, "setting `max-attempts`: 0 is not in 1..=10"),
        (r#"{"base-ms":0}"#, "setting `base-ms`: 0 is not in 1..=60000"),
        (r#"{"cap-ms":60001}"#, "setting `cap-ms`"),
        (r#"{"on":["http:200"]}"#, "setting `on[0]`: `http:200` is no failure"),
        (r#"{"on":["rpc:x"]}"#, "`rpc:x` is no failure"),
        (r#"{"fallbacks":[{"result":[]}]}"#, "setting `fallbacks[0].result`: invalid type"),
        (r#"{"attempts":2}"#, "setting `attempts`: unknown field"),
    ] {
        let error = configure::<Backoff>(settings).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
