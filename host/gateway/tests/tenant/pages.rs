//! Pages of lists that servers said may be kept: when they are, for whom, and what ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use witgate_gateway::tenant::{Inbound, Tenant};
use witgate_policy::json::Edit;
use witgate_policy::{
    Answer, AuthVerdict, Authenticator, Call, Credential, CredentialProvider, Hook, Identity, InputValidator, Message,
    Occasion, OutputSanitizer, Payload, Pipeline, Presented, Reason, Refusal, Revision, SanitizeVerdict, Stage,
    UpstreamFacts, ValidateVerdict,
};

use super::support::{Log, Says, answer, ask, asked, group, inbound, server, tenant};
use super::{LEGACY, MODERN, hook, names, peer};

/// A server that says of its list of tools how long it may be kept, and by whom.
fn listing(tools: &'static [&'static str], hints: Value) -> (witgate_gateway::upstream::Transport, Log) {
    server(move |method, params| {
        let mut page = hints.clone();
        let tool = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
        match (method, params["cursor"].as_str()) {
            ("tools/list", None) if tools.len() > 1 => {
                page["tools"] = json!([tool(tools[0])]);
                page["nextCursor"] = json!("1");
            }
            ("tools/list", None) => page["tools"] = json!([tool(tools[0])]),
            ("tools/list", Some("1")) => page["tools"] = json!([tool(tools[1])]),
            _ => return Says::Error(-32601),
        }
        Says::Result(page)
    })
}

fn kept(seconds: u64, scope: &str) -> Value {
    json!({"resultType": "complete", "ttlMs": seconds * 1000, "cacheScope": scope})
}

async fn list(tenant: &Tenant, params: Value) -> Value {
    answer(tenant, MODERN, "tools/list", params).await
}

#[tokio::test(start_paused = true)]
async fn a_page_is_asked_for_once_within_its_time() {
    let (a, log) = listing(&["1", "2"], kept(60, "public"));
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![a])]);
    let first = list(&tenant, json!({})).await;
    assert_eq!((&first["ttlMs"], &first["nextCursor"], names(&first)), (&json!(60_000), &json!("1"), vec!["1"]));
    tokio::time::advance(Duration::from_secs(20)).await;
    let again = list(&tenant, json!({"_meta": {"progressToken": 1}})).await;
    let mut want = first.clone();
    want["ttlMs"] = json!(40_000);
    assert_eq!(again, want, "what is left of its time is told");
    let second = list(&tenant, json!({"cursor": "1"})).await;
    assert_eq!((&second["ttlMs"], names(&second)), (&json!(60_000), vec!["2"]), "another page, from then on");
    assert_eq!(asked(&log, "tools/list").len(), 2);
    tokio::time::advance(Duration::from_secs(40)).await;
    assert_eq!(list(&tenant, json!({})).await, first);
    assert_eq!(list(&tenant, json!({"cursor": "1"})).await["ttlMs"], 20_000);
    assert_eq!(asked(&log, "tools/list").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_kept_is_asked_for_each_time() {
    for hints in [json!({}), kept(0, "public"), json!({"ttlMs": -5}), json!({"ttlMs": "60000"}), json!({"ttlMs": null})]
    {
        let (a, log) = listing(&["1"], hints.clone());
        let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![a])]);
        for _ in 0..2 {
            list(&tenant, json!({})).await;
        }
        assert_eq!(asked(&log, "tools/list").len(), 2, "{hints}");
    }
}

/// Everybody is who the `x-user` header says, with the scope that stands behind a colon.
struct Named;

impl Authenticator for Named {
    fn authenticate<'a>(&'a self, _: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let user = String::from_utf8(presented.headers[0].1.clone()).expect("a name");
        let (subject, scope) = user.split_once(':').expect("a scope");
        let (subject, scopes) = (subject.to_owned(), vec![scope.to_owned()]);
        Box::pin(async { Ok(AuthVerdict::Allow(Identity { subject, scopes, ..Identity::anonymous() })) })
    }
}

