//! The rules around the plugins, shown with plugins that are closures.

mod listing;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::hook::{Answer, When};
use crate::json::{Edit, Payload};
use crate::refusal::Reason;
use crate::{
    Admitted, Again, Attempt, AuthVerdict, Call, Candidate, Challenge, Circuit, Destination, Draft, Failure, Form,
    Identity, Kind, Message, Peer, Presented, RetryDecision, Revision, RouteVerdict, SanitizeVerdict, ValidateVerdict,
    Validated,
};

fn call(params: &str) -> Call {
    Call::new(Draft {
        id: "c1".into(),
        tenant: "t".into(),
        form: Form::Request,
        method: "tools/call".into(),
        params: Payload::parse_str(params).expect("test JSON"),
        revision: Revision::V2026_07_28,
        traceparent: None,
        unix_time_s: 0,
        deadline: Instant::now() + Duration::from_mins(1),
        chance: 7,
    })
}

fn presented() -> Presented {
    Presented { headers: Vec::new(), peer: Peer { address: "stdio".into(), certificate: None } }
}

fn hook<P: ?Sized>(name: &str, plugin: Arc<P>) -> Hook<P> {
    Hook {
        name: name.into(),
        digest: "00".into(),
        when: When::default(),
        mode: Mode::Enforce,
        on_fault: OnFault::Deny,
        plugin,
    }
}

/// A plugin of any kind that says what its closure says.
struct Says<F>(F);

impl<F: Fn(&Call) -> Result<AuthVerdict, Fault> + Send + Sync> Authenticator for Says<F> {
    fn authenticate<'a>(&'a self, call: &'a Call, _: &'a Presented) -> Answer<'a, AuthVerdict> {
        Box::pin(async { (self.0)(call) })
    }
}

impl<F: Fn(&Call) -> Result<ValidateVerdict, Fault> + Send + Sync> InputValidator for Says<F> {
    fn validate<'a>(&'a self, call: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        Box::pin(async { (self.0)(call) })
    }
}

impl<F: Fn(&[Candidate]) -> Result<RouteVerdict, Fault> + Send + Sync> Router for Says<F> {
    fn route<'a>(&'a self, _: &'a Call, _: &'a Identity, from: &'a [Candidate]) -> Answer<'a, RouteVerdict> {
        Box::pin(async { (self.0)(from) })
    }
}

impl<F: Fn(&Attempt) -> Result<RetryDecision, Fault> + Send + Sync> RetryStrategy for Says<F> {
    fn decide<'a>(&'a self, _: &'a Call, attempt: &'a Attempt) -> Answer<'a, RetryDecision> {
        Box::pin(async { (self.0)(attempt) })
    }
}

impl<F: Fn(&Message) -> Result<SanitizeVerdict, Fault> + Send + Sync> OutputSanitizer for Says<F> {
    fn sanitize<'a>(&'a self, _: &'a Call, _: &'a Identity, message: &'a Message) -> Answer<'a, SanitizeVerdict> {
        Box::pin(async { (self.0)(message) })
    }
}

fn authenticator(
    says: impl Fn(&Call) -> Result<AuthVerdict, Fault> + Send + Sync + 'static,
) -> Hook<dyn Authenticator> {
    hook("auth", Arc::new(Says(says)))
}

fn validator(
    says: impl Fn(&Call) -> Result<ValidateVerdict, Fault> + Send + Sync + 'static,
) -> Hook<dyn InputValidator> {
    hook("validate", Arc::new(Says(says)))
}

fn router(says: impl Fn(&[Candidate]) -> Result<RouteVerdict, Fault> + Send + Sync + 'static) -> Hook<dyn Router> {
    hook("route", Arc::new(Says(says)))
}

fn strategy(
    says: impl Fn(&Attempt) -> Result<RetryDecision, Fault> + Send + Sync + 'static,
) -> Hook<dyn RetryStrategy> {
    hook("retry", Arc::new(Says(says)))
}

fn sanitizer(
    says: impl Fn(&Message) -> Result<SanitizeVerdict, Fault> + Send + Sync + 'static,
) -> Hook<dyn OutputSanitizer> {
    hook("sanitize", Arc::new(Says(says)))
}

struct NoTools;

impl ToolBook for NoTools {
    fn tool<'a>(&'a self, _: &'a Admitted) -> Answer<'a, Option<Payload>, Refusal> {
        Box::pin(async { Ok(None) })
    }
}

async fn validated(pipeline: &Pipeline, params: &str) -> Result<Validated, Refusal> {
    let admitted = pipeline.admit(call(params), &presented()).await?;
    pipeline.validate(admitted, &NoTools).await
}

