//! The server over HTTP+SSE, the transport of 2024-11-05: messages come by POST, and all that it says goes out on one
//! stream.

use std::io;
use std::sync::PoisonError;

use serde_json::Value;
use tokio::sync::mpsc;

use super::Echo;
use super::streams::STREAM;
use crate::http::{Connection, Head};

/// The streams that were opened, by their numbers.
pub(super) type Lines = std::sync::Mutex<Vec<mpsc::UnboundedSender<Value>>>;

impl Echo {
    /// Opens a stream, and says on it what there is to say.
    pub(super) async fn open_line(&self, connection: &mut Connection) -> io::Result<()> {
        let (sender, mut said) = mpsc::unbounded_channel();
        let number = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(sender);
            lines.len() - 1
        };
        connection.write(STREAM).await?;
        connection.chunk(&format!("event: endpoint\ndata: /messages?{number}\n\n")).await?;
        while let Some(message) = said.recv().await {
            self.event(connection, &message).await?;
        }
        Ok(())
    }

    /// Takes a message, whose answer goes out on its stream.
    pub(super) async fn take_line(&self, connection: &mut Connection, head: &Head, body: &str) -> io::Result<()> {
        let number = head.first.split(['?', ' ']).nth(2).and_then(|number| number.parse::<usize>().ok());
        let line = number.and_then(|at| self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(at).cloned());
        connection.send("HTTP/1.1 202 Accepted", &[], "").await?;
        for said in self.over_stdio(&serde_json::from_str(body)?).await {
            // Whose stream is gone hears nothing.
            let _ = line.as_ref().map(|line| line.send(said));
        }
        Ok(())
    }
}
