//! An MCP server that costs as little as it can: one thread, answers prepared as bytes, and only the id put in.

mod answers;
mod message;

use std::io::Write as _;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Era, Head};
use answers::Answers;

/// What it serves.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The protocol that is spoken.
    #[arg(long, value_enum, default_value = "modern")]
    era: Era,
    /// How many tools are listed.
    #[arg(long, default_value_t = 10)]
    tools: usize,
    /// On how many ports; they are printed in one line.
    #[arg(long, default_value_t = 1)]
    ports: usize,
}

/// Serves until it is ended.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(serve(options)))
}

async fn serve(options: &Options) -> Result<()> {
    let answers: &'static Answers = Box::leak(Box::new(Answers::new(options.era, options.tools)));
    let mut ports = Vec::new();
    for _ in 0..options.ports {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(listener.local_addr()?.port().to_string());
        tokio::task::spawn_local(accept(listener, answers));
    }
    writeln!(std::io::stdout(), "ports {}", ports.join(" "))?;
    // Who started it holds its standard input open.
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    ended.await??;
    Ok(())
}

async fn accept(listener: TcpListener, answers: &'static Answers) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::task::spawn_local(async move {
            // A client that goes is no error of the server.
            let _ = talk(stream, answers).await;
        });
    }
}

async fn talk(mut stream: TcpStream, answers: &Answers) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (Vec::with_capacity(16 * 1024), Vec::with_capacity(16 * 1024));
    loop {
        while let Some(head) = Head::parse(&input)?.filter(|head| input.len() >= head.whole()) {
            let whole = head.whole();
            output.clear();
            let rest = answers.put(&head, &input[head.length..whole], &mut output);
            stream.write_all(&output).await?;
            stream.write_all(rest).await?;
            input.drain(..whole);
        }
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}
