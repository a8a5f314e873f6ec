use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::soon;

/// What a server does with a request, its bytes as they are on the wire.
pub(crate) enum Reply {
    /// Answers, and closes.
    Close(Vec<u8>),
    /// Answers, and waits until the other side closes.
    Hold(Vec<u8>),
    /// Sends this until nobody reads any more.
    Flood(Vec<u8>),
}

impl Reply {
    pub(crate) fn ok(body: &str) -> Self {
        Self::Close(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }
}

/// What a server saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A connection, before anything was read.
    Connected,
    /// The name that TLS asked for.
    Named(Option<String>),
    /// A request, to its end.
    Request(String),
    /// The other side closed.
    Closed,
}

/// A server on loopback that does what a test says.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Server {
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1:0", None, reply).await
    }

    pub(crate) async fn listen(
        address: &str,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (tell, events) = mpsc::unbounded_channel();
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tell, reply, tls) = (tell.clone(), reply.clone(), tls.clone());
                let _ = tell.send(Event::Connected);
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*reply, &tell).await,
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let _ = tell.send(Event::Named(stream.get_ref().1.server_name().map(str::to_owned)));
                            serve(stream, &*reply, &tell).await;
                        }
                    }
                });
            }
        });
        Self { address, events }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it sees next.
    pub(crate) async fn next(&mut self) -> Event {
        soon(self.events.recv()).await.expect("an event")
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> String {
        loop {
            if let Event::Request(request) = self.next().await {
                return request;
            }
        }
    }

    /// Until the other side closed.
    pub(crate) async fn closed(&mut self) {
        while self.next().await != Event::Closed {}
    }

    /// What it has seen up to now and nobody has asked about.
    pub(crate) fn seen(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    reply: &(impl Fn(&str) -> Reply + Sync),
    tell: &mpsc::UnboundedSender<Event>,
) {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            let _ = tell.send(Event::Closed);
            return;
        }
    }
    let request = String::from_utf8_lossy(&bytes).into_owned();
    let reply = reply(&request);
    let _ = tell.send(Event::Request(request));
    match reply {
        Reply::Close(answer) => {
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
        Reply::Hold(answer) => {
            let _ = stream.write_all(&answer).await;
            let _ = stream.flush().await;
            while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {}
        }
        Reply::Flood(piece) => while stream.write_all(&piece).await.is_ok() {},
    }
    let _ = tell.send(Event::Closed);
}

/// By its length or its last chunk.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.contains("\r\ntransfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().expect("a length"))
}
