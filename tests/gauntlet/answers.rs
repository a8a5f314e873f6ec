//! Guests that answer what the contract does not allow.

use witgate_test_guests::{Stage, layout};

use crate::arena::INNER_NAME;
use crate::row::{End, Row};

const BAD: End = End::Fault(&["bad-verdict"]);
const TOO_MUCH: End = End::Fault(&["bad-verdict", "limit"]);

/// Those that can refuse a call, with a message for the client.
const REFUSING: &[Stage] = &[Stage::Auth, Stage::Credential, Stage::Validate, Stage::Route, Stage::Sanitize];
/// Those whose answer may hold JSON of their own.
const WRITING: &[Stage] = &[Stage::Retry, Stage::Sanitize];
const EDITING: &[Stage] = &[Stage::Validate, Stage::Sanitize];

pub(crate) static ROWS: &[Row] = &[
    Row::new("trap", |_| "call $inner unreachable".to_owned(), End::Fault(&["trap"]))
        .dress(|guest| guest.field(&format!("(func $inner (@name \"{INNER_NAME}\") unreachable)"))),
    Row::new(
        "divide-by-zero",
        |_| "(drop (i32.div_u (i32.const 1) (i32.const 0))) unreachable".to_owned(),
        End::Fault(&["trap"]),
    ),
    // 12 MiB of zeros, which are UTF-8, in memory that is really there: more than `bytes-out`.
    Row::new("huge", |kind| grown(192) + &text(kind, 65_536, 12 << 20), TOO_MUCH)
        .keys("limits = { guest-time-ms = 1000 }")
        .limit("bytes-out"),
    Row::new("out-of-bounds", |kind| text(kind, 0xffff_fff0, 100), BAD),
    Row::new("wraps-around", |kind| text(kind, 16, 0xffff_fff8), TOO_MUCH),
    Row::new("address-outside", |_| "i32.const -8".to_owned(), BAD),
    Row::new("misaligned", |_| "(i32.add (global.get $answer) (i32.const 1))".to_owned(), BAD),
    Row::new("wrong-variant", |_| layout::answer(200), BAD),
    Row::new(
        "not-utf-8",
        |kind| "(i32.store (i32.const 4096) (i32.const 0x80c0feff))".to_owned() + &text(kind, 4096, 4),
        BAD,
    ),
    // Surrogates, as a language with UTF-16 may write them.
    Row::new(
        "surrogates",
        |kind| "(i32.store (i32.const 4096) (i32.const 0x80a0ed))".to_owned() + &text(kind, 4096, 3),
        BAD,
    ),
    Row::new("escape-codes", |kind| text(kind, 2048, 11), BAD)
        .kinds(REFUSING)
        .dress(|guest| guest.data(2048, "\u{1b}]0;owned\u{7}\n")),
    Row::new("ten-thousand", |kind| grown(4) + &many(kind), TOO_MUCH).kinds(REFUSING),
    // Each removes what is not there.
    Row::new("edits-of-nothing", |kind| edits(kind, 100), BAD)
        .kinds(EDITING)
        .dress(|guest| guest.data(2048, "/absent")),
    // Four million brackets.
    Row::new("deep-json", |kind| grown(64) + &brackets(kind), TOO_MUCH)
        .kinds(WRITING)
        .keys("limits = { guest-time-ms = 1000 }"),
    Row::new("no-json", |kind| json(kind, 2048, 5), BAD).kinds(WRITING).dress(|guest| guest.data(2048, "{\"a\":")),
    Row::new("unknown-upstream", |_| order(1), BAD).kinds(&[Stage::Route]).dress(|guest| guest.data(2048, "evil")),
    Row::new("empty-order", |_| order(0), BAD).kinds(&[Stage::Route]),
    // A second header's line in the first one's value.
    Row::new("split-header", |_| split_header(), BAD)
        .kinds(&[Stage::Credential])
        .dress(|guest| guest.data(2048, "x-a").data(2064, "a\r\nx-b: c")),
];

fn grown(pages: u32) -> String {
    format!("(if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then unreachable))")
}

fn text(kind: Stage, address: u32, length: u32) -> String {
    let (case, at) = layout::text(kind);
    layout::answer_with(case, at, address, length)
}

fn json(kind: Stage, address: u32, length: u32) -> String {
    // The fallback of one, the replacement of the other.
    debug_assert!(matches!(kind, Stage::Retry | Stage::Sanitize));
    layout::answer_with(2, layout::PAYLOAD, address, length)
}

fn brackets(kind: Stage) -> String {
    format!("(memory.fill (i32.const 65536) (i32.const 0x5b) (i32.const 4194304)) {}", json(kind, 65_536, 4 << 20))
}

/// A list of ten thousand empty members.
fn many(kind: Stage) -> String {
    let (case, at) = layout::list(kind).expect("a kind whose answers have lists");
    // An identity needs a subject.
    let subject = "(i32.store offset=4 (global.get $answer) (i32.const 1024)) (i32.store offset=8 (global.get $answer) (i32.const 1))";
    let subject = if kind == Stage::Auth { subject } else { "" };
    format!("{subject} {}", layout::answer_with(case, at, 65_536, 10_000))
}

/// So many edits that remove what the seven bytes at 2,048 point to.
fn edits(kind: Stage, count: u32) -> String {
    let (case, at) = layout::list(kind).expect("a kind that edits");
    let edit = |edit: u32| {
        let address = 32_768 + edit * 20;
        format!(
            "(i32.store (i32.const {address}) (i32.const 2048)) (i32.store (i32.const {}) (i32.const 7))",
            address + 4
        )
    };
    let edits: Vec<String> = (0..count).map(edit).collect();
    edits.concat() + &layout::answer_with(case, at, 32_768, count)
}

/// An order of so many ids, the first of them at 2,048 and four bytes long.
fn order(ids: u32) -> String {
    format!(
        "(i32.store (i32.const 4096) (i32.const 2048)) (i32.store offset=4 (i32.const 4096) (i32.const 4)) {}",
        layout::answer_with(0, layout::PAYLOAD, 4096, ids)
    )
}

/// One header whose name is at 2,048 and value at 2,064.
fn split_header() -> String {
    format!(
        "(i32.store (i32.const 4096) (i32.const 2048)) (i32.store offset=4 (i32.const 4096) (i32.const 3))
         (i32.store offset=8 (i32.const 4096) (i32.const 2064)) (i32.store offset=12 (i32.const 4096) (i32.const 9)) {}",
        layout::answer_with(0, layout::PAYLOAD, 4096, 1)
    )
}
