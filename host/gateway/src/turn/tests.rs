use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

use super::*;

/// A connection of a worker, and its peer.
async fn pair() -> (Corked, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (peer, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (Corked::new(accepted.expect("a connection").0), peer.expect("a connection"))
}

/// Runs a test on a thread that works in turns.
fn worker(test: impl AsyncFnOnce()) {
    runtime().expect("a runtime").block_on(async {
        yield_now().await;
        test().await;
    });
}

/// As if more had been written in the last turn.
fn expect_company() {
    COMPANY.set(true);
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
async fn who_does_not_work_in_turns_sends_at_once() {
    let (mut ours, peer) = pair().await;
    for piece in [b"one", b"two"] {
        ours.write_all(piece).await.expect("written");
        peer.readable().await.expect("readable");
        assert_eq!(there(&peer), piece);
    }
}

#[test]
fn what_is_written_alone_is_sent_at_once_and_more_at_the_end_of_the_turn() {
    worker(async || {
        let (mut ours, peer) = pair().await;
        let (mut other, others_peer) = pair().await;
        for _ in 0..2 {
            ours.write_all(b"alone").await.expect("written");
            peer.readable().await.expect("readable");
            assert_eq!(there(&peer), b"alone");
            // Of the same turn, for nothing has waited.
            other.write_all(b"in com").await.expect("written");
            other.write_all(b"pany").await.expect("written");
            other.flush().await.expect("flushed");
            assert_eq!(there(&others_peer), b"");
            others_peer.readable().await.expect("readable");
            assert_eq!(there(&others_peer), b"in company");
        }
        expect_company();
        ours.write_all(b"one").await.expect("written");
        other.write_all(b"two").await.expect("written");
        assert_eq!((there(&peer), there(&others_peer)), (vec![], vec![]));
        peer.readable().await.expect("readable");
        others_peer.readable().await.expect("readable");
        assert_eq!((there(&peer), there(&others_peer)), (b"one".to_vec(), b"two".to_vec()));
        assert!(COMPANY.get(), "there were two");
    });
}

#[test]
fn long_and_short_keep_their_order() {
    worker(async || {
        let (mut ours, peer) = pair().await;
        let reading = tokio::spawn(all(peer));
        let mut wanted = Vec::new();
        for (piece, length) in (0_u8..).zip([1, 0, 20_000, 3, 16_384, 16_383, 2, 500_000, 1]) {
            let piece = vec![piece; length];
            expect_company();
            ours.write_all(&piece).await.expect("written");
            wanted.extend(piece);
        }
        ours.shutdown().await.expect("shut down");
        assert!(reading.await.expect("a reader") == wanted);
    });
}

#[test]
fn the_end_of_what_the_system_did_not_take_is_not_collected() {
    worker(async || {
        let (mut ours, peer) = pair().await;
        let waker = Waker::noop();
        let mut cx = Context::from_waker(waker);
        let piece = vec![7; 1 << 20];
        let mut written = 0;
        while let Poll::Ready(wrote) = Pin::new(&mut ours).poll_write(&mut cx, &piece) {
            written += wrote.expect("written");
        }
        expect_company();
        assert!(Pin::new(&mut ours).poll_write(&mut cx, b"the end").is_pending());
        let reading = tokio::spawn(all(peer));
        ours.write_all(b"the end").await.expect("it is read");
        ours.shutdown().await.expect("shut down");
        assert_eq!(reading.await.expect("a reader").len(), written + b"the end".len());
    });
}

#[test]
fn a_shutdown_sends_what_was_collected_first() {
    worker(async || {
        let (mut ours, peer) = pair().await;
        expect_company();
        ours.write_all(b"farewell").await.expect("written");
        assert_eq!(there(&peer), b"");
        ours.shutdown().await.expect("shut down");
        assert_eq!(all(peer).await, b"farewell");
        let (mut ours, peer) = pair().await;
        expect_company();
        ours.write_all(b"dropped").await.expect("written");
        drop(ours);
        assert_eq!(all(peer).await, b"dropped");
    });
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_writes_to_a_peer_that_does_not_read_is_woken_and_waits_until_it_does() {
    worker(async || {
        let (mut ours, peer) = pair().await;
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let piece = [7; 8 << 10];
        let mut written = 0;
        while woken.0.load(Ordering::Relaxed) == 0 {
            expect_company();
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
    });
}

#[test]
fn what_could_not_be_sent_is_told_to_who_writes_next() {
    worker(async || {
        let (mut ours, peer) = pair().await;
        // With something that was not read, it is reset.
        ours.write_all(b"unread").await.expect("written");
        yield_now().await;
        peer.readable().await.expect("readable");
        drop(peer);
        ours.read(&mut [0]).await.expect_err("it was reset");
        expect_company();
        ours.write_all(b"into the void").await.expect("collected");
        yield_now().await;
        let cause = ours.flush().await.expect_err("nobody is there");
        assert!(matches!(cause.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{cause}");
    });
}

#[test]
fn in_company_messages_go_step_by_step_and_alone_at_once() {
    worker(async || {
        let told = Arc::new(Mutex::new(Vec::new()));
        let message = |name: char, bytes| {
            let told = told.clone();
            async move {
                for step in 0..3 {
                    in_step(bytes).await;
                    told.lock().expect("told").push((name, step));
                }
            }
        };
        let go = async |bytes| {
            let both = ['a', 'b'].map(|name| tokio::spawn(message(name, bytes)));
            for one in both {
                one.await.expect("a message");
            }
            mem::take(&mut *told.lock().expect("told"))
        };
        let one_by_one = [('a', 0), ('a', 1), ('a', 2), ('b', 0), ('b', 1), ('b', 2)];
        assert_eq!(go(10).await, one_by_one);
        expect_company();
        assert_eq!(go(10).await, [('a', 0), ('b', 0), ('a', 1), ('b', 1), ('a', 2), ('b', 2)]);
        assert_eq!(go(STEP_BYTES + 1).await, one_by_one);
        let (mut ours, _peer) = pair().await;
        ours.write_all(b"the only one").await.expect("written");
        yield_now().await;
        assert_eq!(go(10).await, one_by_one);
    });
}