fn named(user: &str, revision: Revision) -> Inbound {
    let mut inbound = inbound(revision, "tools/list", &json!({}));
    inbound.presented.headers = vec![("x-user".into(), user.into())];
    inbound
}

#[tokio::test(start_paused = true)]
async fn what_is_private_is_kept_for_its_caller_alone() {
    async fn check(hints: Value, users: &[&str], want: usize) {
        check_with(Vec::new(), hints, users, want).await;
    }
    async fn check_with(credential: Vec<Hook<dyn CredentialProvider>>, hints: Value, users: &[&str], want: usize) {
        let (a, log) = listing(&["1"], hints);
        let auth = vec![hook::<dyn Authenticator>(Arc::new(Named))];
        let tenant = tenant(Pipeline { auth, credential, ..Pipeline::default() }, vec![group("a", "", vec![a])]);
        for user in users {
            ask(&tenant, named(user, MODERN)).await.0.answer.expect("a page");
        }
        assert_eq!(asked(&log, "tools/list").len(), want, "{users:?}");
    }
    let all = ["ann:x", "bob:x", "ann:y", "ann:x", "bob:x", "ann:y"];
    check(kept(60, "private"), &all, 3).await;
    check(kept(60, "odd"), &all, 3).await;
    check(json!({"resultType": "complete", "ttlMs": 60_000}), &all, 3).await;
    check(kept(60, "public"), &all, 1).await;
    // Whom the server is shown may change without the caller.
    let shown = || vec![hook::<dyn CredentialProvider>(Arc::new(Shows))];
    check_with(shown(), kept(60, "private"), &all, 6).await;
    check_with(shown(), kept(60, "public"), &all, 1).await;
}

struct Shows;

impl CredentialProvider for Shows {
    fn provide<'a>(
        &'a self,
        _: &'a UpstreamFacts,
        _: &'a Identity,
        _: &'a Occasion,
    ) -> Answer<'a, Result<Credential, Refusal>> {
        Box::pin(async { Ok(Ok(Credential { headers: Vec::new(), expires_in: None })) })
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_gate_itself_goes_by_is_asked_for() {
    let (a, log) = listing(&["1"], kept(60, "public"));
    let validate = vec![hook::<dyn InputValidator>(Arc::new(Counts::default()))];
    let tenant = tenant(Pipeline { validate, ..Pipeline::default() }, vec![group("a", "", vec![a])]);
    list(&tenant, json!({})).await;
    ask(&tenant, inbound(MODERN, "tools/call", &json!({"name": "1"}))).await;
    assert_eq!(asked(&log, "tools/list").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_go_on_begins_anew() {
    let (a, log) = server(|method, params| match (method, params["cursor"].as_str()) {
        ("tools/list", None) => Says::Result(json!({
            "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public", "tools": [], "nextCursor": "lo\"st",
        })),
        _ => Says::Error(-32602),
    });
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![a])]);
    let mut seen = Vec::new();
    for cursor in [None, None, Some("never given"), None, Some("lo\"st"), None] {
        let params = cursor.map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
        list(&tenant, params).await;
        seen.push(asked(&log, "tools/list").iter().filter(|params| params.get("cursor").is_none()).count());
    }
    assert_eq!(seen, [1, 1, 1, 1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn who_declares_something_else_is_told_what_goes_with_it() {
    let (a, log) = listing(&["1"], kept(60, "public"));
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![a])]);
    for _ in 0..2 {
        for (revision, info) in [(MODERN, None), (LEGACY, None), (MODERN, Some(json!({"name": "c", "version": "1"})))] {
            let mut inbound = inbound(revision, "tools/list", &json!({}));
            inbound.client.info = info.map(|info| Payload::of(&info));
            ask(&tenant, inbound).await.0.answer.expect("a page");
        }
    }
    assert_eq!(asked(&log, "tools/list").len(), 3);
}

/// Counts what it sees, marks it, and refuses what comes later.
#[derive(Default)]
struct Counts(AtomicUsize);

