use std::borrow::Cow;

use witgate_policy::json::said;
use witgate_policy::{Payload, Revision};

use super::level::rank;
use super::message::ClientFacts;
use super::reject::Reject;

/// What a client of that era says of itself in `_meta`, in this order: version, info, capabilities, log level.
pub(crate) const OF_CLIENT: [&str; 4] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
];

/// What a message says of its own revision and client in `_meta` (2026-07-28, basic, `_meta`).
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a> {
    params: &'a Payload,
    version: Option<&'a str>,
    info: Option<&'a str>,
    capabilities: Option<&'a str>,
    log_level: Option<&'a str>,
}

impl<'a> Meta<'a> {
    /// Of these parameters.
    pub fn of(params: &'a Payload) -> Self {
        let [version, info, capabilities, log_level] = params.pick("/_meta", OF_CLIENT);
        Self { params, version, info, capabilities, log_level }
    }

    /// Whether the message names a revision, which makes it a modern one.
    pub fn names_version(self) -> bool {
        self.version.is_some()
    }

    /// The revision that the message names.
    pub fn version(self) -> Result<Cow<'a, str>, Reject> {
        self.version
            .and_then(said)
            .ok_or(Reject::Meta { field: "io.modelcontextprotocol/protocolVersion", want: "a string" })
    }

    /// Whether the message names a revision without sessions. One that nobody knows counts as such: newer clients send
    /// it, and older ones name none.
    pub fn names_modern(self) -> bool {
        self.names_version() && !self.version().is_ok_and(|version| is_legacy(&version))
    }

    /// Takes the client's facts from a modern request. The capabilities are required; what is malformed is refused.
    pub fn client(self) -> Result<ClientFacts, Reject> {
        let version = self.version()?;
        let revision = Revision::parse(&version).filter(|revision| revision.is_modern());
        let revision = revision.ok_or(Reject::Version { requested: version.into_owned() })?;
        let capabilities = self.object(self.capabilities);
        let capabilities = capabilities
            .ok_or(Reject::Meta { field: "io.modelcontextprotocol/clientCapabilities", want: "an object" })?;
        let info = self.object(self.info);
        if info.is_none() && self.info.is_some() {
            return Err(Reject::Meta { field: "io.modelcontextprotocol/clientInfo", want: "an object" });
        }
        let log_level = self.log_level.and_then(said).map(Cow::into_owned);
        let known = log_level.as_deref().is_some_and(|level| rank(level).is_some());
        if !known && self.log_level.is_some() {
            return Err(Reject::LogLevel);
        }
        Ok(ClientFacts { revision, info, capabilities, log_level, session: None })
    }

    /// The same from a modern notification, of which nothing is required.
    pub fn of_notification(self) -> ClientFacts {
        let capabilities = self.object(self.capabilities).unwrap_or_else(Payload::empty);
        ClientFacts {
            revision: Revision::V2026_07_28,
            info: self.object(self.info),
            capabilities,
            log_level: None,
            session: None,
        }
    }

    fn object(self, value: Option<&str>) -> Option<Payload> {
        value.map(|value| self.params.slice(value)).filter(Payload::is_object)
    }
}

impl ClientFacts {
    /// What an `initialize` says. The revision is the one that it asks for, or the last legacy one, until an answer says
    /// what was agreed.
    pub fn of_initialize(params: &Payload) -> Self {
        let asked = params.read::<String>("/protocolVersion").and_then(|version| Revision::parse(&version));
        Self {
            revision: asked.filter(|revision| !revision.is_modern()).unwrap_or(Revision::V2025_11_25),
            info: part(params, "/clientInfo"),
            capabilities: part(params, "/capabilities").unwrap_or_else(Payload::empty),
            log_level: None,
            session: None,
        }
    }
}

/// What may be kept of a message for longer than its answer takes, in bytes: some hundred names or URIs.
const LASTING_BYTES: usize = 64 << 10;

/// The params of a legacy client's handshake: what is in them is of its type, and they are kept.
pub fn handshake(params: &Payload) -> Result<Payload, Reject> {
    let wrong = |field, want| Err(Reject::Handshake { field, want });
    if params.read::<String>("/protocolVersion").is_none() {
        return wrong("protocolVersion", "a string");
    }
    for (pointer, field) in [("/capabilities", "capabilities"), ("/clientInfo", "clientInfo")] {
        if params.get(pointer).is_some() && part(params, pointer).is_none() {
            return wrong(field, "an object");
        }
    }
    lasting(params)
}

