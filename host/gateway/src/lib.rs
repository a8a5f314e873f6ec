//! MCP on both sides: the only crate that names HTTP, JSON-RPC and rmcp.
//!
//! A message comes in at a [`front`], is decoded by [`wire`], walks through its [`tenant`]'s pipeline, is sent by an
//! [`upstream`], and goes back the same way. Invariants:
//!
//! - what is sent upstream came out of [`Pipeline::route`](witgate_policy::Pipeline::route), what is written to a client
//!   out of [`Pipeline::sanitize`](witgate_policy::Pipeline::sanitize), or is a refusal of the host's own words;
//! - payloads stay text ([`Payload`](witgate_policy::Payload)); unknown fields and `_meta` pass through;
//! - a message holds one [`Generation`](gate::Generation) from decoding to encoding;
//! - this crate knows nothing of WebAssembly: plugins are `policy`'s traits.

pub mod builtin;
pub mod front;
pub mod gate;
mod home;
mod late;
pub mod record;
pub mod tenant;
mod turn;
pub mod upstream;
mod whole;
pub mod wire;
