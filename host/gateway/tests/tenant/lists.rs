//! Merged lists, page by page, and whose they are.

use std::sync::Arc;

use serde_json::{Value, json};
use witgate_gateway::tenant::Tenant;
use witgate_gateway::upstream::Transport;
use witgate_policy::{
    Answer, AuthVerdict, Authenticator, Call, Identity, Message, OutputSanitizer, Pipeline, Presented, Reason,
    Revision, SanitizeVerdict,
};

use super::support::{Log, Says, answer, ask, asked, group, inbound, server, tenant};
use super::{LEGACY, MODERN, hook, names};

/// A server with pages of these tools; its cursors are page numbers.
fn paged(pages: &'static [&'static [&'static str]]) -> (Transport, Log) {
    server(move |method, params| {
        let at: usize = params["cursor"].as_str().map_or(0, |cursor| cursor.parse().expect("its own cursor"));
        let tool = |name: &&str| json!({"name": name, "inputSchema": {"type": "object"}});
        match method {
            "tools/list" => {
                let mut page = json!({ "tools": pages[at].iter().map(tool).collect::<Vec<_>>() });
                if at + 1 < pages.len() {
                    page["nextCursor"] = json!((at + 1).to_string());
                }
                Says::Result(page)
            }
            _ => Says::Error(-32601),
        }
    })
}

/// A server that lists nothing but this page of resources.
fn resources(page: Value) -> Transport {
    server(move |method, _| if method == "resources/list" { Says::Result(page.clone()) } else { Says::Error(-32601) }).0
}

async fn all_pages(tenant: &Tenant) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let page = answer(tenant, LEGACY, "tools/list", params).await;
        pages.push(names(&page).into_iter().map(str::to_owned).collect());
        match page["nextCursor"].as_str() {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn a_page_has_a_page_of_each_group_that_has_more() {
    let (a, _) = paged(&[&["1"], &["2"], &["3"]]);
    let (b, log) = paged(&[&["1", "2"]]);
    let (c, _) = paged(&[&["1"], &["2"]]);
    let groups = vec![group("a", "a", vec![a]), group("b", "b", vec![b]), group("c", "c", vec![c])];
    let pages = all_pages(&tenant(Pipeline::default(), groups)).await;
    assert_eq!(pages, [vec!["a__1", "b__1", "b__2", "c__1"], vec!["a__2", "c__2"], vec!["a__3"]]);
    assert_eq!(asked(&log, "tools/list").len(), 1, "who has no more is not asked again");
}

#[tokio::test]
async fn an_only_server_s_cursors_are_its_own() {
    let (a, log) = paged(&[&["1"], &["2"]]);
    let tenant = tenant(Pipeline::default(), vec![group("a", "", vec![a])]);
    assert_eq!(all_pages(&tenant).await, [["1"], ["2"]]);
    assert_eq!(asked(&log, "tools/list")[1]["cursor"], "1");
}

/// Everybody is who the `x-user` header says.
struct Named;

impl Authenticator for Named {
    fn authenticate<'a>(&'a self, _: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let subject = String::from_utf8(presented.headers[0].1.clone()).expect("a name");
        Box::pin(async { Ok(AuthVerdict::Allow(Identity { subject, ..Identity::anonymous() })) })
    }
}

#[tokio::test]
async fn a_cursor_is_its_caller_s_and_its_list_s() {
    let (a, _) = paged(&[&["1"], &["2"]]);
    let (b, _) = paged(&[&["1"]]);
    let pipeline = Pipeline { auth: vec![hook::<dyn Authenticator>(Arc::new(Named))], ..Pipeline::default() };
    let tenant = tenant(pipeline, vec![group("a", "a", vec![a]), group("b", "b", vec![b])]);
    let page = async |user: &str, method: &str, params: Value| {
        let mut inbound = inbound(LEGACY, method, &params);
        inbound.presented.headers = vec![("x-user".into(), user.into())];
        ask(&tenant, inbound).await.0.answer
    };
    let first = page("alice", "tools/list", json!({})).await.expect("a page");
    let cursor = first.payload().read::<Value>("/nextCursor").expect("there is more");
    assert!(page("alice", "tools/list", json!({ "cursor": cursor })).await.is_ok());
    for (user, method, cursor) in [
        ("bob", "tools/list", cursor.clone()),
        ("alice", "prompts/list", cursor.clone()),
        ("alice", "tools/list", json!("1")),
        ("alice", "tools/list", json!(1)),
        ("alice", "tools/list", json!(cursor.as_str().expect("text")[1..])),
    ] {
        let refused = page(user, method, json!({ "cursor": cursor })).await.expect_err("refused");
        assert_eq!(refused.reason, Reason::Invalid, "{user} {method} {cursor}");
    }
}

#[tokio::test]
async fn a_resource_of_two_servers_is_the_first_s() {
    let a = resources(json!({"resources": [{"uri": "x://1", "name": "a"}], "nextCursor": "n"}));
    let b = resources(json!({"resources": [{"uri": "x://1", "name": "b"}, {"uri": "x://2", "name": "b"}]}));
    let tenant = tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]);
    let page = answer(&tenant, LEGACY, "resources/list", json!({})).await;
    assert_eq!(page["resources"], json!([{"uri": "x://1", "name": "a"}, {"uri": "x://2", "name": "b"}]));
}

