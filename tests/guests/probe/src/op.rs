//! The words that a test drives the probe with.

use serde::Deserialize;

#[cfg(feature = "files")]
use crate::files::Files;
#[cfg(feature = "local")]
use crate::local::Local;
#[cfg(feature = "network")]
use crate::network::Request;
use crate::runtime::Runtime;

/// One thing to do. What a component was not built for is unknown to it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Op {
    Control(Control),
    Runtime(Runtime),
    #[cfg(feature = "files")]
    Files(Files),
    #[cfg(feature = "network")]
    Network(Request),
    #[cfg(feature = "local")]
    Local(Local),
}

/// What needs nothing of the host.
#[derive(Deserialize)]
#[serde(tag = "op", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Control {
    /// Does `ops` so many times; the result is the last one's, with the number of errors.
    Repeat { times: u32, ops: Vec<Op> },
    /// Takes memory and keeps it until the call ends.
    Allocate { bytes: usize },
    /// Counts to `turns` without end in sight for the compiler.
    Spin { turns: u64 },
    /// Keeps a word in the instance's own memory.
    Remember { value: String },
    /// What was kept, which a fresh instance does not know.
    Recall {},
    /// Traps.
    Panic {},
}
