//! Guests that take what there is: memory, tables, stack, handles.

use witgate_test_guests::Stage;

use crate::row::{End, Row};

const MEMORY: End = End::Fault(&["memory", "limit"]);

pub(crate) static ROWS: &[Row] = &[
    // All pages that it may have, written to the last byte, and one page more.
    Row::new("memory-fill", memory_fill, MEMORY).limit("memory-bytes"),
    Row::new(
        "memory-bomb",
        |_| "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable".to_owned(),
        MEMORY,
    )
    .limit("memory-bytes"),
    Row::new("table-bomb", table_bomb, MEMORY)
        .limit("table-elements")
        .dress(|guest| guest.field("(table $t 1 funcref)")),
    Row::new("handle-bomb", handle_bomb, MEMORY)
        .limit("handles")
        .dress(|guest| guest.import("wasi:clocks/monotonic-clock@0.2.12"))
        .keys("grants = { clocks = true }\nlimits = { guest-time-ms = 1000 }"),
    // The same with a resource of another interface, which the guest is lent rather than given.
    Row::new("stream-bomb", |_| "(loop $more (drop (call $get-stdout)) (br $more)) unreachable".to_owned(), MEMORY)
        .limit("handles")
        .dress(|guest| guest.import("wasi:cli/stdout@0.2.12"))
        .keys("limits = { guest-time-ms = 1000 }"),
    Row::new("recursion", |_| "call $down unreachable".to_owned(), MEMORY)
        .limit("stack")
        .dress(|guest| guest.field("(func $down call $down)")),
    // Each frame is large, so that few of them reach the end of the stack.
    Row::new("wide-recursion", |_| "(drop (call $down (i64.const 1))) unreachable".to_owned(), MEMORY)
        .limit("stack")
        .dress(|guest| guest.field(&wide_frame())),
];

fn memory_fill(_: Stage) -> String {
    // 255 pages more than the one that there is: 16 MiB.
    "(if (i32.eq (memory.grow (i32.const 255)) (i32.const -1)) (then unreachable))
     (memory.fill (i32.const 65536) (i32.const 0xc5) (i32.const 16711680))
     (drop (memory.grow (i32.const 1))) unreachable"
        .to_owned()
}

fn table_bomb(_: Stage) -> String {
    "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable"
        .to_owned()
}

fn handle_bomb(_: Stage) -> String {
    "(loop $more (drop (call $subscribe-duration (i64.const 1))) (br $more)) unreachable".to_owned()
}

/// A function of so many locals that are all used after the call.
fn wide_frame() -> String {
    const LOCALS: u32 = 500;
    let each = |text: fn(u32) -> String| (0..LOCALS).map(text).collect::<Vec<_>>().concat();
    let locals = each(|at| format!("(local $l{at} i64)"));
    let set = each(|at| format!("(local.set $l{at} (i64.add (local.get $p) (i64.const {at})))"));
    let sum = each(|at| format!("(i64.add (local.get $l{at})"));
    let close = each(|_| ")".to_owned());
    format!(
        "(func $down (param $p i64) (result i64) {locals} {set}
           {sum} (call $down (i64.add (local.get $p) (i64.const 1))) {close})"
    )
}
