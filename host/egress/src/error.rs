use std::net::{IpAddr, SocketAddr};

use witgate_policy::origin::{Origin, OriginError};

/// Why a request of a plugin was not sent, or got no whole response. The text is for the operator; of a refusal the
/// plugin is told only that there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The URL has no origin that could be compared with a grant.
    #[error("its URL cannot be judged: {0}")]
    Url(OriginError),
    /// No grant holds the origin.
    #[error("no grant allows {origin}{near}; add it under `network` in [plugin.grants] if the plugin should reach it")]
    Origin {
        /// The origin.
        origin: Box<Origin>,
        /// The grant that would hold it but for one thing, as a subordinate clause.
        near: String,
    },
    /// The origin is granted, with other methods.
    #[error("{origin} is granted for {granted}, not for {method}")]
    Method {
        /// The origin.
        origin: Box<Origin>,
        /// The method.
        method: String,
        /// The granted ones.
        granted: String,
    },
    /// A method that no grant can allow.
    #[error("the method {0} is never allowed: it opens a tunnel, or sends back what the host filled in")]
    MethodForbidden(String),
    /// The path is none.
    #[error("its path is not one: it must begin with `/` and be of visible ASCII")]
    Target,
    /// A field that belongs to the connection, which is the host's.
    #[error("the field `{0}` is the host's to set")]
    Field(String),
    /// `content-length` is written twice, or is no number.
    #[error("its `content-length` is not one number")]
    Length,
    /// The request's head is too long.
    #[error("its head is longer than `header-bytes` = {0}")]
    RequestHead(usize),
    /// The request has trailers, which are not sent.
    #[error("it has trailers")]
    Trailers,
    /// A field names a secret that is not there for it; deliberately not told apart.
    #[error("its field `{field}` names the secret `{name}`, which does not exist or is not granted for where it goes")]
    Secret {
        /// The field.
        field: String,
        /// The secret's name.
        name: String,
    },
    /// A field has a `${` that is no secret's name.
    #[error("its field `{0}` has a `${{` that is not `${{secret:NAME}}`; a plain `${{` is written `$${{`")]
    Template(String),
    /// More places for secrets than a head may have.
    #[error("its head has more than {0} places for secrets")]
    Placeholders(u32),
    /// A secret that cannot stand in a field.
    #[error("the secret in its field `{0}` has characters that a field cannot have, as an end of line")]
    SecretForm(String),
    /// The call made more requests.
    #[error("it is one request more than `requests` = {0}")]
    Requests(u32),
    /// No connection became free in time.
    #[error("all connections of the {whose} were in use for {waited_ms} ms{limit}")]
    Connections {
        /// The plugin or its tenant.
        whose: &'static str,
        /// How long it waited.
        waited_ms: u128,
        /// The limit's name and size, in brackets.
        limit: String,
    },
    /// More bytes than the call may move.
    #[error("the call moved more than `network-bytes` = {0}")]
    Bytes(u64),
    /// There is nobody to ask for addresses.
    #[error("no name can be looked up: {0}")]
    Resolver(String),
    /// The name has no address.
    #[error("{0} has no address")]
    NoAddress(String),
    /// Looking the name up failed.
    #[error("{name} could not be looked up: {cause}")]
    Lookup {
        /// The name.
        name: String,
        /// What the DNS said.
        cause: String,
    },
    /// Looking the name up took too long.
    #[error("{0} was not looked up in time")]
    LookupTimeout(String),
    /// The name leads to addresses that no grant reaches, and to no others.
    #[error(
        "{name} leads to {}; list it as one of the grant's `addresses` if the plugin should reach it",
        places(found)
    )]
    Address {
        /// The name.
        name: String,
        /// Each address, and what it is.
        found: Vec<(IpAddr, &'static str)>,
    },
    /// Nobody answered at any of the addresses.
    #[error("{address} does not answer: {cause}")]
    Connect {
        /// The last address.
        address: SocketAddr,
        /// What the system said.
        cause: String,
    },
    /// There was no connection in time.
    #[error("no connection to {0} in time")]
    ConnectTimeout(SocketAddr),
    /// The certificate is not to be trusted.
    #[error("the certificate of {name} is not trusted: {cause}")]
    Certificate {
        /// The name that it should be for.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// TLS failed.
    #[error("TLS with {name} failed: {cause}")]
    Tls {
        /// The host.
        name: String,
        /// How.
        cause: String,
    },
    /// There was no response in time.
    #[error("no response within {0} ms")]
    ResponseTimeout(u128),
    /// The response stopped.
    #[error("nothing more of the response within {0} ms")]
    BodyTimeout(u128),
    /// The response's head is too long.
    #[error("the response's head is longer than `header-bytes` = {0}, or has more than 100 fields")]
    ResponseHead(usize),
    /// The response is not HTTP.
    #[error("the response is not HTTP/1: {0}")]
    Protocol(String),
    /// The server wants another protocol, for which nobody asked.
    #[error("the server switched protocols")]
    Upgrade,
    /// The connection ended within the response.
    #[error("the connection ended before the response did: {0}")]
    Incomplete(String),
    /// The plugin gave its request's body up.
    #[error("the plugin did not finish the request's body")]
    RequestBody,
    /// The call that made the request is over.
    #[error("the call that made it is over")]
    Over,
}

impl EgressError {
    /// Whether the gate said no, rather than the world outside.
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Resolver(_)
                | Self::NoAddress(_)
                | Self::Lookup { .. }
                | Self::LookupTimeout(_)
                | Self::Connect { .. }
                | Self::ConnectTimeout(_)
                | Self::Certificate { .. }
                | Self::Tls { .. }
                | Self::ResponseTimeout(_)
                | Self::BodyTimeout(_)
                | Self::Protocol(_)
                | Self::Upgrade
                | Self::Incomplete(_)
                | Self::RequestBody
                | Self::Over
        )
    }
}

fn places(found: &[(IpAddr, &'static str)]) -> String {
    let one = |(address, what): &(IpAddr, &str)| format!("{address}, which is {what}");
    found.iter().map(one).collect::<Vec<_>>().join(", and to ")
}
