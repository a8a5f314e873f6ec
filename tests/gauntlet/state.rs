//! Guests that leave something behind, and guests that look for it: in the next call, and in another tenant.
//!
//! The neighbour is one of those who look: its plugin `witness` is the very component of [`LEFT_BEHIND`], with instances
//! that are kept in both tenants. If it finds anything the neighbour's call fails.

use witgate_test_guests::{Guest, Stage, layout};

use crate::row::{End, Row};

/// The row whose component the neighbour has too.
pub(crate) const LEFT_BEHIND: &str = "left-behind";

/// With what memory is filled. Single marks are left at address 512: below all data, and out of the allocator's reach,
/// which gives nothing back and so goes up in a kept instance.
const MARK: &str = "0xc5";

pub(crate) static ROWS: &[Row] = &[
    // All memory that there may be, for whoever gets the same memory next. On a busy machine its time is over first.
    Row::new("fill-and-trap", |_| fill() + "unreachable", End::Fault(&["trap", "deadline"])),
    Row::new("memory-of-others", |kind| format!("{} {}", look(), calm(kind)), End::Clean)
        .dress(|guest| guest.field(DIRTY))
        .keys("limits = { guest-time-ms = 2000 }"),
    Row::new("state-of-the-last-call", |kind| changed(kind, "call $dirty"), End::Clean).dress(places),
    // The instances are kept, but never one that failed: what it finds is a way out of the trap.
    Row::new(
        "state-after-a-fault",
        |kind| changed(kind, &calm_and_return(kind)) + " unreachable",
        End::Fault(&["trap"]),
    )
    .dress(places)
    .keys("instances = { reuse = 4 }"),
    // Documents that it never drops: an instance that is kept would run out of handles, and the host out of memory.
    Row::new("documents-not-dropped", calm, End::Calm)
        .kinds(&[Stage::Validate, Stage::Sanitize])
        .keys("instances = { reuse = 1 }\nlimits = { handles = 4 }"),
    Row::new(LEFT_BEHIND, left_behind, End::Calm)
        .kinds(&[Stage::Route])
        .dress(|guest| guest.field(DIRTY).field("(global $seen (mut i32) (i32.const 0))"))
        .keys("instances = { reuse = 4 }"),
];

/// A name for the fault.
const DIRTY: &str = "(func $dirty unreachable)";

fn calm(kind: Stage) -> String {
    layout::answer(layout::calm(kind))
}

fn calm_and_return(kind: Stage) -> String {
    format!("{} return", calm(kind))
}

/// Takes 15 MiB, so that with what is there already the limit is not met, and fills them.
fn fill() -> String {
    format!(
        "(if (i32.ne (memory.grow (i32.const 240)) (i32.const -1))
           (then (memory.fill (i32.const 65536) (i32.const {MARK}) (i32.const 15728640))))
         (memory.fill (i32.const 32768) (i32.const {MARK}) (i32.const 32768))"
    )
}

/// Takes 4 MiB and traps if any byte of them, or of what nobody wrote to in the first page, is not zero. Address 8 is
/// the counter: it is below all data.
fn look() -> String {
    "(drop (memory.grow (i32.const 64)))
     (i32.store (i32.const 8) (i32.const 32768))
     (loop $next
       (if (i64.ne (i64.load (i32.load (i32.const 8))) (i64.const 0)) (then call $dirty))
       (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 8)))
       (br_if $next (i32.lt_u (i32.load (i32.const 8)) (i32.mul (memory.size) (i32.const 65536)))))
     (i32.store (i32.const 8) (i32.const 0))"
        .to_owned()
}

/// Does `then` if a global, memory, a table or a data segment is not as it was at first, and changes all of them.
fn changed(kind: Stage, then: &str) -> String {
    format!(
        "(if (i32.or (i32.or (global.get $seen) (i32.load (i32.const 512)))
                     (i32.eqz (ref.is_null (table.get $t (i32.const 0)))))
           (then {then}))
         (global.set $seen (i32.const 1))
         (i32.store (i32.const 512) (i32.const {MARK}))
         (table.set $t (i32.const 0) (ref.func $realloc))
         (memory.init $d (i32.const 520) (i32.const 0) (i32.const 4))
         (data.drop $d)
         {}",
        if then == "call $dirty" { calm(kind) } else { String::new() }
    )
}

fn places(guest: Guest) -> Guest {
    guest
        .field(DIRTY)
        .field("(global $seen (mut i32) (i32.const 0))")
        .field("(table $t 1 funcref)")
        .field("(data $d \"mark\")")
        .field("(elem declare func $realloc)")
}

/// In the neighbour's hands, whose tool's name ends with `k`, it looks; in the attacker's it leaves a mark.
fn left_behind(kind: Stage) -> String {
    let (text, length) = layout::subject(kind);
    format!(
        "(if (i32.eq (i32.const {k}) (i32.load8_u (i32.sub (i32.add {text} {length}) (i32.const 1))))
           (then (if (i32.or (global.get $seen) (i32.load (i32.const 512))) (then call $dirty)))
           (else (global.set $seen (i32.const 1)) (i32.store (i32.const 512) (i32.const {MARK}))))
         {calm}",
        k = b'k',
        calm = calm(kind),
    )
}
