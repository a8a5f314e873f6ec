//! Servers that live in this process, written on rmcp like any other server; the gate speaks to them over a stream.

mod leave;

pub use leave::leave;
