//! Requests of plugins to the outside: the only room through which a plugin reaches a network.
//!
//! ```text
//! Egress::new(EgressConfig)              names, certificates; one for a process
//! Client::new(&egress, ClientSpec)       one plugin of one tenant: where it may go, how much at once
//!   .allowance()                         what one call of it may use; dropping it ends all that the call began
//!     .send(request, timeouts)           -> Response<ResponseBody> | EgressError
//! ```
//!
//! The way of a request, each step on what the step before made of it:
//!
//! ```text
//! head      the URL becomes an Origin, in its one spelling; a rule must hold it with this method; fields are looked at
//! secrets   `${secret:NAME}` is filled in, in the copy that goes out
//! slots     one of the plugin's connections and one of its tenant's
//! names     the host looks the name up, once
//! address   every address is judged; those that no rule reaches are as if they were not there
//! connect   to a judged address, not to the name; TLS asks for the name
//! exchange  HTTP/1.1, one request for one connection, then it is closed
//! ```
//!
//! Invariants:
//! - what was judged is what is connected to: nothing is looked up again between the two;
//! - the host follows no redirect, and so each hop of one is a request of the plugin, judged like any other;
//! - no connection outlives the call that began it, nor is one used twice, so nothing is shared between plugins;
//! - the plugin never sees a secret: neither its request, nor an error, nor a log line holds what was filled in;
//! - what the plugin is told of a refusal does not depend on whether a name exists or where it leads; the operator is
//!   told all of it, in the log, some lines at a time;
//! - bytes are counted on the socket, so there is nothing that a server may send without being counted;
//! - no variable of the environment changes where a request goes.
//!
//! This crate knows nothing of WebAssembly. What a server does with a secret that it was granted is the server's
//! affair: it may send it back, and the plugin reads the answer.

mod body;
mod client;
mod config;
mod connect;
mod egress;
mod error;
mod exchange;
mod head;
mod meter;
mod names;
mod report;
mod script;
mod tally;

pub use body::ResponseBody;
pub use client::{Allowance, Client, ClientSpec};
pub use config::{EgressConfig, SetupError, Timeouts};
pub use egress::Egress;
pub use error::EgressError;
pub use script::Script;
// What requests and responses are made of, for those who may not name HTTP themselves.
pub use {http, http_body_util::BodyExt};
