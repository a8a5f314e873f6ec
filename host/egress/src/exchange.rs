use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::body::ResponseBody;
use crate::client::Trip;
use crate::connect::Wire;
use crate::error::EgressError;

/// The least that hyper takes as its buffer's limit.
const BUFFER_BYTES: usize = 8 << 10;

/// What keeps a connection moving; dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends one request over a connection of its own. The connection holds its slots until it ends.
pub(crate) async fn exchange<B>(
    wire: Box<dyn Wire>,
    slots: [OwnedSemaphorePermit; 2],
    request: Request<B>,
    trip: &Trip,
) -> Result<Response<ResponseBody>, EgressError>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let header_bytes = trip.client.spec.header_bytes;
    let handshake = http1::Builder::new()
        .max_buf_size(header_bytes.max(BUFFER_BYTES))
        .max_header_size(header_bytes)
        .handshake(TokioIo::new(wire))
        .await;
    let (mut sender, connection) = handshake.map_err(|e| told(&e, trip))?;
    let over = trip.over();
    let driver = Driver(tokio::spawn(async move {
        let _slots = slots;
        tokio::select! {
            // What went wrong is told to those who wait for the response.
            _ = connection => {}
            () = over => {}
        }
    }));
    let first_byte = trip.timeouts.first_byte;
    let response = timeout(first_byte, sender.send_request(request.map(without_trailers))).await;
    let response = response
        .map_err(|_| trip.explains().unwrap_or(EgressError::ResponseTimeout(first_byte.as_millis())))?
        .map_err(|e| told(&e, trip))?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(EgressError::Upgrade);
    }
    Ok(response.map(|incoming: Incoming| ResponseBody::new(incoming, driver, trip.clone())))
}

/// A plugin that gives its body up is told apart from one whose body has trailers.
fn without_trailers<B>(
    body: B,
) -> impl Body<Data = Bytes, Error = Box<dyn std::error::Error + Send + Sync>> + Send + Unpin
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Outgoing(body)
}

/// The body as it goes out: pieces of data, and nothing after them.
struct Outgoing<B>(B);

impl<B> Body for Outgoing<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let frame = std::task::ready!(std::pin::Pin::new(&mut self.0).poll_frame(cx));
        std::task::Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) if frame.is_trailers() => Err(EgressError::Trailers.into()),
            Ok(frame) => Ok(frame),
            Err(_) => Err(EgressError::RequestBody.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}

/// What hyper's error means.
pub(crate) fn told(error: &hyper::Error, trip: &Trip) -> EgressError {
    if let Some(reason) = trip.explains() {
        return reason;
    }
    if error.is_user() {
        let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<EgressError>());
        return cause.cloned().unwrap_or(EgressError::RequestBody);
    }
    if error.is_parse_too_large() {
        return EgressError::ResponseHead(trip.client.spec.header_bytes);
    }
    if error.is_parse() {
        return EgressError::Protocol(error.to_string());
    }
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    EgressError::Incomplete(cause)
}
