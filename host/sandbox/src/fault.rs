//! From wasmtime's errors to the closed list of faults.

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::FieldMapError;
use witgate_policy::{Fault, LimitKey};

use crate::account::{Account, Overdrawn};
use crate::log::clean;

/// Bytes of a fault's message that are kept.
const MESSAGE_BYTES: usize = 512;
/// Functions of the guest that a trap's message names, innermost first.
const FRAMES: usize = 6;

/// How functions begin that belong to a language's way to end, and say nothing of why. In whatever form a component
/// names them.
const ENDS: [&str; 18] = [
    "__rustc",
    "rust_panic",
    "rust_begin_unwind",
    "std::panicking",
    "core::panicking",
    "std::sys",
    "std::process",
    "<std::panicking",
    "core::option::",
    "core::result::",
    "alloc::alloc::",
    "abort",
    "runtime.",
    "panic",
    "std::__",
    "__cxa",
    "__wasm_",
    "_abort",
];

/// What wasmtime has no type for, by its words. A test in `tests/it/limits.rs` makes each of them happen, so that other
/// words in another version are noticed.
const WORDS: [(&str, LimitKey); 6] = [
    ("fuel allocated for hostcalls has been exhausted", LimitKey::BytesOut),
    ("store handle limit exceeded", LimitKey::Handles),
    ("cannot allocate another handle", LimitKey::Handles),
    ("resource limit exceeded: instance count", LimitKey::CoreInstances),
    ("resource limit exceeded: memory count", LimitKey::Memories),
    ("resource limit exceeded: table count", LimitKey::Tables),
];

/// What a failed call means. `account` is the instance's, which remembers what it was refused.
pub(crate) fn classify(error: &wasmtime::Error, account: &Account) -> Fault {
    if let Some(overdrawn) = overdrawn(error, account) {
        return overdrawn.into();
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Fault::Unavailable(clean(&format!("{error:#}"), MESSAGE_BYTES));
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Fault::Trap(format!("it exited with status {}", exit.0));
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let trap = trap.to_string();
        let trap = trap.trim_start_matches("wasm trap: ");
        return Fault::Trap(clean(&format!("{trap}{}", frames(error)), MESSAGE_BYTES));
    }
    let cause = format!("{:#}", error.root_cause());
    if error.is::<WasmBacktrace>() {
        // The host ended it within one of its functions: what it was handed there makes no sense.
        return Fault::Trap(clean(&format!("{cause}{}", frames(error)), MESSAGE_BYTES));
    }
    // What the guest answered cannot be read as what the contract says.
    Fault::BadVerdict(clean(&cause, MESSAGE_BYTES))
}

/// Why an instance could not be made: there is no answer yet that could be outside the contract.
pub(crate) fn unmade(error: &wasmtime::Error, account: &Account) -> Fault {
    match classify(error, account) {
        Fault::BadVerdict(cause) => Fault::Unavailable(format!("no instance could be made: {cause}")),
        fault => fault,
    }
}

/// The limit that ended it, if one did.
fn overdrawn(error: &wasmtime::Error, account: &Account) -> Option<Overdrawn> {
    if let Some(overdrawn) = error.downcast_ref::<Overdrawn>() {
        return Some(*overdrawn);
    }
    if let Some(overdrawn) = account.overdrawn() {
        return Some(overdrawn);
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref::<Trap>() {
        return Some(account.overdraft(LimitKey::Stack));
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return Some(account.overdraft(LimitKey::Handles));
    }
    if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) = error.downcast_ref() {
        return Some(account.overdraft(LimitKey::HeaderBytes));
    }
    if error.downcast_ref::<Trap>().is_none() {
        let cause = error.root_cause().to_string();
        if let Some((_, key)) = WORDS.iter().find(|(words, _)| cause.contains(words)) {
            return Some(account.overdraft(*key));
        }
    }
    account.refused()
}

/// Where it trapped, as far as the component names its functions.
fn frames(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names: Vec<String> = trace.frames().iter().filter_map(wasmtime::FrameInfo::func_name).map(readable).collect();
    // The author's own first; when there is none, whatever there is.
    let first = names.iter().position(|name| !ENDS.iter().any(|end| name.starts_with(end)));
    let names = &names[first.unwrap_or_default()..];
    let names = &names[..names.len().min(FRAMES)];
    if names.is_empty() { String::new() } else { format!(" (in {})", names.join(" < ")) }
}

/// A function's name as its author wrote it, where a compiler has mangled it.
fn readable(name: &str) -> String {
    if let Ok(name) = rustc_demangle::try_demangle(name) {
        return format!("{name:#}");
    }
    let demangled = cpp_demangle::Symbol::new(name).ok().and_then(|symbol| symbol.demangle().ok());
    demangled.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_author_wrote() {
        #[track_caller]
        fn check(name: &str, want: &str) {
            assert_eq!(readable(name), want);
        }
        check("_ZN7my_rule5check17h0123456789abcdefE", "my_rule::check");
        check("_RNvC7my_rule5check", "my_rule::check");
        check("_ZN4rule5checkEi", "rule::check(int)");
        check("policy_check", "policy_check");
        check("main.check", "main.check");
    }
}
