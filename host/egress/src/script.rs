use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::duplex;

use crate::connect::Wire;
use crate::meter::Metered;
use crate::tally::Tally;

/// What a wire of a script holds before who writes has to wait.
const WIRE_BYTES: usize = 64 << 10;

/// What answers in the network's stead, where plugins are tested. All that is judged on the way out is judged as well.
pub trait Script: Send + Sync {
    /// Answers a request to an origin, as `https://api.example.com`. `None` breaks the connection off.
    fn answer(&self, origin: &str, request: &Request<Bytes>) -> Option<Response<Bytes>>;
}

/// A connection to a script.
pub(crate) fn wire(script: &Arc<dyn Script>, origin: String, tally: &Arc<Tally>) -> Box<dyn Wire> {
    let (ours, theirs) = duplex(WIRE_BYTES);
    let script = script.clone();
    tokio::spawn(async move {
        let service = service_fn(|request: Request<Incoming>| {
            let (script, origin) = (script.clone(), origin.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
                let answer = script.answer(&origin, &Request::from_parts(parts, body));
                answer.map(|response| response.map(Full::new)).ok_or(Broken)
            }
        });
        // How it ends is for the other end to say.
        let _ = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(theirs), service).await;
    });
    Box::new(Metered::new(ours, tally.clone()))
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the script breaks the connection off")]
struct Broken;
