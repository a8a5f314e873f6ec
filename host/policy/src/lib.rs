//! Pure decisions about one MCP message: who calls, what goes in, where it goes, what happens after a failure, what
//! comes out.
//!
//! A message is a [`Call`]. It walks through the [`Pipeline`], and each stage that it passes leaves evidence in its
//! type: [`Admitted`], [`Validated`], [`Routed`], and on the way back [`Sanitized`]. Their constructors are private to
//! this crate, so the compiler refuses a program that sends what was not routed or answers what was not sanitized.
//!
//! Plugins are seen through six small traits ([`Authenticator`], [`CredentialProvider`], [`InputValidator`], [`Router`],
//! [`RetryStrategy`], [`OutputSanitizer`]); whoever implements them, the rules around them are here:
//!
//! - a fault denies, unless the operator chose to skip (never for auth);
//! - a validator's edit starts the round again, so all have accepted the final bytes;
//! - the host keeps the veto over a route and clamps every retry;
//! - what a shadow plugin says is recorded and changes nothing.
//!
//! This crate knows nothing of IO, WebAssembly, HTTP or JSON-RPC. It never reads a file, opens a socket or spawns a
//! task; what needs the world is a trait that somebody else implements ([`store`], [`secret`]).

pub mod address;
pub mod answer;
mod call;
mod evidence;
mod fault;
pub mod folder;
mod grants;
mod hook;
mod identity;
pub mod json;
mod limits;
pub mod origin;
mod pipeline;
mod refusal;
pub mod secret;
pub mod store;
mod trail;
mod verdict;

pub use call::{Call, Deadline, Draft, Form, Moment, Revision, target_of};
pub use evidence::{Admitted, Lookup, Provenance, Routed, Sanitized, Validated};
pub use fault::{Fault, LimitKey};
pub use grants::{Folder, Grants, Reach, SecretGrant};
pub use hook::{
    Answer, Authenticator, CredentialProvider, Hook, InputValidator, Mode, OnFault, OutputSanitizer, RetryStrategy,
    Router, When, WhenError,
};
pub use identity::{Certificate, Claim, Identity, Peer, Presented};
pub use json::Payload;
pub use limits::Limits;
pub use pipeline::{Bounds, Budget, Next, Pipeline, ToolBook};
pub use refusal::{Finding, Reason, Refusal};
pub use trail::{Stage, Step, Trail};
pub use verdict::{
    Again, Attempt, AuthVerdict, Candidate, Challenge, Circuit, Credential, Destination, Failure, Header, Kind,
    Message, Occasion, RetryDecision, RouteVerdict, SanitizeVerdict, UpstreamFacts, ValidateVerdict, Why,
};
