//! Plugins, run where they can harm nobody. The only crate that names wasmtime.
//!
//! ```text
//! Sandbox::new(SandboxConfig)                         the engines; one for a process
//!   .compile(name, bytes, limit_bytes)    -> Component     async; the same file is compiled once
//!   .inspect(name, bytes, limit_bytes)    -> Inspection    async; kinds, imports, the grants that it needs
//! Plugin::load(&sandbox, &component, PluginSpec)      async; checks grants, links, configures once as a self test
//!   .authenticator() .credential_provider() .input_validator() .router() .retry_strategy() .output_sanitizer()
//!                                         -> Option<Arc<dyn …>>, by what the component exports
//!   .health()                             -> Vec<Health>   how it has been doing, one for each kind
//! ```
//!
//! A component is found to be of a kind by its exports, and may do what its kind's world, its own imports and the
//! operator's [`Grants`](witgate_policy::Grants) all allow: nothing else is linked. Each call runs within [`Limits`](witgate_policy::Limits), in an instance that is
//! fresh unless the operator opted into reuse; how it can fail is [`Fault`](witgate_policy::Fault). A [`Plugin`] belongs
//! to one tenant, and so do its instances, counters and keys.
//!
//! Invariants:
//! - an instance whose call did not end with an answer that was accepted is never asked again;
//! - a call finds what an instance has that was just configured, whether one was made for it or another was put back
//!   (`recycle`), unless the operator opted into reuse;
//! - a guest's time is processor time, so what others do on the machine makes no plugin fail; a guest that computes
//!   yields at every tick, or is stopped at the second and begins again in turns, so it holds up nobody for longer;
//! - a call is begun again only where nobody can tell: its plugin was linked with nothing that has an effect;
//! - guests run on stacks of at least 2 MiB, which tokio's threads have by default, and use 512 KiB of them;
//! - a caller who goes away, at any point, leaves nothing behind;
//! - a plugin's words reach a log or a client bounded and without control characters;
//! - a component that keeps the compiler busy costs its limits in a child process, and no more;
//! - this crate opens no file but its cache of compiled components and what is in the folders that were granted, no
//!   socket, and knows nothing of JSON-RPC; what a plugin asks of the network goes to `witgate-egress`, which judges it,
//!   and ends with the call that asked.
//!
//! What it does not defend against: guests that spy through the processor. The light engine checks bounds in code, and
//! wasmtime 48 has no Spectre mitigation for such checks when it may not use signals. Clocks are coarse and off by
//! default, which is what makes such spying hard. Components of tenants who do not trust each other at all belong in
//! processes of their own.

mod account;
mod adapter;
mod bindings;
mod compiler;
mod component;
mod document;
mod engine;
mod error;
mod export;
mod fault;
mod grant;
mod guest_time;
mod health;
mod host;
mod inspect;
mod kept;
mod kind;
mod limits;
mod log;
mod meter;
mod pace;
mod place;
mod plugin;
mod quarantine;
mod recycle;
mod runner;
mod sandbox;
mod share;
mod ticker;
mod ticket;

pub use compiler::{BadJob, ChildCompiler, Compiler, CompilerFault, Job, work};
pub use component::Component;
pub use error::{LoadError, SandboxError};
pub use health::{Condition, Health, LastFault};
pub use inspect::Inspection;
pub use meter::{Meter, Used};
pub use plugin::{Plugin, PluginSpec};
pub use sandbox::{Sandbox, SandboxConfig};
pub use share::Share;
// What answers in the network's stead, for those who test plugins.
pub use witgate_egress::{Script, http};
