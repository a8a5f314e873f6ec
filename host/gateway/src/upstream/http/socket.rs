//! Connections to a server over plain HTTP/1.1. None has a task of its own: each is driven by whoever waits for its
//! answer, so that a call is woken once where it would be woken three times, and one that is dropped takes its connection
//! with it.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tower_service::Service as _;

use super::client::with_sources;
use crate::turn::Corked;
use crate::upstream::Failed;

/// How often a connection that has more to do is driven before others have a turn.
const TURNS: usize = 8;

/// The connections to one server that wait for a request.
pub(super) struct Sockets {
    connector: HttpConnector,
    origin: Uri,
    resting: Arc<Mutex<Resting>>,
}

struct Resting {
    sockets: Vec<(Box<Socket>, Instant)>,
    /// For how long one may rest.
    patience: Duration,
    most: usize,
    /// Whether somebody looks for those that have rested for too long.
    swept: bool,
}

impl Sockets {
    /// To the server at `origin`; at most so many rest, and for so long.
    pub(super) fn new(connector: HttpConnector, origin: Uri, patience: Duration, most: usize) -> Self {
        let resting = Resting { sockets: Vec::new(), patience, most, swept: false };
        Self { connector, origin, resting: Arc::new(Mutex::new(resting)) }
    }

    /// Sends a request, whose target is a path. One that a resting connection ended without taking is sent on another.
    pub(super) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Reading>, Failed> {
        while let Some(socket) = self.resting() {
            match socket.ask(request, &self.resting).await {
                Ok(response) => return Ok(response),
                Err((error, None)) => return Err(Failed::no_reply(with_sources(&error))),
                Err((_, Some(unsent))) => request = unsent,
            }
        }
        let socket = self.connect().await?;
        socket.ask(request, &self.resting).await.map_err(|(error, unsent)| {
            let why = with_sources(&error);
            if unsent.is_some() { Failed::not_sent(why) } else { Failed::no_reply(why) }
        })
    }

    fn resting(&self) -> Option<Box<Socket>> {
        lock(&self.resting).take()
    }

    async fn connect(&self) -> Result<Box<Socket>, Failed> {
        // Always ready, as its documentation says.
        let stream = self.connector.clone().call(self.origin.clone()).await;
        let stream = stream.map_err(|e| Failed::not_sent(with_sources(&e)))?;
        let made = Builder::new().handshake(TokioIo::new(Corked::new(stream.into_inner()))).await;
        let (sender, connection) = made.map_err(|e| Failed::not_sent(with_sources(&e)))?;
        let relay = Arc::new(Relay { task: AtomicWaker::new(), state: AtomicU8::new(AT_REST) });
        Ok(Box::new(Socket { sender, connection, waker: Waker::from(relay.clone()), relay, over: false }))
    }
}

impl Resting {
    /// One that its server has not ended; the one that has rested least, so that those beyond need end.
    fn take(&mut self) -> Option<Box<Socket>> {
        while let Some((mut socket, since)) = self.sockets.pop() {
            if since.elapsed() < self.patience && socket.is_open() {
                return Some(socket);
            }
        }
        None
    }

    fn put(resting: &Arc<Mutex<Self>>, mut socket: Box<Socket>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !socket.rests() {
            return;
        }
        let mut all = lock(resting);
        if all.sockets.len() >= all.most {
            return;
        }
        all.sockets.push((socket, Instant::now()));
        if !std::mem::replace(&mut all.swept, true) {
            let (resting, patience) = (Arc::downgrade(resting), all.patience);
            runtime.spawn(async move {
                loop {
                    tokio::time::sleep(patience).await;
                    let Some(resting) = resting.upgrade() else { return };
                    let mut all = lock(&resting);
                    all.sockets.retain(|(_, since)| since.elapsed() < patience);
                    if all.sockets.is_empty() {
                        all.swept = false;
                        return;
                    }
                }
            });
        }
    }
}

/// One connection. Boxed, since it is large and goes from hand to hand.
struct Socket {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Corked>, Full<Bytes>>,
    relay: Arc<Relay>,
    /// Wakes the relay.
    waker: Waker,
    over: bool,
}

type Refused = (hyper::Error, Option<Request<Full<Bytes>>>);

impl Socket {
    /// Sends a request and waits for the head of its answer. Comes back with the request where nothing of it was sent.
    async fn ask(
        mut self: Box<Self>,
        request: Request<Full<Bytes>>,
        resting: &Arc<Mutex<Resting>>,
    ) -> Result<Response<Reading>, Refused> {
        let mut asked = std::pin::pin!(self.sender.try_send_request(request));
        let answer = std::future::poll_fn(|cx| self.drive(cx, |cx| asked.as_mut().poll(cx))).await;
        let response = answer.map_err(|mut e| {
            let unsent = e.take_message();
            (e.into_error(), unsent)
        })?;
        Ok(response.map(|incoming| {
            let mut reading = Reading { incoming, socket: Some((self, resting.clone())) };
            reading.leave_at_end();
            reading
        }))
    }

