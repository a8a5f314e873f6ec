use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, yield_now};

use super::*;

/// A connection of a worker, and its peer.
async fn pair() -> (Corked, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (peer, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (Corked::new(accepted.expect("a connection").0), peer.expect("a connection"))
}

/// This thread works in turns from here on.
async fn worker() -> JoinHandle<()> {
    let ends = tokio::spawn(ends());
    yield_now().await;
    ends
}

/// What has come by now: on loopback, whatever was sent.
fn there(peer: &TcpStream) -> Vec<u8> {
    let mut read = vec![0; 1 << 20];
    match peer.try_read(&mut read) {
        Ok(length) => read.truncate(length),
        Err(cause) => {
            assert_eq!(cause.kind(), ErrorKind::WouldBlock);
            read.clear();
        }
    }
    read
}

/// Waits for the end of what was sent, and gives it.
async fn all(mut peer: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    peer.read_to_end(&mut read).await.expect("a peer that ends");
    read
}

#[tokio::test]
async fn what_is_written_in_a_turn_is_sent_at_its_end() {
    let (mut ours, peer) = pair().await;
    ours.write_all(b"at once").await.expect("written");
    peer.readable().await.expect("readable");
    assert_eq!(there(&peer), b"at once", "this thread does not work in turns yet");
    let _worker = worker().await;
    let (mut other, others_peer) = pair().await;
    ours.write_all(b"one ").await.expect("written");
    other.write_all(b"two").await.expect("written");
    ours.write_all(b"piece").await.expect("written");
    ours.flush().await.expect("flushed");
    // Nothing of this turn waits, so it has not ended.
    assert_eq!((there(&peer), there(&others_peer)), (vec![], vec![]));
    yield_now().await;
    peer.readable().await.expect("readable");
    others_peer.readable().await.expect("readable");
    assert_eq!((there(&peer), there(&others_peer)), (b"one piece".to_vec(), b"two".to_vec()));
}

#[tokio::test]
async fn long_and_short_keep_their_order() {
    let _worker = worker().await;
    let (mut ours, peer) = pair().await;
    let reading = tokio::spawn(all(peer));
    let mut wanted = Vec::new();
    for (piece, length) in (0_u8..).zip([1, 0, 20_000, 3, 16_384, 16_383, 2, 500_000, 1]) {
        let piece = vec![piece; length];
        ours.write_all(&piece).await.expect("written");
        wanted.extend(piece);
    }
    ours.shutdown().await.expect("shut down");
    assert!(reading.await.expect("a reader") == wanted);
}

#[tokio::test]
async fn a_shutdown_sends_what_was_collected_first() {
    let _worker = worker().await;
    let (mut ours, peer) = pair().await;
    ours.write_all(b"farewell").await.expect("written");
    ours.shutdown().await.expect("shut down");
    assert_eq!(all(peer).await, b"farewell");
    let (mut ours, peer) = pair().await;
    ours.write_all(b"dropped").await.expect("written");
    drop(ours);
    assert_eq!(all(peer).await, b"dropped");
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn who_writes_to_a_peer_that_does_not_read_is_woken_and_waits_until_it_does() {
    let _worker = worker().await;
    let (mut ours, peer) = pair().await;
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let piece = [7; 8 << 10];
    let mut written = 0;
    while woken.0.load(Ordering::Relaxed) == 0 {
        let Poll::Ready(wrote) = Pin::new(&mut ours).poll_write(&mut cx, &piece) else {
            panic!("{written} were collected, and could not be sent, and nobody said so")
        };
        written += wrote.expect("written");
        yield_now().await;
    }
    // The system takes no more.
    assert!(Pin::new(&mut ours).poll_flush(&mut cx).is_pending());
    assert!(Pin::new(&mut ours).poll_write(&mut cx, &piece).is_pending());
    assert!(Pin::new(&mut ours).poll_shutdown(&mut cx).is_pending());
    let reading = tokio::spawn(all(peer));
    ours.flush().await.expect("it is read");
    ours.write_all(b"the end").await.expect("it is read");
    ours.shutdown().await.expect("shut down");
    let read = reading.await.expect("a reader");
    assert_eq!(read.len(), written + b"the end".len());
    assert!(read.ends_with(b"\x07the end"));
}

#[tokio::test]
async fn what_could_not_be_sent_is_told_to_who_writes_next() {
    let _worker = worker().await;
    let (mut ours, peer) = pair().await;
    // With something that was not read, it is reset.
    ours.write_all(b"unread").await.expect("written");
    yield_now().await;
    peer.readable().await.expect("readable");
    drop(peer);
    ours.read(&mut [0]).await.expect_err("it was reset");
    ours.write_all(b"into the void").await.expect("collected");
    yield_now().await;
    let cause = ours.flush().await.expect_err("nobody is there");
    assert!(matches!(cause.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{cause}");
}

#[tokio::test]
async fn in_company_messages_go_step_by_step_and_alone_at_once() {
    let _worker = worker().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let message = |name: char| {
        let told = told.clone();
        async move {
            for step in 0..3 {
                in_step().await;
                told.lock().expect("told").push((name, step));
            }
        }
    };
    let go = async || {
        let both = ['a', 'b'].map(|name| tokio::spawn(message(name)));
        for one in both {
            one.await.expect("a message");
        }
        mem::take(&mut *told.lock().expect("told"))
    };
    let alone = [('a', 0), ('a', 1), ('a', 2), ('b', 0), ('b', 1), ('b', 2)];
    assert_eq!(go().await, alone);
    let (mut one, _peer) = pair().await;
    let (mut other, _others_peer) = pair().await;
    one.write_all(b"x").await.expect("written");
    other.write_all(b"x").await.expect("written");
    yield_now().await;
    assert_eq!(go().await, [('a', 0), ('b', 0), ('a', 1), ('b', 1), ('a', 2), ('b', 2)]);
    one.write_all(b"x").await.expect("written");
    yield_now().await;
    assert_eq!(go().await, alone);
}