fn candidates(ids: &[(&str, Circuit)]) -> Vec<Candidate> {
    ids.iter()
        .map(|(id, circuit)| Candidate {
            id: (*id).into(),
            labels: Arc::new([]),
            healthy: true,
            circuit: *circuit,
            in_flight: 0,
            latency: None,
        })
        .collect()
}

fn trap() -> Fault {
    Fault::Trap("unreachable".into())
}

fn somebody() -> Identity {
    Identity { subject: "alice".into(), ..Identity::anonymous() }
}

#[tokio::test]
async fn the_first_that_does_not_abstain_decides_who_calls() {
    let pipeline = Pipeline {
        auth: vec![
            authenticator(|_| Ok(AuthVerdict::Abstain)),
            authenticator(|_| Ok(AuthVerdict::Allow(somebody()))),
            authenticator(|_| Err(trap())),
        ],
        ..Pipeline::default()
    };
    let admitted = pipeline.admit(call("{}"), &presented()).await.expect("admitted");
    assert_eq!(admitted.identity().subject, "alice");
    assert_eq!(admitted.call().trail().steps().len(), 2);
}

#[tokio::test]
async fn when_all_abstain_the_caller_is_challenged() {
    let pipeline = Pipeline { auth: vec![authenticator(|_| Ok(AuthVerdict::Abstain))], ..Pipeline::default() };
    let refusal = pipeline.admit(call("{}"), &presented()).await.expect_err("refused");
    assert_eq!(refusal.reason, Reason::Unauthenticated);
    assert_eq!(refusal.challenge.expect("a challenge").scheme, "Bearer");
}

#[tokio::test]
async fn too_small_a_scope_is_told_from_no_proof() {
    let challenge = |error: Option<&str>| Challenge {
        scheme: "Bearer".into(),
        error: error.map(Into::into),
        description: None,
        scope: None,
    };
    for (error, want) in [
        (Some("insufficient_scope"), Reason::InsufficientScope),
        (Some("invalid_token"), Reason::Unauthenticated),
        (None, Reason::Unauthenticated),
    ] {
        let said = challenge(error);
        let auth = vec![authenticator(move |_| Ok(AuthVerdict::Challenge(said.clone())))];
        let pipeline = Pipeline { auth, ..Pipeline::default() };
        let refusal = pipeline.admit(call("{}"), &presented()).await.expect_err("refused");
        assert_eq!(refusal.reason, want, "{error:?}");
    }
}

#[tokio::test]
async fn an_auth_fault_denies_even_where_faults_are_skipped() {
    let mut faulty = authenticator(|_| Err(trap()));
    faulty.on_fault = OnFault::Skip;
    let auth = vec![faulty, authenticator(|_| Ok(AuthVerdict::Allow(somebody())))];
    let pipeline = Pipeline { auth, ..Pipeline::default() };
    let refusal = pipeline.admit(call("{}"), &presented()).await.expect_err("refused");
    assert_eq!(refusal.reason, Reason::Fault);
    assert!(refusal.note.is_some_and(|note| note.contains("unreachable")));
    assert!(!refusal.message.contains("unreachable"), "the client does not learn how");
}

