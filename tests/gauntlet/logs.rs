//! Guests that write: too much, in the name of others, and what drives a terminal.

use witgate_test_guests::{Guest, Stage, layout};

use crate::row::{End, Row};

/// Ends a line, clears the screen, sets its title, reorders text, and then looks like a record of the gate.
pub(crate) const FORGERY: &str =
    "\n\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\r{\"call\":\"forged\",\"method\":\"tools/call\",\"outcome\":\"ok\"}\n";

/// The most lines of one call: the default of `log-lines`, and one that says that there were more.
pub(crate) const LINES_A_CALL: usize = 33;

/// The rows that write as much as they can.
pub(crate) const FLOODS: [&str; 2] = ["log-flood", "stdout-flood"];

pub(crate) static ROWS: &[Row] = &[
    Row::new("log-flood", |kind| flood(kind, "", &log()), End::Calm)
        .dress(|guest| guest.import("wasi:logging/logging@0.1.0-draft").data(2048, FORGERY))
        .keys("limits = { guest-time-ms = 2000 }"),
    Row::new(
        "stdout-flood",
        |kind| flood(kind, "(i32.store (i32.const 4104) (call $get-stdout))", &write()),
        End::Calm,
    )
    .dress(|guest| streams(guest, "wasi:cli/stdout@0.2.12"))
    .keys("limits = { guest-time-ms = 2000 }"),
    // The trap's message names the function.
    Row::new("forged-name", |_| "call $forged unreachable".to_owned(), End::Fault(&["trap"]))
        .dress(|guest| guest.field("(func $forged (@name \"\\n\\1b[2J{\\\"call\\\":\\\"forged\\\"}\") unreachable)")),
    Row::new("long-name", |_| "call $long unreachable".to_owned(), End::Fault(&["trap"]))
        .dress(|guest| guest.field(&format!("(func $long (@name \"{}\") unreachable)", "x".repeat(50_000)))),
];

/// A thousand times, and then an answer that does nothing. Address 4,096 holds the count, 4,104 a stream.
fn flood(kind: Stage, open: &str, write: &str) -> String {
    format!(
        "{open}
         (loop $again {write}
           (i32.store (i32.const 4096) (i32.add (i32.load (i32.const 4096)) (i32.const 1)))
           (br_if $again (i32.lt_u (i32.load (i32.const 4096)) (i32.const 1000))))
         {}",
        layout::answer(layout::calm(kind))
    )
}

fn log() -> String {
    let length = FORGERY.len();
    // At the level `error`, from a source that looks like another module.
    format!("(call $log (i32.const 4) (i32.const 2048) (i32.const {length}) (i32.const 2048) (i32.const {length}))")
}

fn write() -> String {
    format!(
        "(call $output-stream.blocking-write-and-flush (i32.load (i32.const 4104)) (i32.const 2048) (i32.const {}) (i32.const 4200))",
        FORGERY.len()
    )
}

fn streams(guest: Guest, interface: &str) -> Guest {
    guest.import(interface).import("wasi:io/streams@0.2.12").data(2048, FORGERY)
}
