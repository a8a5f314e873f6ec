use std::sync::Arc;

/// One named fact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The claim's name.
    pub name: String,
    /// The claim's value; what was no string at its source is JSON text.
    pub value: String,
}

/// Who is calling, as an auth plugin said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Who, within `issuer`.
    pub subject: String,
    /// Who vouches for the subject.
    pub issuer: String,
    /// What the caller was allowed.
    pub scopes: Vec<String>,
    /// Further facts.
    pub claims: Vec<Claim>,
}

thread_local! {
    /// One for each thread, so that no two count who holds it in the same place.
    static NOBODY: Arc<Identity> = Arc::new(Identity::anonymous());
}

impl Identity {
    /// [`anonymous`](Self::anonymous), shared.
    pub(crate) fn nobody() -> Arc<Self> {
        NOBODY.with(Arc::clone)
    }

    /// The caller of a tenant that asks for no authentication.
    pub fn anonymous() -> Self {
        Self { subject: "anonymous".into(), issuer: "witgate".into(), scopes: Vec::new(), claims: Vec::new() }
    }
}

/// A client certificate that the TLS layer has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Distinguished name, RFC 4514.
    pub subject: String,
    /// DNS names and URIs of the subject alternative names.
    pub names: Vec<String>,
    /// SHA-256 of the DER encoding in lower-case hex.
    pub fingerprint: String,
}

/// Where a message came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Address and port, or `stdio`.
    pub address: Arc<str>,
    /// Present on mutual TLS only.
    pub certificate: Option<Certificate>,
}

/// What a client showed with its message.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The headers that auth plugins may see: names in lower case, in the order received.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where the message came from.
    pub peer: Peer,
}
