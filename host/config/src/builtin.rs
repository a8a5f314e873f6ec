//! The standard plugins, inside the program: neither a file nor a network is needed to use them.

/// A plugin that comes with the gate.
#[derive(PartialEq, Eq)]
pub struct Builtin {
    /// What follows `builtin:`.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The component.
    pub component: &'static [u8],
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "builtin:{}", self.name)
    }
}

macro_rules! builtins {
    ($($name:literal: $summary:literal),* $(,)?) => {
        /// All of them, in the order in which a message meets them.
        pub const ALL: &[Builtin] = &[$(Builtin {
            name: $name,
            summary: $summary,
            component: include_bytes!(concat!("../../../plugins/dist/", $name, ".wasm")),
        }),*];
    };
}

builtins! {
    "auth-api-key": "callers known by an API key, of which the settings hold a hash",
    "auth-jwt": "callers known by a signed JSON Web Token",
    "validate-schema": "arguments held against the tool's schema, and against rules of the settings",
    "validate-rate": "so many calls in so many seconds, for each caller",
    "route-weighted": "upstreams by weight, load or stickiness",
    "credential-static": "a named secret shown to an upstream in a header",
    "retry-backoff": "failed calls tried again, with pauses and without risk of doing twice what may be done once",
    "sanitize-redact": "secrets, personal data, terminal escapes and invisible text taken out of what comes out",
}

/// The one of that name.
pub fn named(name: &str) -> Option<&'static Builtin> {
    ALL.iter().find(|builtin| builtin.name == name)
}
