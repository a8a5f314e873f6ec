//! From wasmtime's errors to the closed list of faults.

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::FieldMapError;
use witgate_policy::Fault;

use crate::account::{Account, Overdrawn};
use crate::log::clean;

/// Bytes of a fault's message that are kept.
const MESSAGE_BYTES: usize = 512;
/// Functions of the guest that a trap's message names, innermost first.
const FRAMES: usize = 3;

/// What a failed call means. `account` is the instance's, which remembers what it was refused.
pub(crate) fn classify(error: &wasmtime::Error, account: &Account) -> Fault {
    if let Some(overdrawn) = error.downcast_ref::<Overdrawn>() {
        return match overdrawn {
            Overdrawn::BytesIn(_) => Fault::Memory { what: overdrawn.to_string() },
            Overdrawn::HostCalls(_) => Fault::Trap(format!("it made more {overdrawn} than its limit allows")),
        };
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Fault::Unavailable(clean(&format!("{error:#}"), MESSAGE_BYTES));
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref::<Trap>() {
        return Fault::Memory { what: "stack".to_owned() };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return Fault::Memory { what: account.handles() };
    }
    if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) = error.downcast_ref() {
        return Fault::Memory { what: account.fields() };
    }
    if let Some(what) = account.refused() {
        return Fault::Memory { what };
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return Fault::Trap(format!("it exited with status {}", exit.0));
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let trap = trap.to_string();
        let trap = trap.trim_start_matches("wasm trap: ");
        return Fault::Trap(clean(&format!("{trap}{}", frames(error)), MESSAGE_BYTES));
    }
    // Not a trap: what the guest handed over cannot be read as what the contract says.
    Fault::BadVerdict(clean(&format!("{:#}", error.root_cause()), MESSAGE_BYTES))
}

/// Where it trapped, as far as the component names its functions.
fn frames(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names: Vec<&str> = trace.frames().iter().filter_map(wasmtime::FrameInfo::func_name).take(FRAMES).collect();
    if names.is_empty() { String::new() } else { format!(" (in {})", names.join(" < ")) }
}
