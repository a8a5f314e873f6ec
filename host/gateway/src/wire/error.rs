use serde::Serialize;
use serde_json::Value;

/// A JSON-RPC error in the gate's own words. Made by the tables of this module only, so that no server's text gets to a
/// client this way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RpcError {
    pub(super) code: i32,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Value>,
}

impl RpcError {
    /// One of [`code`](super::code).
    pub fn code(&self) -> i32 {
        self.code
    }

    /// For the client.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The machine-readable part.
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }
}
