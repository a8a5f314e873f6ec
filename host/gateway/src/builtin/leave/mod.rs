//! Leave management, the embedded default's server: small, and with something for every hook to do — ids that validators
//! can refuse, a record that must not get out as it is, a change of state, and a call that takes its time.

mod book;
mod server;

use crate::home;
use tokio::io::DuplexStream;

/// Starts a server with a book of its own on its end of a stream, and returns at once. It ends with the stream. Must be
/// called within a tokio runtime.
pub fn leave(stream: DuplexStream) {
    home::spawn(async move {
        let service = rmcp::serve_server(server::Leave::default(), stream).await;
        match service {
            // However it ends, the gate has closed the stream.
            Ok(running) => drop(running.waiting().await),
            Err(e) => tracing::debug!("the built-in server did not start: {e}"),
        }
    });
}
