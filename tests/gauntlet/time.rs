//! Guests that keep the gate waiting: they compute, they call the host, or they wait for it.

use crate::row::{End, Row};

const DEADLINE: End = End::Fault(&["deadline"]);

pub(crate) static ROWS: &[Row] = &[
    Row::new("endless-loop", |_| "(loop $again (br $again)) unreachable".to_owned(), DEADLINE).limit("guest-time-ms"),
    // Each turn is one instruction that takes long: filling 64 KiB.
    Row::new(
        "slow-instructions",
        |_| {
            "(loop $again (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) (br $again)) unreachable"
                .to_owned()
        },
        DEADLINE,
    )
    .limit("guest-time-ms"),
    Row::new("endless-host-calls", host_calls, End::Fault(&["limit"]))
        .dress(|guest| guest.import("witgate:counter/counter@0.1.0").data(2048, "k"))
        .keys("grants = { counter = true }\nlimits = { host-calls = 500 }")
        .limit("host-calls"),
    // An hour.
    Row::new("blocking-poll", wait, DEADLINE)
        .dress(|guest| guest.import("wasi:clocks/monotonic-clock@0.2.12").import("wasi:io/poll@0.2.12"))
        .keys("grants = { clocks = true }\nlimits = { wall-time-ms = 100 }")
        .limit("wall-time-ms"),
];

fn host_calls(_: witgate_test_guests::Stage) -> String {
    "(loop $again
       (call $add (i32.const 2048) (i32.const 1) (i32.const 1) (i32.const 60000) (i32.const 4096)) (br $again))
     unreachable"
        .to_owned()
}

fn wait(_: witgate_test_guests::Stage) -> String {
    "(call $pollable.block (call $subscribe-duration (i64.const 3600000000000))) unreachable".to_owned()
}
