//! The threads that serve connections. Each has a runtime of its own, and a connection stays with the worker that it
//! was given: the calls that come on it, their instances and the connections to servers that they use are all woken
//! where they are.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::front::crew::Crew;
use crate::{home, turn};

/// Plugins that cannot wait are called on the worker's own stack, and the deepest of them take a part of this.
const STACK_BYTES: usize = 4 << 20;

/// The workers of one front; none: connections are served where the front is.
pub(super) struct Workers {
    all: Vec<Worker>,
}

struct Worker {
    runtime: Handle,
    /// One for each connection, and this one.
    load: Arc<()>,
    /// Its thread ends when this does.
    _stop: oneshot::Sender<()>,
}

impl Workers {
    /// Starts so many. Needs a runtime, which is their home.
    pub(super) fn start(number: usize) -> io::Result<Self> {
        Ok(Self { all: (1..=number).map(Worker::start).collect::<Result<_, _>>()? })
    }

    /// Gives a connection to the worker that has the fewest.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        crew: &Crew,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> io::Result<()> {
        let Some(worker) = self.all.iter().min_by_key(|worker| Arc::strong_count(&worker.load)) else {
            crew.spawn(serve(stream));
            return Ok(());
        };
        let (stream, load) = (stream.into_std()?, worker.load.clone());
        crew.spawn_on(&worker.runtime, async move {
            // From here on it is woken where it is served.
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream).await,
                Err(cause) => tracing::warn!(%cause, "a connection could not be given to its worker"),
            }
            drop(load);
        });
        Ok(())
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let (home, runtime) = (Handle::current(), turn::runtime()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        thread::Builder::new().name(format!("witgate-{number}")).stack_size(STACK_BYTES).spawn(move || {
            home::leave(number, home);
            // A sender that is gone is what ends it, after its turn.
            runtime.block_on(async {
                let _ = stopped.await;
                yield_now().await;
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { runtime: handle, load: Arc::new(()), _stop: stop })
    }
}
