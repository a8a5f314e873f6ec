use witgate_policy::{Payload, Revision};

/// What a server says of itself, in `server/discover` or `initialize`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The revision that the gate speaks with it.
    pub revision: Revision,
    /// Whether it is modern and says that it speaks a legacy revision too.
    pub dual: bool,
    /// `serverInfo`, as the server sent it.
    pub info: Option<Payload>,
    /// `capabilities`, as the server sent them; `{}` when it sent none.
    pub capabilities: Payload,
    /// What it tells models of its use.
    pub instructions: Option<String>,
}

impl ServerFacts {
    /// Of a server that has not said anything yet.
    pub(crate) fn unknown() -> Self {
        Self {
            revision: Revision::V2025_11_25,
            dual: false,
            info: None,
            capabilities: Payload::empty(),
            instructions: None,
        }
    }

    /// Whether it declares a capability, at an RFC 6901 pointer into `capabilities`: `/tools`, `/tools/listChanged`.
    pub fn has(&self, pointer: &str) -> bool {
        self.capabilities.get(pointer).is_some_and(|value| value != "false" && value != "null")
    }
}
