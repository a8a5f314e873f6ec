//! What plugins and the gate remember between calls, in the memory of this process: [`MemoryCounters`],
//! [`MemoryKeyValues`] and [`CircuitBreaker`].
//!
//! Invariants: two [`Space`](witgate_policy::store::Space)s never see each other, nor wait for each other longer than a
//! map look-up; every operation is one atomic step; a space never holds more than its [`Quotas`]; what has expired is
//! never read, and is freed by whatever touches the space next. Nothing here waits, so an answer is ready when it is
//! first asked for. Time is tokio's, so that tests can move it.
//!
//! This crate knows nothing of WebAssembly, HTTP or JSON-RPC.

mod breaker;
mod counters;
mod key_values;
mod quotas;
mod spaces;

pub use breaker::{CircuitBreaker, Tolerance};
pub use counters::MemoryCounters;
pub use key_values::MemoryKeyValues;
pub use quotas::Quotas;
