use super::*;
use witgate_sdk::{Claim, RefusalCode, configure};

/// `id` or `id:label=value`, then what else differs from a healthy, idle upstream.
fn candidate(text: &str) -> Candidate {
    let (id, labels) = text.split_once(':').unwrap_or((text, ""));
    let labels = labels.split(',').filter_map(|label| label.split_once('='));
    Candidate {
        id: id.to_owned(),
        labels: labels.map(|(name, value)| Claim { name: name.to_owned(), value: value.to_owned() }).collect(),
        healthy: true,
        circuit: Circuit::Closed,
        in_flight: 0,
        latency_us: None,
    }
}

fn plugin(settings: &str) -> Weighted {
    configure(settings).expect("settings")
}

fn order(plugin: &Weighted, call: &Call, caller: &Identity, candidates: &[Candidate]) -> Vec<String> {
    match plugin.route(call, caller, candidates) {
        Verdict::Order(ids) => ids,
        other => panic!("{other:?}"),
    }
}

/// How many of 10,000 calls with different chances go to each candidate first.
fn spread(settings: &str, candidates: &[&str]) -> BTreeMap<String, u32> {
    let plugin = plugin(settings);
    let candidates: Vec<_> = candidates.iter().map(|text| candidate(text)).collect();
    let mut firsts = BTreeMap::new();
    for chance in 0..10_000 {
        let call = Call { chance, ..Call::default() };
        *firsts.entry(order(&plugin, &call, &Identity::default(), &candidates).remove(0)).or_default() += 1;
    }
    firsts
}

#[track_caller]
fn check_spread(settings: &str, candidates: &[&str], expected: &[(&str, u32)]) {
    let firsts = spread(settings, candidates);
    for (id, calls) in expected {
        let got = firsts.get(*id).copied().unwrap_or(0);
        assert!(got.abs_diff(*calls) <= 200, "{id}: {got} calls, not {calls}");
    }
}

#[test]
fn calls_are_spread_by_weight() {
    check_spread("{}", &["a", "b"], &[("a", 5_000), ("b", 5_000)]);
    check_spread(r#"{"weights":{"a":3}}"#, &["a", "b"], &[("a", 7_500), ("b", 2_500)]);
    check_spread(r#"{"weights":{"tier=big":4}}"#, &["a:tier=big", "b"], &[("a", 8_000), ("b", 2_000)]);
    check_spread(r#"{"weights":{"tier=big":4,"a":1}}"#, &["a:tier=big", "b"], &[("a", 5_000)]);
    check_spread(r#"{"weights":{"b":0}}"#, &["a", "b"], &[("a", 10_000), ("b", 0)]);
}

#[test]
fn the_unwell_come_last_and_the_open_after_them() {
    let mut candidates: Vec<_> = ["open", "half", "sick", "good"].map(candidate).into();
    candidates[0].circuit = Circuit::Open;
    candidates[1].circuit = Circuit::HalfOpen;
    candidates[2].healthy = false;
    for settings in ["{}", r#"{"mode":"least-loaded"}"#, r#"{"weights":{"good":0}}"#] {
        let order = order(&plugin(settings), &Call::default(), &Identity::default(), &candidates);
        assert_eq!((order[0].as_str(), order[3].as_str()), ("good", "open"), "{settings}");
    }
}

#[test]
fn required_labels() {
    let plugin = plugin(r#"{"require":{"region":"eu","tier":"1"}}"#);
    let all = ["a:region=eu,tier=1", "b:region=us,tier=1", "c:region=eu"].map(candidate);
    assert_eq!(order(&plugin, &Call::default(), &Identity::default(), &all), ["a"]);
    let Verdict::Refuse(refusal) = plugin.route(&Call::default(), &Identity::default(), &all[1..]) else {
        panic!("nobody is eligible");
    };
    assert_eq!(refusal.code, RefusalCode::Unavailable);
    assert!(refusal.note.is_some_and(|note| note.contains("region=eu, tier=1")));
}

#[test]
fn least_loaded_counts_calls_for_each_unit_of_weight() {
    let mut candidates = ["a", "b", "c"].map(candidate);
    for (candidate, (in_flight, latency_us)) in candidates.iter_mut().zip([(4, 10), (6, 10), (2, 99)]) {
        candidate.in_flight = in_flight;
        candidate.latency_us = Some(latency_us);
    }
    let order = |settings: &str| order(&plugin(settings), &Call::default(), &Identity::default(), &candidates);
    assert_eq!(order(r#"{"mode":"least-loaded"}"#), ["c", "a", "b"]);
    assert_eq!(order(r#"{"mode":"least-loaded","weights":{"b":6,"a":2}}"#), ["b", "a", "c"]);
}

/// Where each of 1,000 subjects goes.
fn homes(candidates: &[Candidate]) -> Vec<String> {
    let plugin = plugin(r#"{"sticky":["tenant","subject"]}"#);
    let home = |number: u32| {
        let caller = Identity { subject: format!("user-{number}"), ..Identity::default() };
        let call = Call { chance: number.wrapping_mul(77), ..Call::default() };
        order(&plugin, &call, &caller, candidates).remove(0)
    };
    (0..1_000).map(home).collect()
}

#[test]
fn a_new_upstream_takes_its_share_and_moves_no_other() {
    let before = homes(&["a", "b", "c"].map(candidate));
    let after = homes(&["d", "c", "b", "a"].map(candidate));
    let moved: Vec<_> = before.iter().zip(&after).filter(|(old, new)| old != new).collect();
    assert!(moved.iter().all(|(_, new)| *new == "d"));
    assert!((180..320).contains(&moved.len()), "{} of 1,000 moved", moved.len());
}

#[test]
fn the_same_key_stays_whatever_the_chance() {
    let plugin = plugin(r#"{"sticky":["claim:team"]}"#);
    let claims = vec![Claim { name: "team".to_owned(), value: "red".to_owned() }];
    let candidates = ["a", "b", "c"].map(candidate);
    let first_of =
        |chance, caller: &Identity| order(&plugin, &Call { chance, ..Call::default() }, caller, &candidates).remove(0);
    let red = Identity { claims, ..Identity::default() };
    let homes: std::collections::BTreeSet<_> = (0..100).map(|chance| first_of(chance, &red)).collect();
    assert_eq!(homes.len(), 1);
    let spread: std::collections::BTreeSet<_> = (0..100).map(|chance| first_of(chance, &Identity::default())).collect();
    assert_eq!(spread.len(), 3, "a caller without the claim is spread");
}

#[test]
fn wrong_settings_are_named() {
    for (settings, expected) in [
        (r#"{"weights":{"a":1001}}"#, "setting `weights.a`: 1001 is more than 1000"),
        (r#"{"weights":{"a":-1}}"#, "setting `weights.a`: invalid value"),
        (r#"{"sticky":["user"]}"#, "setting `sticky[0]`: `user` is no key"),
        (r#"{"mode":"random"}"#, "setting `mode`: unknown variant `random`"),
        (r#"{"weight":{}}"#, "setting `weight`: unknown field"),
    ] {
        let error = configure::<Weighted>(settings).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