impl OutputSanitizer for Counts {
    fn sanitize<'a>(&'a self, _: &'a Call, _: &'a Identity, _: &'a Message) -> Answer<'a, SanitizeVerdict> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move { Ok(SanitizeVerdict::Edits(vec![Edit::set("/x-seen", number.to_string())])) })
    }
}

impl InputValidator for Counts {
    fn validate<'a>(&'a self, _: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        let refusal = Refusal::new(Stage::Validate, Reason::Exhausted, "enough");
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move { Ok(if number > 2 { ValidateVerdict::Refuse(refusal) } else { ValidateVerdict::Accept }) })
    }
}

#[tokio::test(start_paused = true)]
async fn policies_decide_on_each_request() {
    let (a, log) = listing(&["1"], kept(60, "public"));
    let pipeline = Pipeline {
        validate: vec![hook::<dyn InputValidator>(Arc::new(Counts::default()))],
        sanitize: vec![hook::<dyn OutputSanitizer>(Arc::new(Counts::default()))],
        ..Pipeline::default()
    };
    let tenant = tenant(pipeline, vec![group("a", "", vec![a])]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (outcome, record, _) = ask(&tenant, inbound(MODERN, "tools/list", &json!({}))).await;
        let seen_by = outcome.answer.ok().and_then(|page| page.payload().read::<u64>("/x-seen"));
        seen.push((seen_by, record.upstreams.len(), record.outcome));
    }
    assert_eq!(seen, [(Some(1), 1, "ok"), (Some(2), 0, "ok"), (None, 0, "exhausted")], "no upstream: none was asked");
    assert_eq!(asked(&log, "tools/list").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn merged_pages_come_from_what_is_kept_of_each() {
    let (a, a_log) = listing(&["1", "2"], kept(60, "public"));
    let (b, b_log) = listing(&["1"], kept(30, "private"));
    let tenant = tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]);
    let first = list(&tenant, json!({})).await;
    assert_eq!(names(&first), ["a__1", "b__1"]);
    tokio::time::advance(Duration::from_secs(10)).await;
    let again = list(&tenant, json!({})).await;
    assert_eq!(
        (&again["ttlMs"], &again["cacheScope"], names(&again)),
        (&json!(20_000), &json!("private"), names(&first))
    );
    let next = list(&tenant, json!({ "cursor": again["nextCursor"] })).await;
    assert_eq!((names(&next), &next["ttlMs"]), (vec!["a__2"], &json!(60_000)));
    tokio::time::advance(Duration::from_secs(20)).await;
    list(&tenant, json!({})).await;
    assert_eq!((asked(&a_log, "tools/list").len(), asked(&b_log, "tools/list").len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_changed_list_is_asked_for_anew() {
    let (transport, mut peer) = peer::legacy(&json!({"resources": {"listChanged": true}}));
    let tenant = Arc::new(tenant(Pipeline::default(), vec![group("a", "", vec![transport])]));
    let page = json!({"resultType": "complete", "resources": [], "ttlMs": 60_000, "cacheScope": "public"});
    let ask = || {
        let tenant = tenant.clone();
        tokio::spawn(async move { answer(&tenant, LEGACY, "resources/list", json!({})).await })
    };
    let asked = ask();
    let heard = peer.heard("resources/list").await;
    heard.answer(&page);
    assert_eq!(asked.await.expect("a page"), page);
    assert_eq!(ask().await.expect("a page")["resources"], json!([]), "nobody was asked");
    let upstream = &tenant.spec().groups[0].upstreams[0];
    let before = upstream.list_version();
    heard.tell("notifications/resources/list_changed", &json!({}));
    while upstream.list_version() == before {
        tokio::task::yield_now().await;
    }
    let asked = ask();
    let heard = peer.heard("resources/list").await;
    heard.tell("notifications/resources/list_changed", &json!({}));
    heard.answer(&page);
    assert_eq!(asked.await.expect("a page"), page);
    let asked = ask();
    peer.heard("resources/list").await.answer(&page);
    assert_eq!(asked.await.expect("a page"), page, "it changed while the page came");
}
