//! JSON-RPC as it stands on the wire: bytes to messages and back. Pure: no IO, no clock.
//!
//! - [`decode`] takes one message strictly, or says what is wrong with it and to whom ([`DecodeError`]);
//! - [`Meta`], [`check_headers`] and [`check_params`] read what the modern era writes beside the message, and hold it
//!   against the message;
//! - [`encode`] writes what may be written: what was [`Sanitized`](witgate_policy::Sanitized), or the host's own words,
//!   which are a [`Denial`] (a [`Refusal`](witgate_policy::Refusal) through [the one table](refusal)) or a
//!   [`Reject`] (before any plugin was asked).

mod case;
pub mod code;
mod decode;
pub mod encode;
mod error;
pub(crate) mod headers;
mod level;
mod message;
mod meta;
pub(crate) mod mirror;
mod params;
pub mod refusal;
mod reject;

pub use decode::{DecodeError, Flaw, decode, decode_batch};
pub use error::RpcError;
pub use headers::{Mismatch, check_headers, version_header};
pub(crate) use level::{LOG_LEVELS, rank};
pub use message::{ClientFacts, Incoming, RequestId};
pub(crate) use meta::OF_CLIENT;
pub(crate) use meta::part;
pub use meta::{Meta, handshake, is_legacy, lasting, traceparent};
pub(crate) use mirror::HEADER;
pub use params::check_params;
pub use refusal::{Ask, Denial};
pub use reject::Reject;
