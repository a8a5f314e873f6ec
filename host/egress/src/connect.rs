use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use witgate_policy::Reach;
use witgate_policy::origin::{Host, Origin, Scheme};

use crate::egress::Egress;
use crate::error::EgressError;
use crate::head::host_name;
use crate::meter::Metered;
use crate::tally::Tally;

/// Addresses of one name that are tried. A name may have hundreds.
const TRIED: usize = 4;

/// A connection, encrypted or not.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// The addresses of a host that one of the rules reaches: judged here, and not looked up again.
pub(crate) async fn judged(
    egress: &Egress,
    host: &Host,
    rules: &[&Reach],
    deadline: Instant,
) -> Result<Vec<IpAddr>, EgressError> {
    let found = match host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => {
            let lookup = timeout_at(deadline, egress.names.addresses(name)).await;
            lookup.map_err(|_| EgressError::LookupTimeout(name.clone()))??
        }
    };
    let mut refused = Vec::new();
    let mut reached = Vec::new();
    for address in found {
        let verdicts = rules.iter().map(|rule| rule.may_lead_to(address));
        match verdicts.reduce(Result::or) {
            Some(Ok(())) => reached.push(address),
            Some(Err(what)) => refused.push((address, what)),
            None => {}
        }
    }
    if reached.is_empty() {
        refused.truncate(TRIED);
        return Err(EgressError::Address { name: host.to_string(), found: refused });
    }
    reached.truncate(TRIED);
    Ok(reached)
}

/// Connects to the first of the addresses that answers. The time that is left is shared among those that are left, so
/// that one which swallows packets does not cost the others theirs.
pub(crate) async fn connect(
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
    tally: &Arc<Tally>,
) -> Result<Metered<TcpStream>, EgressError> {
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        let address = SocketAddr::new(*address, port);
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let now = Instant::now();
        let until = now + deadline.saturating_duration_since(now) / left;
        last = Some(match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // What is written is whole requests; waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                return Ok(Metered::new(stream, tally.clone()));
            }
            Ok(Err(e)) => EgressError::Connect { address, cause: e.to_string() },
            Err(_) => EgressError::ConnectTimeout(address),
        });
    }
    Err(last.unwrap_or_else(|| EgressError::NoAddress("the host".to_owned())))
}

/// TLS where the origin wants it, with the origin's own name.
pub(crate) async fn secure(
    stream: Metered<TcpStream>,
    origin: &Origin,
    tls: &TlsConnector,
    deadline: Instant,
    tally: &Tally,
) -> Result<Box<dyn Wire>, EgressError> {
    if origin.scheme() == Scheme::Http {
        return Ok(Box::new(stream));
    }
    let name = host_name(origin.host());
    let failed = |cause: String| EgressError::Tls { name: name.clone(), cause };
    let server = ServerName::try_from(name.clone()).map_err(|e| failed(e.to_string()))?;
    match timeout_at(deadline, tls.connect(server, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(e)) => Err(tally.explains().unwrap_or_else(|| match certificate(&e) {
            Some(cause) => EgressError::Certificate { name: name.clone(), cause },
            None => failed(e.to_string()),
        })),
        Err(_) => Err(failed("there was no handshake in time".to_owned())),
    }
}

fn certificate(error: &std::io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(cause) => Some(cause.to_string()),
        _ => None,
    }
}