/// The params of a message that is kept, bounded, and apart from the buffer that they came in.
pub fn lasting(params: &Payload) -> Result<Payload, Reject> {
    if params.len() > LASTING_BYTES {
        return Err(Reject::TooLasting { limit: LASTING_BYTES });
    }
    Ok(params.detached())
}

/// Whether a version is one that has a handshake.
pub fn is_legacy(version: &str) -> bool {
    Revision::parse(version).is_some_and(|revision| !revision.is_modern())
}

/// An object within a payload, as a payload of its own that shares its bytes.
pub(crate) fn part(payload: &Payload, pointer: &str) -> Option<Payload> {
    Some(payload.slice(payload.get(pointer)?)).filter(Payload::is_object)
}

/// The message's W3C `traceparent`, when it is well-formed (Trace Context section 3.2.2).
pub fn traceparent(params: &Payload) -> Option<String> {
    params.string("/_meta/traceparent").filter(|value| is_traceparent(value)).map(Cow::into_owned)
}

fn is_traceparent(value: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    let mut parts = value.splitn(5, '-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    // Version 00 ends here; a later one may go on.
    let ends_well = parts.next().is_none() || version != "00";
    let sizes = [version.len(), trace.len(), parent.len(), flags.len()] == [2, 32, 16, 2];
    sizes
        && value.len() <= 256
        && ends_well
        && [version, trace, parent, flags].into_iter().all(hex)
        && version != "ff"
        && !zero(trace)
        && !zero(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(members: &str) -> Payload {
        Payload::parse_str(&format!(r#"{{"_meta":{{{members}}}}}"#)).expect("test JSON")
    }

    #[test]
    fn a_modern_request_says_who_its_client_is() {
        let params = meta(
            r#""io.modelcontextprotocol/protocolVersion":"2026-07-28",
               "io.modelcontextprotocol/clientInfo":{"name":"c","version":"1","x":[]},
               "io.modelcontextprotocol/clientCapabilities":{"roots":{}},
               "io.modelcontextprotocol/logLevel":"notice""#,
        );
        let facts = Meta::of(&params).client().expect("facts");
        assert_eq!(facts.revision, Revision::V2026_07_28);
        assert_eq!(facts.info.expect("info").as_str(), r#"{"name":"c","version":"1","x":[]}"#);
        assert_eq!(facts.capabilities.as_str(), r#"{"roots":{}}"#);
        assert_eq!(facts.log_level.as_deref(), Some("notice"));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        #[track_caller]
        fn check(members: &str, want: &str) {
            let rejected = Meta::of(&meta(members)).client().expect_err("a flaw").to_string();
            assert!(rejected.contains(want), "{rejected}");
        }
        let version = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
        let whole = format!(r#"{version},"io.modelcontextprotocol/clientCapabilities":{{}}"#);
        check("", "protocolVersion");
        check(r#""io.modelcontextprotocol/protocolVersion":20260728"#, "protocolVersion");
        check(r#""io.modelcontextprotocol/protocolVersion":"1900-01-01""#, "Unsupported protocol version");
        check(version, "clientCapabilities");
        check(&format!(r#"{version},"io.modelcontextprotocol/clientCapabilities":[]"#), "clientCapabilities");
        check(&format!(r#"{whole},"io.modelcontextprotocol/clientInfo":"c""#), "clientInfo");
        check(&format!(r#"{whole},"io.modelcontextprotocol/logLevel":"loud""#), "log level");
        check(&format!(r#"{whole},"io.modelcontextprotocol/logLevel":null"#), "log level");
    }

    #[test]
    fn an_initialize_says_who_its_client_is() {
        let facts = |text: &str| ClientFacts::of_initialize(&Payload::parse_str(text).expect("test JSON"));
        let known = facts(r#"{"protocolVersion":"2025-06-18","capabilities":{"a":1},"clientInfo":{"name":"c"}}"#);
        assert_eq!((known.revision, known.capabilities.as_str()), (Revision::V2025_06_18, r#"{"a":1}"#));
        assert_eq!(facts(r#"{"protocolVersion":"2026-07-28"}"#).revision, Revision::V2025_11_25);
        assert_eq!(facts("{}").capabilities.as_str(), "{}");
    }

    #[test]
    fn a_traceparent_is_taken_only_when_it_is_one() {
        #[track_caller]
        fn check(value: &str, want: bool) {
            let params = meta(&format!(r#""traceparent":"{value}""#));
            assert_eq!(traceparent(&params).as_deref(), want.then_some(value));
        }
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true);
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more-of-it", true);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false);
        check("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false);
        check("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false);
        check("", false);
        assert_eq!(traceparent(&Payload::empty()), None);
    }
}
