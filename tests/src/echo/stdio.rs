//! The server over standard streams.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

use super::Echo;

/// Serves until standard input ends.
pub async fn serve(echo: Echo) -> std::io::Result<()> {
    let echo = Arc::new(echo);
    let (sender, mut lines) = mpsc::channel::<String>(64);
    let writing = tokio::spawn(async move {
        let mut output = tokio::io::stdout();
        while let Some(line) = lines.recv().await {
            output.write_all(line.as_bytes()).await?;
            output.flush().await?;
        }
        std::io::Result::Ok(())
    });
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = input.next_line().await? {
        let message: Value = serde_json::from_str(&line)?;
        let (echo, sender) = (echo.clone(), sender.clone());
        tokio::spawn(async move {
            for said in echo.over_stdio(&message).await {
                // A gate that is gone reads nothing.
                let _ = sender.send(format!("{said}\n")).await;
            }
        });
    }
    drop(sender);
    writing.await.map_err(std::io::Error::other)?
}

impl Echo {
    pub(super) async fn over_stdio(&self, message: &Value) -> Vec<Value> {
        let tool = (message["method"] == "tools/call").then(|| message["params"]["name"].as_str()).flatten();
        match tool {
            Some("echo") => self.echo(message).await,
            Some("large") => vec![self.large(message)],
            _ => self.answer(message).into_iter().collect(),
        }
    }
}
