use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Cause;
use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::raw::RawEgress;

/// The port of name servers, RFC 1035 section 4.2.
const DNS_PORT: u16 = 53;

/// A bundle of all public roots is a quarter of this.
const MAX_CA_BYTES: u64 = 1 << 20;

/// How plugins reach the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// Name servers; none for the system's.
    pub dns: Vec<SocketAddr>,
    /// Roots that are trusted besides the public ones.
    pub roots: Option<Roots>,
}

/// Certificates of an operator's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// Where they are.
    pub file: PathBuf,
    /// Their text, with at least one certificate in it.
    pub pem: String,
}

impl Desk<'_> {
    pub(super) fn egress(&mut self, raw: &RawEgress) -> Egress {
        let place = Place::root().key("egress");
        let mut dns = Vec::with_capacity(raw.dns.len());
        for (at, text) in raw.dns.iter().enumerate() {
            if let Some(address) = name_server(text) {
                dns.push(address);
            } else {
                let cause = Cause::BadNameServer { text: text.clone() };
                self.report(cause, &place.key("dns").index(at), Part::Value);
            }
        }
        let roots = raw.ca_file.as_deref().and_then(|file| {
            let file = self.path(file);
            let pem = certificates(&file).map_err(|why| {
                let cause = Cause::BadCaFile { path: file.display().to_string(), why };
                self.report(cause, &place.key("ca-file"), Part::Value);
            });
            Some(Roots { pem: pem.ok()?, file })
        });
        Egress { dns, roots }
    }
}

/// An unspecified address and port 0 are of no use to a client.
fn name_server(text: &str) -> Option<SocketAddr> {
    let alone = || text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, DNS_PORT));
    let address = text.parse::<SocketAddr>().ok().or_else(alone)?;
    (address.port() != 0 && !address.ip().is_unspecified()).then_some(address)
}

fn certificates(file: &Path) -> Result<String, String> {
    let bytes = std::fs::metadata(file).map_err(|cause| cause.to_string())?.len();
    if bytes > MAX_CA_BYTES {
        return Err(format!("it is {bytes} bytes, more than {MAX_CA_BYTES}"));
    }
    let text = std::fs::read_to_string(file).map_err(|cause| cause.to_string())?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        return Ok(text);
    }
    Err("it holds no `-----BEGIN CERTIFICATE-----`".to_owned())
}
