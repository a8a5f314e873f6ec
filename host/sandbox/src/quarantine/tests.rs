use super::run::{FAULTS, FIRST};
use super::*;

fn quarantine() -> Quarantine {
    Quarantine::new(&Space { tenant: "acme".into(), plugin: "p".into() }, Stage::Validate)
}

fn identity(subject: &str) -> Identity {
    Identity { subject: subject.into(), ..Identity::anonymous() }
}

#[track_caller]
fn fail(quarantine: &Quarantine, caller: Caller<'_>) {
    let admission = quarantine.admit(caller).unwrap_or_else(|e| panic!("{e}"));
    admission.report(Some(&Fault::Trap("x".into())));
}

#[track_caller]
fn answer(quarantine: &Quarantine, caller: Caller<'_>) {
    quarantine.admit(caller).unwrap_or_else(|e| panic!("{e}")).report(None);
}

#[tokio::test(start_paused = true)]
async fn faults_in_a_row_lead_to_quarantine_and_one_trial_out_of_it() {
    let quarantine = quarantine();
    (0..FAULTS).for_each(|_| fail(&quarantine, Caller::Unknown));
    let refused = quarantine.admit(Caller::Unknown).expect_err("in quarantine").to_string();
    assert!(refused.contains("for every caller") && refused.contains("the last: it trapped: x"), "{refused}");
    tokio::time::advance(FIRST).await;
    let trial = quarantine.admit(Caller::Unknown).expect("a trial");
    assert!(quarantine.admit(Caller::Unknown).is_err(), "one trial at a time");
    trial.report(Some(&Fault::Trap("x".into())));
    tokio::time::advance(FIRST).await;
    assert!(quarantine.admit(Caller::Unknown).is_err(), "the second is longer");
    tokio::time::advance(FIRST).await;
    drop(quarantine.admit(Caller::Unknown).expect("a trial"));
    answer(&quarantine, Caller::Unknown);
    (0..FAULTS - 1).for_each(|_| fail(&quarantine, Caller::Unknown));
    assert!(quarantine.admit(Caller::Unknown).is_ok(), "an answer forgets what was before");
}

#[tokio::test(start_paused = true)]
async fn an_answer_between_faults_and_what_was_not_asked_do_not_count() {
    let quarantine = quarantine();
    for _ in 0..3 {
        (0..FAULTS - 1).for_each(|_| fail(&quarantine, Caller::Unknown));
        answer(&quarantine, Caller::Unknown);
    }
    for _ in 0..2 * FAULTS {
        let admission = quarantine.admit(Caller::Unknown).expect("open");
        admission.report(Some(&Fault::Unavailable("busy".into())));
    }
    assert!(quarantine.admit(Caller::Unknown).is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_makes_a_plugin_fail_loses_it_alone() {
    let quarantine = quarantine();
    let [mallory, alice] = ["mallory", "alice"].map(identity);
    let [mallory, alice] = [Caller::Known(&mallory), Caller::Known(&alice)];
    (0..FAULTS).for_each(|_| fail(&quarantine, mallory));
    let refused = quarantine.admit(mallory).expect_err("in quarantine").to_string();
    assert!(refused.contains("in quarantine for this caller for 1.0s"), "{refused}");
    answer(&quarantine, alice);
    assert!(quarantine.admit(mallory).is_err(), "the answer was another's");
    assert_eq!(quarantine.health().condition, Condition::Partly { callers: 1 });
    for _ in 0..5 {
        tokio::time::advance(FIRST * 30).await;
        fail(&quarantine, mallory);
        assert!(quarantine.admit(mallory).is_err());
        assert!(quarantine.admit(alice).is_ok());
    }
    tokio::time::advance(FIRST * 30).await;
    answer(&quarantine, mallory);
    assert_eq!(quarantine.health().condition, Condition::Well);
}

#[tokio::test(start_paused = true)]
async fn several_callers_show_that_the_plugin_is_ill() {
    let quarantine = quarantine();
    let callers = ["a", "b", "c"].map(identity);
    // Fewer for each than what would close the plugin to one.
    for at in 0..FAULTS as usize {
        fail(&quarantine, Caller::Known(&callers[at % 3]));
    }
    tokio::time::advance(FIRST / 4).await;
    let other = identity("d");
    assert!(quarantine.admit(Caller::Known(&other)).is_err());
    let health = quarantine.health();
    assert_eq!(health.condition, Condition::Quarantined { since: FIRST / 4, left: FIRST * 3 / 4 });
    assert_eq!((health.calls, health.faults, health.refused, health.faults_in_a_row), (16, 16, 1, 16));
    assert_eq!(health.last_fault.map(|last| (last.label, last.ago)), Some(("trap", FIRST / 4)));
    tokio::time::advance(FIRST).await;
    answer(&quarantine, Caller::Known(&other));
    assert_eq!(quarantine.health().condition, Condition::Well);
}

#[tokio::test(start_paused = true)]
async fn who_is_in_quarantine_makes_no_trial_for_the_others() {
    let quarantine = quarantine();
    let callers = ["a", "b", "c"].map(identity);
    let [a, b, c] = [0, 1, 2].map(|at| Caller::Known(&callers[at]));
    (0..FAULTS - 1).for_each(|_| fail(&quarantine, a));
    fail(&quarantine, b);
    fail(&quarantine, c);
    tokio::time::advance(FIRST).await;
    // The plugin's trial, which is also the fault that closes it to this caller.
    fail(&quarantine, a);
    tokio::time::advance(FIRST * 2).await;
    fail(&quarantine, a);
    tokio::time::advance(FIRST).await;
    let refused = quarantine.admit(a).expect_err("two seconds").to_string();
    assert!(refused.contains("for this caller"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn no_more_callers_are_remembered_than_there_is_room_for() {
    let quarantine = quarantine();
    let bystander = identity("alice");
    for at in 0..2 * REMEMBERED {
        fail(&quarantine, Caller::Known(&identity(&at.to_string())));
        answer(&quarantine, Caller::Known(&bystander));
        tokio::time::advance(FIRST / 1000).await;
    }
    assert_eq!(quarantine.state().callers.len(), REMEMBERED);
}

#[test]
fn an_address_is_a_caller_whatever_its_port() {
    #[track_caller]
    fn check(address: &str, want: &str) {
        assert_eq!(host(address), want);
    }
    check("203.0.113.9:51111", "203.0.113.9");
    check("[::ffff:203.0.113.9]:1", "203.0.113.9");
    check("[2001:db8:1:2:3:4:5:6]:51111", "2001:db8:1:2::/64");
    check("[2001:db8::1]:1", "2001:db8::/64");
    check("stdio", "stdio");
}
