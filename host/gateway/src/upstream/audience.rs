//! For whom a connection is. A legacy server learns once, at the handshake, what its client can be asked; so clients that
//! can be asked something do not share a connection with others. All share the one to a modern server; but where it speaks
//! both eras, a legacy client is served in its own, in which servers ask from within a call.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use witgate_policy::Payload;

use super::connection::Era;
use super::http::Shown;
use super::meta::gate_info;
use crate::wire::ClientFacts;

/// Those for whom one connection is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// All who cannot be asked anything.
    Anyone,
    /// One legacy client's session.
    Session(Arc<str>),
    /// One call of a modern client at a time; a digest of who calls, and of what was declared for it.
    Lease([u8; 32]),
}

/// An audience, with a credential: what a connection is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spot {
    pub(crate) key: [u8; 32],
    pub(crate) audience: Audience,
}

impl Spot {
    pub(crate) fn new(shown: &Shown, audience: Audience) -> Self {
        Self { key: shown.key, audience }
    }
}

/// What a legacy server is told in `initialize`.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) capabilities: Payload,
    pub(crate) info: Payload,
}

impl Declared {
    /// By the gate itself, for all who cannot be asked.
    pub(crate) fn nothing() -> Self {
        Self { capabilities: Payload::empty(), info: gate_info() }
    }

    /// For a client of either era.
    pub(crate) fn by(client: &ClientFacts) -> Self {
        let capabilities =
            if client.revision.is_modern() { legacy(&client.capabilities) } else { client.capabilities.clone() };
        Self { capabilities, info: client.info.clone().unwrap_or_else(gate_info) }
    }

    /// Whether a server could ask for something.
    fn can_be_asked(&self) -> bool {
        let plain = ["/sampling", "/elicitation", "/roots", "/tasks"];
        let open = ["/extensions", "/experimental"];
        plain.iter().any(|name| self.capabilities.get(name).is_some_and(|value| value != "null"))
            || open.iter().any(|name| self.capabilities.get(name).is_some_and(|value| !["{}", "null"].contains(&value)))
    }
}

/// What a legacy server knows of a modern client's capabilities, and the gate can bridge.
fn legacy(capabilities: &Payload) -> Payload {
    let mut known = serde_json::Map::new();
    for name in ["sampling", "elicitation", "roots"] {
        if let Some(value) = capabilities.read(&format!("/{name}")).filter(|value: &serde_json::Value| !value.is_null())
        {
            known.insert(name.to_owned(), value);
        }
    }
    Payload::of(&known)
}

impl Audience {
    /// Of a client; `caller`: for one call, on whose behalf.
    pub(crate) fn of(client: &ClientFacts, caller: Option<u64>) -> Self {
        if client.capabilities.as_str() == "{}" {
            return Self::Anyone;
        }
        let declared = Declared::by(client);
        if !declared.can_be_asked() {
            return Self::Anyone;
        }
        if !client.revision.is_modern() {
            return client.session.clone().map_or(Self::Anyone, Self::Session);
        }
        let Some(caller) = caller else { return Self::Anyone };
        let mut hash = Sha256::new();
        hash.update(caller.to_be_bytes());
        for part in [&declared.capabilities, &declared.info] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_str());
        }
        Self::Lease(hash.finalize().into())
    }

    /// The same at a server of which so much is known.
    pub(crate) fn at(self, era: Option<Era>) -> Self {
        match (era, &self) {
            (Some(Era::Modern), _) | (Some(Era::Dual), Self::Lease(_)) => Self::Anyone,
            _ => self,
        }
    }

    /// The era to speak, where the server leaves a choice or it is known.
    pub(crate) fn speaks(&self, era: Option<Era>) -> Option<Era> {
        match (era, self) {
            (Some(Era::Dual), Self::Session(_)) => Some(Era::Legacy),
            (Some(Era::Dual), _) => Some(Era::Modern),
            (era, _) => era,
        }
    }

    /// What is declared to it for a client.
    pub(crate) fn declares(&self, client: &ClientFacts) -> Declared {
        match self {
            Self::Anyone => Declared::nothing(),
            Self::Session(_) | Self::Lease(_) => Declared::by(client),
        }
    }
}

#[cfg(test)]
mod tests {
    use witgate_policy::Revision;

    use super::*;

    fn client(revision: Revision, capabilities: &str) -> ClientFacts {
        ClientFacts {
            revision,
            info: None,
            capabilities: Payload::parse_str(capabilities).expect("test JSON"),
            log_level: None,
            session: Some("s".into()),
        }
    }

    #[test]
    fn who_can_be_asked_does_not_share() {
        use Revision::{V2025_11_25 as Legacy, V2026_07_28 as Modern};
        #[track_caller]
        fn check(revision: Revision, capabilities: &str, want: &str) {
            let got = match Audience::of(&client(revision, capabilities), Some(1)) {
                Audience::Anyone => "anyone",
                Audience::Session(_) => "session",
                Audience::Lease(_) => "lease",
            };
            assert_eq!(got, want, "{revision} {capabilities}");
        }
        for (revision, own) in [(Legacy, "session"), (Modern, "lease")] {
            check(revision, "{}", "anyone");
            check(revision, r#"{"sampling":null,"experimental":{}}"#, "anyone");
            check(revision, r#"{"roots":{}}"#, own);
            check(revision, r#"{"elicitation":{"url":{}}}"#, own);
        }
        check(Legacy, r#"{"experimental":{"x":{}}}"#, "session");
        check(Legacy, r#"{"tasks":{"list":{}}}"#, "session");
        check(Modern, r#"{"extensions":{"x":{}}}"#, "anyone");
    }

    #[test]
    fn leases_are_of_one_caller_and_one_declaration() {
        let of = |capabilities, caller| Audience::of(&client(Revision::V2026_07_28, capabilities), Some(caller));
        assert_eq!(of(r#"{"roots":{}}"#, 1), of(r#"{"roots":{},"extensions":{"x":{}}}"#, 1));
        assert_ne!(of(r#"{"roots":{}}"#, 1), of(r#"{"roots":{}}"#, 2));
        assert_ne!(of(r#"{"roots":{}}"#, 1), of(r#"{"sampling":{}}"#, 1));
    }
}