#[tokio::test]
async fn an_edit_starts_the_round_again() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let watcher = validator(move |call| {
        log.lock().expect("lock").push(call.params().as_str().to_owned());
        Ok(ValidateVerdict::Accept)
    });
    let editor = validator(|call| {
        let small = call.params().get("/arguments/n") == Some("1");
        Ok(if small {
            ValidateVerdict::Edits(vec![Edit::set("/arguments/n", "2"), Edit::set("/name", "\"other\"")])
        } else {
            ValidateVerdict::Accept
        })
    });
    let pipeline = Pipeline { validate: vec![watcher, editor], ..Pipeline::default() };
    let validated = validated(&pipeline, r#"{"name":"t","arguments":{"n":1}}"#).await.expect("validated");
    let last = r#"{"name":"other","arguments":{"n":2}}"#;
    assert_eq!(*seen.lock().expect("lock"), [r#"{"name":"t","arguments":{"n":1}}"#, last]);
    assert_eq!(validated.call().params().as_str(), last);
    assert_eq!(validated.call().target(), Some("other"), "the target follows the edit");
}

#[tokio::test]
async fn validators_that_never_agree_refuse_the_call() {
    let flip = validator(|call| {
        let next = if call.params().get("/n") == Some("0") { "1" } else { "0" };
        Ok(ValidateVerdict::Edits(vec![Edit::set("/n", next)]))
    });
    let pipeline = Pipeline { validate: vec![flip], ..Pipeline::default() };
    assert_eq!(validated(&pipeline, "{}").await.expect_err("refused").reason, Reason::Fault);
}

#[tokio::test]
async fn a_validator_s_verdict_outside_the_contract_is_a_fault() {
    for edits in [
        vec![Edit::set("/x/y", "1")],
        vec![Edit::set("/x", "{")],
        vec![Edit::set("", "[]")],
        vec![Edit::set("/x", "1"); 257],
    ] {
        let pipeline = Pipeline {
            validate: vec![validator(move |_| Ok(ValidateVerdict::Edits(edits.clone())))],
            ..Pipeline::default()
        };
        assert_eq!(validated(&pipeline, "{}").await.expect_err("refused").reason, Reason::Fault);
    }
}

#[tokio::test]
async fn a_fault_is_skipped_only_where_the_operator_said_so() {
    for (on_fault, passes) in [(OnFault::Deny, false), (OnFault::Skip, true)] {
        let mut faulty = validator(|_| Err(trap()));
        faulty.on_fault = on_fault;
        let pipeline = Pipeline { validate: vec![faulty], ..Pipeline::default() };
        assert_eq!(validated(&pipeline, "{}").await.is_ok(), passes, "{on_fault:?}");
    }
}

#[tokio::test]
async fn a_shadow_is_recorded_and_changes_nothing() {
    let mut shadow = validator(|_| Ok(ValidateVerdict::Edits(vec![Edit::set("/x", "1")])));
    shadow.mode = Mode::Shadow;
    let mut faulty = validator(|_| Err(trap()));
    faulty.mode = Mode::Shadow;
    let pipeline = Pipeline { validate: vec![shadow, faulty], ..Pipeline::default() };
    let validated = validated(&pipeline, "{}").await.expect("validated");
    assert_eq!(validated.call().params().as_str(), "{}");
    let steps = validated.call().trail().steps();
    assert_eq!(
        steps.iter().map(|step| (step.verdict, step.shadow)).collect::<Vec<_>>(),
        [("edit", true), ("fault", true)]
    );
}

#[tokio::test]
async fn the_host_keeps_the_veto_over_a_route() {
    let order = |ids: &'static [&'static str]| {
        router(move |_| Ok(RouteVerdict::Order(ids.iter().map(ToString::to_string).collect())))
    };
    let from = candidates(&[("a", Circuit::Closed), ("b", Circuit::Open), ("c", Circuit::Closed)]);
    for (ids, want) in
        [(&["b", "c"][..], Some("c")), (&["c", "a"], Some("c")), (&["x"], None), (&[], None), (&["a", "a"], None)]
    {
        let pipeline = Pipeline { route: vec![order(ids)], ..Pipeline::default() };
        let validated = validated(&pipeline, "{}").await.expect("validated");
        let routed = pipeline.route(&validated, &from).await;
        assert_eq!(routed.ok().map(|routed| routed.upstream().to_string()).as_deref(), want, "{ids:?}");
    }
}

#[tokio::test]
async fn without_a_router_the_configuration_s_order_stands() {
    let pipeline = Pipeline { route: vec![router(|_| Ok(RouteVerdict::Abstain))], ..Pipeline::default() };
    let validated = validated(&pipeline, "{}").await.expect("validated");
    let from = candidates(&[("a", Circuit::Open), ("b", Circuit::Closed)]);
    let routed = pipeline.route(&validated, &from).await.expect("routed");
    assert_eq!((&**routed.upstream(), routed.others()), ("b", 1));
    assert_eq!(pipeline.route(&validated, &[]).await.expect_err("none").reason, Reason::Unavailable);
}

#[tokio::test]
async fn a_retry_goes_where_the_strategy_says_and_never_beyond_the_clamp() {
    let again = Again { delay: Duration::from_millis(5), destination: Destination::Other };
    let pipeline = Pipeline { retry: vec![strategy(move |_| Ok(RetryDecision::Again(again)))], ..Pipeline::default() };
    let validated = validated(&pipeline, "{}").await.expect("validated");
    let from = candidates(&[("a", Circuit::Closed), ("b", Circuit::Closed)]);
    let mut routed = pipeline.route(&validated, &from).await.expect("routed");
    let attempt = |failure, idempotent| Attempt {
        number: 1,
        upstream: "a".into(),
        others: 1,
        elapsed: Duration::ZERO,
        time_left: Duration::from_secs(1),
        read_only: false,
        idempotent,
        failure,
        retry_after: None,
        chance: 0,
    };
    let unsure = attempt(Failure::NoReply("broken pipe".into()), false);
    assert!(matches!(pipeline.retry(&mut routed, &unsure).await, Next::GiveUp));
    assert_eq!(&**routed.upstream(), "a");
    let sure = attempt(Failure::NoReply("broken pipe".into()), true);
    assert!(matches!(pipeline.retry(&mut routed, &sure).await, Next::Again { .. }));
    assert_eq!(&**routed.upstream(), "b");
}

#[tokio::test]
async fn a_fallback_must_be_an_object() {
    for (text, good) in [(r#"{"content":[]}"#, true), ("[]", false), ("{", false)] {
        let said = RetryDecision::Fallback(text.into());
        let pipeline = Pipeline { retry: vec![strategy(move |_| Ok(said.clone()))], ..Pipeline::default() };
        let validated = validated(&pipeline, "{}").await.expect("validated");
        let mut routed = pipeline.route(&validated, &candidates(&[("a", Circuit::Closed)])).await.expect("routed");
        let attempt = Attempt {
            number: 1,
            upstream: "a".into(),
            others: 0,
            elapsed: Duration::ZERO,
            time_left: Duration::from_secs(1),
            read_only: false,
            idempotent: false,
            failure: Failure::Timeout,
            retry_after: None,
            chance: 0,
        };
        let next = pipeline.retry(&mut routed, &attempt).await;
        assert_eq!(matches!(next, Next::Fallback(_)), good, "{text}");
    }
}

#[tokio::test]
async fn sanitizers_clean_what_the_one_before_left() {
    let pipeline = Pipeline {
        sanitize: vec![
            sanitizer(|_| Ok(SanitizeVerdict::Edits(vec![Edit::set("/a", "\"x\"")]))),
            sanitizer(|message| Ok(SanitizeVerdict::Replace(format!("{{\"was\":{}}}", message.payload.as_str())))),
        ],
        ..Pipeline::default()
    };
    let validated = validated(&pipeline, "{}").await.expect("validated");
    let message = |text| Message {
        kind: Kind::Result,
        method: "tools/call".into(),
        upstream: None,
        payload: Payload::parse_str(text).expect("test JSON"),
    };
    let clean = pipeline.sanitize((&validated).into(), message(r#"{"a":"secret"}"#)).await.expect("clean");
    assert_eq!(clean.payload().as_str(), r#"{"was":{"a":"x"}}"#);
}

#[tokio::test]
async fn a_sanitizer_that_fails_withholds_the_message() {
    for verdict in [
        Err(trap()),
        Ok(SanitizeVerdict::Replace("[]".into())),
        Ok(SanitizeVerdict::Edits(vec![Edit::remove("/nowhere")])),
        Ok(SanitizeVerdict::Withhold(Refusal::new(Stage::Sanitize, Reason::Forbidden, "no"))),
    ] {
        let pipeline = Pipeline { sanitize: vec![sanitizer(move |_| verdict.clone())], ..Pipeline::default() };
        let validated = validated(&pipeline, "{}").await.expect("validated");
        let message = Message { kind: Kind::Result, method: "m".into(), upstream: None, payload: Payload::empty() };
        assert!(pipeline.sanitize((&validated).into(), message).await.is_err());
    }
}

proptest! {
    /// Whatever validators do, what leaves the stage is what each of them has accepted last.
    #[test]
    fn what_was_judged_is_what_is_sent(script in prop::collection::vec((0usize..3, 0u8..4), 0..6)) {
        let judged: Arc<Mutex<[Option<String>; 3]>> = Arc::default();
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let validate = (0..3).map(|me| {
            let (judged, script) = (judged.clone(), script.clone());
            validator(move |call| {
                judged.lock().expect("lock")[me] = Some(call.params().as_str().to_owned());
                let mut script = script.lock().expect("lock");
                Ok(match script.front() {
                    Some((who, value)) if *who == me => {
                        let edit = Edit::set("/v", value.to_string());
                        script.pop_front();
                        ValidateVerdict::Edits(vec![edit])
                    }
                    _ => ValidateVerdict::Accept,
                })
            })
        }).collect();
        let pipeline = Pipeline { validate, ..Pipeline::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        if let Ok(validated) = runtime.block_on(validated(&pipeline, "{}")) {
            for seen in judged.lock().expect("lock").iter() {
                prop_assert_eq!(seen.as_deref(), Some(validated.call().params().as_str()));
            }
        }
    }
}
