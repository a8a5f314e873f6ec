//! JSON-RPC as it stands on the wire: bytes to messages and back.

mod message;

pub use message::{ClientFacts, Incoming, RequestId};
