//! HTTP/1.1 and MCP by hand, for both ends: what is measured is the gate, not what a library costs beside it.

mod answer;
mod head;
mod request;

pub(crate) use answer::Answer;
pub(crate) use head::Head;
pub(crate) use request::{Era, LEGACY, MODERN, Request, Sender, initialize, initialized};
