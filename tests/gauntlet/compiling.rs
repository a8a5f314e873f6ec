//! Components that keep a compiler busy or fill its memory: small, valid, and never asked anything.

use std::fmt::Write as _;

use witgate_test_guests::{Guest, Stage};
use witgate_tests::gate;

/// What the compiler may use for one component, in seconds: less than by default, so that a bomb is soon over. On the wall
/// it is far more, since it shares the machine.
pub(crate) const LIMITS: &str = "cpu-time-s = 3\nwall-time-s = 120\n";

/// For what does no harm: a slow machine takes longer than a bomb is given.
pub(crate) const PATIENT: &str = "cpu-time-s = 100\nwall-time-s = 250\n";

/// Compiles all that a configuration names, into the cache that it names.
pub(crate) async fn ahead(configuration: &str, environment: &[(String, String)]) {
    let (_folder, file) = gate::configured(configuration);
    let mut check = gate::command();
    check.arg("check").arg("--config").arg(file).envs(environment.iter().cloned());
    let check = check.output().await.expect("the binary");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// One function with so many loops one after the other, and so many locals that live through all of them: each loop's
/// head joins two values of each.
pub(crate) fn loops(loops: usize, locals: usize) -> Vec<u8> {
    let mut body = String::from("(func $bomb (result i64) ");
    // Writing to a string does not fail.
    for local in 0..locals {
        let _ = write!(body, "(local $v{local} i64)");
    }
    for turn in 0..loops {
        let (to, one, other) = (turn % locals, turn * 7 % locals, turn * 13 % locals);
        let _ = write!(
            body,
            "(loop $l{turn} (local.set $v{to} (i64.add (local.get $v{one}) (i64.xor (local.get $v{other}) (i64.const {turn}))))
               (br_if $l{turn} (i32.wrap_i64 (local.get $v{to}))))"
        );
    }
    body.push_str(&"(i64.add ".repeat(locals - 1));
    for local in 0..locals {
        let _ = write!(body, "(local.get $v{local}){}", if local == 0 { "" } else { ")" });
    }
    body.push(')');
    Guest::new(Stage::Validate).field(&body).build()
}
