//! The words that every kind shares, as `wit/types@0.1.0` has them, with what makes them pleasant to write.

pub use crate::bindings::types::witgate::types::types::{Call, Claim, Edit, Finding, Identity, Refusal, RefusalCode};

/// A `tools/call` on revision `2026-07-28` with a second left: for tests, to be changed with `..Call::default()`.
impl Default for Call {
    fn default() -> Self {
        Self {
            id: "call-1".to_owned(),
            tenant: "default".to_owned(),
            method: "tools/call".to_owned(),
            target: None,
            revision: "2026-07-28".to_owned(),
            traceparent: None,
            unix_time_s: 1_800_000_000,
            deadline_ms: 1_000,
            chance: 0,
        }
    }
}

/// The caller of a tenant that asks for no authentication.
impl Default for Identity {
    fn default() -> Self {
        Self { subject: "anonymous".to_owned(), issuer: String::new(), scopes: Vec::new(), claims: Vec::new() }
    }
}

impl Identity {
    /// Whether the caller was allowed `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    /// The value of the caller's claim of this name.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.iter().find(|claim| claim.name == name).map(|claim| claim.value.as_str())
    }
}

impl Edit {
    /// Puts a value there, as JSON.
    pub fn set(pointer: impl Into<String>, value: &serde_json::Value) -> Self {
        Self { pointer: pointer.into(), value: Some(value.to_string()) }
    }

    /// Takes away what is there.
    pub fn remove(pointer: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), value: None }
    }
}

impl Finding {
    /// What is wrong at an RFC 6901 pointer, and what would be right.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl Refusal {
    /// A refusal with nothing but a message for the client.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), note: None, retry_after_ms: None, findings: Vec::new() }
    }

    /// No usable proof of who is calling.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(RefusalCode::Unauthenticated, message)
    }

    /// Known, but not allowed.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(RefusalCode::Forbidden, message)
    }

    /// The message itself is at fault; say where with [`Refusal::finding`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(RefusalCode::Invalid, message)
    }

    /// A quota is used up for so many milliseconds.
    pub fn exhausted(message: impl Into<String>, retry_after_ms: u32) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(RefusalCode::Exhausted, message) }
    }

    /// Something that the decision needs is not there.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(RefusalCode::Unavailable, message)
    }

    /// With a word for the operator's log, which the client never sees.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// With one more place where the message is at fault.
    #[must_use]
    pub fn finding(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }
}

/// A single fault of the message is reason enough: what [`Document::get`](crate::Document::get) could not read.
impl From<Finding> for Refusal {
    fn from(finding: Finding) -> Self {
        Self::invalid(format!("{}: {}", finding.pointer, finding.message)).finding(finding)
    }
}
