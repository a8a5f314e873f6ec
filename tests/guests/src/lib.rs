//! Small components for tests, made when they are asked for: one that answers as the contract says, and some that mean
//! harm. Each is a core module of a few lines in the text format, wrapped for its kind by what `wit/` says, so that
//! neither a Wasm toolchain nor a file is needed and a change of the contract reaches them all.
//!
//! [`pass`], [`trap`], [`endless_loop`], [`memory_bomb`] and [`stack_bomb`] come for each of the six kinds;
//! [`Guest`] makes others. [`layout`] says how answers lie in memory, [`swell`] and [`pad`] make a component larger than
//! it should be. [`probe`] is a larger one, in Rust, which does what its settings and messages say.

#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "for tests: what does not build is a mistake here")]

mod contract;
mod guest;
pub mod layout;
mod probe;
mod swell;

pub use guest::{Guest, SANITIZE_PAYLOAD, VALIDATE_PARAMS};
pub use probe::probe;
pub use swell::{pad, swell};
pub use witgate_policy::Stage;

/// Decides nothing: abstains, accepts, passes, gives up, adds no header.
pub fn pass(kind: Stage) -> Vec<u8> {
    Guest::new(kind).build()
}

/// Traps when it is asked.
pub fn trap(kind: Stage) -> Vec<u8> {
    Guest::new(kind).decide("unreachable").build()
}

/// Never answers.
pub fn endless_loop(kind: Stage) -> Vec<u8> {
    Guest::new(kind).decide("(loop $again (br $again)) unreachable").build()
}

/// Takes memory until there is none, and then fails as a program without memory does.
pub fn memory_bomb(kind: Stage) -> Vec<u8> {
    let bomb = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    Guest::new(kind).decide(bomb).build()
}

/// Calls itself until there is no stack left.
pub fn stack_bomb(kind: Stage) -> Vec<u8> {
    Guest::new(kind).field("(func $down call $down)").decide("call $down unreachable").build()
}

/// Small, valid, and hard to compile: one function with many nests of loops, in each of which a thousand locals are alive
/// and some are changed, so that a compiler has to follow each of them into each loop.
pub fn compile_bomb(kind: Stage, loops: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    const LOCALS: usize = 1000;
    const DEPTH: usize = 50;
    const CHANGED: usize = 100;
    let mut body = format!("(func $bomb (param i32) (result i32) (local {})", "i32 ".repeat(LOCALS));
    for nest in 0..loops / DEPTH {
        body.push_str(&"(loop ".repeat(DEPTH));
        for at in 0..CHANGED {
            let at = nest * CHANGED + at;
            let (to, one, other) = (at % LOCALS + 1, (at * 7) % LOCALS + 1, (at * 13) % LOCALS + 1);
            let _ = write!(body, "(local.set {to} (i32.add (local.get {one}) (local.get {other})))");
        }
        for at in 0..DEPTH {
            let _ = write!(body, "(br_if 0 (i32.and (local.get 0) (local.get {}))))", (nest + at) % LOCALS + 1);
        }
    }
    body.push_str("(i32.const 0)");
    for local in 1..=LOCALS {
        let _ = write!(body, "(local.get {local}) i32.add");
    }
    body.push(')');
    Guest::new(kind).field(&body).build()
}

/// A valid module that is no component.
pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").expect("a module")
}

/// A component in the text format, of any shape.
pub fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a component in the text format")
}
