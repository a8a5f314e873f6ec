//! Real messages as cases: what a plugin of a running gate is asked and answers, for `witgate plugin record`.
//!
//! ```text
//! tape       who listens; off, it costs a hook one look at a flag
//! taped      a plugin of each kind whose questions and answers go on the tape
//! stores     what its stores held meanwhile
//! cleaner    takes secrets out before anything leaves the gate
//! ```
//!
//! Invariants: nothing is kept that nobody listens to; a listener who does not keep up loses cases and holds up nobody;
//! what cannot be cleaned is not recorded.

mod cleaner;
mod stores;
mod tape;
mod taped;

pub(crate) use cleaner::Cleaner;
pub(crate) use stores::{TapedCounters, TapedKeyValues};
pub(crate) use tape::{Recorded, Tape, Wanted};
pub(crate) use taped::{Facts, Taped};
