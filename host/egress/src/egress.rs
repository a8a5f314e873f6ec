use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::{EgressConfig, SetupError};
use crate::names::Names;

/// What all plugins' requests share: who is asked for addresses, and which authorities are trusted. No connection, and
/// no session of TLS.
pub struct Egress {
    pub(crate) names: Names,
    pub(crate) tls: ClientConfig,
}

impl Egress {
    /// Reads the certificates. The system's configuration of DNS is read when the first name is looked up.
    pub fn new(config: EgressConfig) -> Result<Arc<Self>, SetupError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if !config.roots_pem.is_empty() {
            let mut found = false;
            for certificate in CertificateDer::pem_slice_iter(&config.roots_pem) {
                let certificate = certificate.map_err(|e| SetupError::Roots(e.to_string()))?;
                roots.add(certificate).map_err(|e| SetupError::Roots(e.to_string()))?;
                found = true;
            }
            if !found {
                return Err(SetupError::NoRoots);
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| SetupError::Tls(e.to_string()))?;
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(Self { names: Names::new(config.dns), tls }))
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("names", &self.names).finish_non_exhaustive()
    }
}
