use std::net::SocketAddr;
use std::time::Duration;

/// What all plugins' requests have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressConfig {
    /// The DNS servers to ask. Empty: those of the system, after its file of hosts.
    pub dns: Vec<SocketAddr>,
    /// Certificates of authorities to trust besides those of the public Web, as PEM. Empty for none.
    pub roots_pem: Vec<u8>,
}

/// Why there is no [`Egress`](crate::Egress).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The PEM text is damaged, or one of its certificates is.
    #[error("the additional certificates of authorities cannot be read: {0}")]
    Roots(String),
    /// The PEM text holds no certificate.
    #[error("the file of additional certificates of authorities holds none; it should have `BEGIN CERTIFICATE` lines")]
    NoRoots,
    /// The TLS library refused its settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// How long the steps of one request may take. The wall-clock time of the call bounds all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection: waiting for a free one, looking the name up, TCP and TLS.
    pub connect: Duration,
    /// From then until the head of the response is there.
    pub first_byte: Duration,
    /// Between two pieces of the response's body, while it is asked for.
    pub between_bytes: Duration,
}

/// A plugin may ask for more than the defaults, up to what a call may take at most.
const LONGEST: Duration = Duration::from_mins(10);

impl Timeouts {
    /// What a plugin asked for; the default for what it did not ask for.
    pub fn asked(connect: Option<Duration>, first_byte: Option<Duration>, between_bytes: Option<Duration>) -> Self {
        let default = Self::default();
        Self {
            connect: connect.unwrap_or(default.connect).min(LONGEST),
            first_byte: first_byte.unwrap_or(default.first_byte).min(LONGEST),
            between_bytes: between_bytes.unwrap_or(default.between_bytes).min(LONGEST),
        }
    }
}

/// 5 s to connect, as long as a call has by default: what is not there by then is down. 30 s for an answer and between
/// its pieces, for calls that were given more time.
impl Default for Timeouts {
    fn default() -> Self {
        let patient = Duration::from_secs(30);
        Self { connect: Duration::from_secs(5), first_byte: patient, between_bytes: patient }
    }
}