#[tokio::test]
async fn what_pages_agree_on_is_kept() {
    let a = resources(json!({
        "resources": [], "x-a": [1.0], "x-both": {"k": 1}, "x-odd": 1,
        "_meta": {"a": 1, "both": 2, "odd": 3, "io.modelcontextprotocol/serverInfo": {"name": "a", "version": "1"}},
    }));
    let b = resources(json!({"resources": [], "x-both": {"k": 1}, "x-odd": 2, "_meta": {"both": 2, "odd": 4}}));
    let tenant = tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]);
    let page = answer(&tenant, LEGACY, "resources/list", json!({})).await;
    let want = json!({"resources": [], "x-a": [1.0], "x-both": {"k": 1}, "_meta": {"a": 1, "both": 2}});
    assert_eq!(page, want);
}

struct Nothing;

impl OutputSanitizer for Nothing {
    fn sanitize<'a>(&'a self, _: &'a Call, _: &'a Identity, _: &'a Message) -> Answer<'a, SanitizeVerdict> {
        Box::pin(async { Ok(SanitizeVerdict::Pass) })
    }
}

#[tokio::test]
async fn what_is_told_to_one_is_nobody_else_s_where_policies_decide() {
    async fn check(policed: bool, pages: &[Value], want: (u64, &str)) {
        let sanitize = if policed { vec![hook::<dyn OutputSanitizer>(Arc::new(Nothing))] } else { Vec::new() };
        let groups: Vec<_> = pages
            .iter()
            .zip(["a", "b"])
            .map(|(page, name)| {
                let mut page = page.clone();
                page["resources"] = json!([]);
                group(name, name, vec![resources(page)])
            })
            .collect();
        let tenant = tenant(Pipeline { sanitize, ..Pipeline::default() }, groups);
        let page = answer(&tenant, MODERN, "resources/list", json!({})).await;
        assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&json!(want.0), &json!(want.1)), "{policed} {pages:?}");
    }
    let public = |ttl| json!({"ttlMs": ttl, "cacheScope": "public"});
    let private = |ttl| json!({"ttlMs": ttl, "cacheScope": "private"});
    check(false, &[public(9)], (9, "public")).await;
    check(true, &[public(9)], (9, "private")).await;
    check(false, &[json!({"ttlMs": -1, "cacheScope": "odd"})], (0, "private")).await;
    check(false, &[public(9), public(5)], (5, "public")).await;
    check(true, &[public(9), public(5)], (5, "private")).await;
    check(false, &[public(9), private(5)], (5, "private")).await;
    check(false, &[public(9), json!({})], (0, "private")).await;
}

#[tokio::test]
async fn a_list_that_nobody_has_is_empty() {
    let (a, _) = server(|_, _| Says::Error(-32601));
    let (b, _) = server(|_, _| Says::Error(-32601));
    let tenant = tenant(Pipeline::default(), vec![group("a", "a", vec![a]), group("b", "b", vec![b])]);
    for revision in [Revision::V2024_11_05, LEGACY] {
        assert_eq!(answer(&tenant, revision, "prompts/list", json!({})).await, json!({"prompts": []}));
    }
}
