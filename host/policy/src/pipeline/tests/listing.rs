//! A listing that is withheld loses only what is withheld alone too.

use super::*;

fn listing(text: &str) -> Message {
    let payload = Payload::parse_str(text).expect("test JSON");
    Message { kind: Kind::Listing, method: "tools/list".into(), upstream: None, payload }
}

fn withhold() -> SanitizeVerdict {
    SanitizeVerdict::Withhold(Refusal::new(Stage::Sanitize, Reason::Forbidden, "no"))
}

/// Withholds whatever has `word` in it.
fn censor(word: &'static str) -> Hook<dyn OutputSanitizer> {
    sanitizer(move |message| {
        Ok(if message.payload.as_str().contains(word) { withhold() } else { SanitizeVerdict::Pass })
    })
}

async fn sanitized(sanitize: Vec<Hook<dyn OutputSanitizer>>, message: Message) -> Result<String, Refusal> {
    let pipeline = Pipeline { sanitize, ..Pipeline::default() };
    let validated = validated(&pipeline, "{}").await.expect("validated");
    let clean = pipeline.sanitize((&validated).into(), message).await?;
    Ok(clean.payload().as_str().to_owned())
}

#[tokio::test]
async fn what_is_withheld_alone_is_left_out() {
    #[track_caller]
    fn check(got: Result<String, Refusal>, want: Option<&str>) {
        assert_eq!(got.ok().as_deref(), want);
    }
    let page = r#"{"tools":[{"name":"a"},{"name":"bad"}, {"name":"c","x":1.0}],"nextCursor":"n"}"#;
    let rest = r#"{"tools":[{"name":"a"},{"name":"c","x":1.0}],"nextCursor":"n"}"#;
    check(sanitized(vec![censor("bad")], listing(page)).await, Some(rest));
    check(sanitized(vec![censor("\"n\"")], listing(page)).await, None);
    check(sanitized(vec![censor("tools")], listing(page)).await, None);
    let all_bad = r#"{"tools":[{"name":"bad"}]}"#;
    check(sanitized(vec![censor("bad")], listing(all_bad)).await, Some(r#"{"tools":[]}"#));
    check(sanitized(vec![censor("bad")], listing(r#"{"tools":[],"bad":1}"#)).await, None);
    let discovered = Message { method: "server/discover".into(), ..listing(all_bad) };
    check(sanitized(vec![censor("bad")], discovered).await, None);
    let result = Message { kind: Kind::Result, ..listing(all_bad) };
    check(sanitized(vec![censor("bad")], result).await, None);
}

#[tokio::test]
async fn a_fault_on_one_item_stays_a_fault() {
    let faulty = |on_fault| {
        let mut hook = sanitizer(|message| match message.payload.get("/tools") {
            Some(tools) if tools.contains("trap") && !tools.contains("bad") => Err(trap()),
            Some(tools) if tools.contains("bad") => Ok(withhold()),
            _ => Ok(SanitizeVerdict::Pass),
        });
        hook.on_fault = on_fault;
        hook
    };
    let page = r#"{"tools":[{"name":"trap"},{"name":"bad"}]}"#;
    let denied = sanitized(vec![faulty(OnFault::Deny)], listing(page)).await;
    assert_eq!(denied.expect_err("a fault").reason, Reason::Fault);
    let skipped = sanitized(vec![faulty(OnFault::Skip)], listing(page)).await;
    assert_eq!(skipped.expect("skipped"), r#"{"tools":[{"name":"trap"}]}"#);
}

#[tokio::test]
async fn an_item_is_cleaned_as_it_is_alone_and_handed_on() {
    let cleaner = sanitizer(|message| {
        let name = message.payload.read::<String>("/tools/0/name");
        let alone = message.payload.get("/tools/1").is_none();
        Ok(match name.as_deref() {
            _ if !alone => withhold(),
            Some("secret") => SanitizeVerdict::Edits(vec![Edit::set("/tools/0/name", "\"open\"")]),
            _ => SanitizeVerdict::Pass,
        })
    });
    let page = r#"{"tools":[{"name":"a"},{"name":"secret"},{"name":"bad"}]}"#;
    let clean = sanitized(vec![cleaner, censor("bad")], listing(page)).await.expect("a page");
    assert_eq!(clean, r#"{"tools":[{"name":"a"},{"name":"open"}]}"#);
}

#[tokio::test]
async fn a_page_of_very_many_items_is_judged_as_a_whole_only() {
    let items = vec!["{}"; 4097].join(",");
    let page = format!(r#"{{"tools":[{items},{{"name":"bad"}}]}}"#);
    assert!(sanitized(vec![censor("bad")], listing(&page)).await.is_err());
}

proptest! {
    /// Nothing that is withheld gets out, and nothing else is lost.
    #[test]
    fn a_page_keeps_what_nobody_withholds(names in prop::collection::vec(0u8..6, 0..8), bad in 0u8..6) {
        let item = |name: &u8| serde_json::json!({ "name": format!("<{name}>") });
        let page = serde_json::json!({
            "tools": names.iter().map(item).collect::<Vec<_>>(), "nextCursor": "next", "_meta": {"k": 1},
        });
        let word: &'static str = ["<0>", "<1>", "<2>", "<3>", "<4>", "<5>"][usize::from(bad)];
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let clean = runtime.block_on(sanitized(vec![censor(word)], listing(&page.to_string()))).expect("a page");
        let clean: serde_json::Value = serde_json::from_str(&clean).expect("JSON");
        let kept: Vec<_> = names.iter().filter(|name| **name != bad).map(item).collect();
        prop_assert_eq!(clean, serde_json::json!({ "tools": kept, "nextCursor": "next", "_meta": {"k": 1} }));
    }
}