    /// Polls the connection and then what is wanted of it, again for as long as one has something for the other.
    fn drive<T>(&mut self, cx: &Context<'_>, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.relay.task.register(cx.waker());
        let mut own = Context::from_waker(&self.waker);
        for _ in 0..TURNS {
            self.relay.state.store(DRIVEN, Ordering::Release);
            if !self.over {
                self.over = Pin::new(&mut self.connection).poll(&mut own).is_ready();
            }
            let polled = wanted(&mut own);
            let woken = self.relay.state.swap(AT_REST, Ordering::AcqRel) == WOKEN;
            if polled.is_ready() || !woken {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether the server has ended it, as far as is known.
    fn is_open(&mut self) -> bool {
        self.step();
        !self.over && self.sender.is_ready()
    }

    /// Whether it can wait for another request.
    fn rests(&mut self) -> bool {
        if !self.over && !self.sender.is_ready() {
            self.step();
        }
        self.relay.task.take();
        !self.over && self.sender.is_ready()
    }

    /// With nobody to be woken.
    fn step(&mut self) {
        let mut own = Context::from_waker(&self.waker);
        self.over = self.over || Pin::new(&mut self.connection).poll(&mut own).is_ready();
    }
}

const AT_REST: u8 = 0;
const DRIVEN: u8 = 1;
const WOKEN: u8 = 2;

/// Wakes whoever waits for a connection, but for what comes while it is driven: that is looked at before it is left.
struct Relay {
    task: AtomicWaker,
    state: AtomicU8,
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self.state.compare_exchange(DRIVEN, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if noted == Err(AT_REST) {
            self.task.wake();
        }
    }
}

/// The body of an answer. Read to its end it leaves its connection to the next request; dropped before, it ends it.
pub(crate) struct Reading {
    incoming: Incoming,
    /// None: the connection has a task of its own, or is left.
    socket: Option<(Box<Socket>, Arc<Mutex<Resting>>)>,
}

impl Reading {
    fn leave_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.leave();
        }
    }

    fn leave(&mut self) {
        if let Some((socket, resting)) = self.socket.take() {
            Resting::put(&resting, socket);
        }
    }
}

impl From<Incoming> for Reading {
    fn from(incoming: Incoming) -> Self {
        Self { incoming, socket: None }
    }
}

impl Body for Reading {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { incoming, socket } = &mut *self;
        let Some((socket, _)) = socket else { return Pin::new(incoming).poll_frame(cx) };
        let frame = ready!(socket.drive(cx, |cx| Pin::new(&mut *incoming).poll_frame(cx)));
        match &frame {
            Some(Ok(_)) => self.leave_at_end(),
            Some(Err(_)) => self.socket = None,
            None => self.leave(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

fn lock(resting: &Mutex<Resting>) -> MutexGuard<'_, Resting> {
    resting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

    /// A server that says of each connection when a request came on it, and when it was ended. It answers `answers`
    /// times on each, and then ends it.
    async fn server(answers: usize, answer: &'static [u8]) -> (Sockets, mpsc::UnboundedReceiver<(usize, bool)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin: Uri = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URI");
        let (tell, told) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let tell = tell.clone();
                tokio::spawn(async move {
                    let mut input = [0; 1024];
                    for _ in 0..answers {
                        let Ok(1..) = stream.read(&mut input).await else { break };
                        let _ = tell.send((number, true));
                        let _ = stream.write_all(answer).await;
                    }
                    if answers == usize::MAX {
                        let _ = stream.read(&mut input).await;
                    }
                    drop(stream);
                    let _ = tell.send((number, false));
                });
            }
        });
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        (Sockets::new(connector, origin, Duration::from_mins(1), 2), told)
    }

    fn request() -> Request<Full<Bytes>> {
        Request::post("/").header("host", "x").body(Full::new(Bytes::from_static(b"ask"))).expect("a request")
    }

    async fn ask(sockets: &Sockets) -> Bytes {
        let response = sockets.send(request()).await.expect("an answer");
        response.into_body().collect().await.expect("a body").to_bytes()
    }

    #[tokio::test]
    async fn a_connection_serves_one_request_after_the_other() {
        let (sockets, mut told) = server(usize::MAX, ANSWER).await;
        for _ in 0..3 {
            assert_eq!(ask(&sockets).await, "hello");
            assert_eq!(told.recv().await, Some((0, true)));
        }
    }

    #[tokio::test]
    async fn what_rests_is_bounded_and_ends_with_its_owner() {
        let (sockets, mut told) = server(usize::MAX, ANSWER).await;
        let all = futures_util::future::join_all((0..3).map(|_| ask(&sockets))).await;
        assert_eq!(all, ["hello"; 3]);
        assert_eq!(lock(&sockets.resting).sockets.len(), 2);
        drop(sockets);
        let mut ended = 0;
        while ended < 3 {
            ended += usize::from(!told.recv().await.expect("a word").1);
        }
    }

    #[tokio::test]
    async fn a_request_that_a_resting_connection_did_not_take_goes_on_another() {
        let (sockets, mut told) = server(1, ANSWER).await;
        for number in 0..3 {
            assert_eq!(ask(&sockets).await, "hello");
            assert_eq!(told.recv().await, Some((number, true)));
            // From here on it is ended, whether or not that is known.
            assert_eq!(told.recv().await, Some((number, false)));
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_not_read_to_its_end_takes_its_connection_with_it() {
        let (sockets, mut told) = server(usize::MAX, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello").await;
        let response = sockets.send(request()).await.expect("an answer");
        assert_eq!(told.recv().await, Some((0, true)));
        drop(response);
        assert_eq!(told.recv().await, Some((0, false)));
        assert!(lock(&sockets.resting).sockets.is_empty());
        drop(sockets.send(request()).await.expect("an answer"));
        assert_eq!(told.recv().await, Some((1, true)));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_was_sent_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URI");
        drop(listener);
        let sockets = Sockets::new(HttpConnector::new(), origin, Duration::from_mins(1), 2);
        let failed = sockets.send(request()).await.err().expect("nobody").failure;
        assert!(matches!(failed, witgate_policy::Failure::NotSent(_)), "{failed:?}");
    }
}
