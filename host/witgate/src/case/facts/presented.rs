use serde::{Deserialize, Serialize};
use witgate_policy::{Certificate, Peer, Presented};

/// A header of the client's request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Where a message came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PeerFacts {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateFacts>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateFacts {
    subject: String,
    #[serde(default)]
    names: Vec<String>,
    fingerprint: String,
}

impl Default for PeerFacts {
    fn default() -> Self {
        Self { address: "203.0.113.9:51111".to_owned(), certificate: None }
    }
}

impl PeerFacts {
    pub(crate) fn of(peer: &Peer) -> Self {
        let certificate = peer.certificate.as_ref().map(|certificate| CertificateFacts {
            subject: certificate.subject.clone(),
            names: certificate.names.clone(),
            fingerprint: certificate.fingerprint.clone(),
        });
        Self { address: peer.address.to_string(), certificate }
    }
}

/// What a client showed.
pub(in crate::case) fn presented(headers: &[Header], peer: &PeerFacts) -> Presented {
    let certificate = peer.certificate.as_ref().map(|certificate| Certificate {
        subject: certificate.subject.clone(),
        names: certificate.names.clone(),
        fingerprint: certificate.fingerprint.clone(),
    });
    Presented {
        headers: headers.iter().map(|header| (header.name.to_lowercase(), header.value.clone().into_bytes())).collect(),
        peer: Peer { address: peer.address.as_str().into(), certificate },
    }
}
