//! Where tasks run. Connections of clients are served by workers, threads with a runtime of their own each, so that
//! nothing that a message needs has to be woken on another core. What outlives a connection — what belongs to an
//! upstream, a held call — runs at home: on the runtime that started the workers.
//!
//! A thread that is no worker is at home wherever it is.

use std::cell::OnceCell;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What a worker knows of itself.
struct Post {
    number: usize,
    home: Handle,
}

thread_local! {
    static POST: OnceCell<Post> = const { OnceCell::new() };
}

/// Makes this thread a worker; the first is number 1.
pub(crate) fn leave(number: usize, home: Handle) {
    POST.with(|post| post.set(Post { number, home }).ok());
}

/// This thread's number among the workers; 0 at home.
pub(crate) fn number() -> usize {
    POST.with(|post| post.get().map_or(0, |post| post.number))
}

/// The runtime at home; `None` outside of any, as in a destructor at the end of the program.
pub(crate) fn runtime() -> Option<Handle> {
    let home = POST.try_with(|post| post.get().map(|post| post.home.clone())).ok()?;
    home.or_else(|| Handle::try_current().ok())
}

/// Starts a task at home. Must be called within a runtime, as `tokio::spawn`.
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    runtime().unwrap_or_else(Handle::current).spawn(task)
}
