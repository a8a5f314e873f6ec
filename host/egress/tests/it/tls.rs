//! HTTPS: the name that was judged is the name that is asked for and the name that the certificate must be for.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;
use witgate_egress::http::StatusCode;
use witgate_egress::{Client, Egress, EgressConfig, EgressError, SetupError};

use crate::world::{Dns, Event, Reply, Server, Zone, ask, get, rule, spec};

/// A private authority, and a server that has a certificate of it for `name`.
async fn server(name: &str) -> (String, Server) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).expect("a root").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new([name.to_owned()]).expect("parameters").signed_by(&key, &issuer).expect("a leaf");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
        .expect("a certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    (root, Server::listen("127.0.0.1:0", Some(acceptor), |_| Reply::ok("safe")).await)
}

async fn got(certified: &str, asked: &str, trusted: bool) -> (Result<(StatusCode, String), EgressError>, Server) {
    let (root, server) = server(certified).await;
    let dns = Dns::start(|_, _| Zone::at(&["127.0.0.1"])).await;
    let roots_pem = if trusted { root.into_bytes() } else { Vec::new() };
    let egress = Egress::new(EgressConfig { dns: vec![dns.address], roots_pem }).expect("an egress");
    let port = server.address.port();
    let rules = vec![rule(&format!("https://*:{port}"), &["127.0.0.1/32"])];
    let call = Client::new(&egress, spec(rules)).allowance();
    (ask(&call, get(&format!("https://{asked}:{port}/"))).await, server)
}

#[tokio::test]
async fn a_certificate_of_an_added_authority_is_trusted_and_its_name_is_asked_for() {
    let (got, mut server) = got("api.example.com", "API.example.com.", true).await;
    assert_eq!(got, Ok((StatusCode::OK, "safe".to_owned())));
    assert_eq!(server.next().await, Event::Connected);
    assert_eq!(server.next().await, Event::Named(Some("api.example.com".into())));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_for_another_name_is_none() {
    async fn check(certified: &str, asked: &str, trusted: bool) {
        match got(certified, asked, trusted).await.0 {
            Err(EgressError::Certificate { name, .. }) => assert_eq!(name, asked),
            other => panic!("{other:?}"),
        }
    }
    check("api.example.com", "api.example.com", false).await;
    check("other.example.com", "api.example.com", true).await;
    check("*.example.com", "a.b.example.com", true).await;
}

#[tokio::test]
async fn plain_text_is_no_tls() {
    let server = Server::start(|_| Reply::ok("")).await;
    let url = server.url().replace("http:", "https:");
    let got = ask(&crate::world::call(spec(vec![rule(&url, &[])])), get(&url)).await;
    // The server waits for a request that never ends, so this one says that it has none.
    assert!(matches!(got, Err(EgressError::Tls { .. } | EgressError::ConnectTimeout(_))), "{got:?}");
}

#[test]
fn authorities_that_cannot_be_read_stop_the_gate_at_its_start() {
    let of = |pem: &str| Egress::new(EgressConfig { roots_pem: pem.into(), ..EgressConfig::default() }).map(|_| ());
    assert_eq!(of(""), Ok(()));
    assert_eq!(of("nothing\n"), Err(SetupError::NoRoots));
    let broken = of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(matches!(broken, Err(SetupError::Roots(_))), "{broken:?}");
}
