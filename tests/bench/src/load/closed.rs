//! Each connection sends as soon as it is answered: what the gate can do at most.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::histogram::Histogram;
use super::{Caller, Drive};

#[derive(Debug)]
pub(super) struct Closed {
    runtime: Runtime,
    callers: Vec<(Caller, TcpStream)>,
}

impl Closed {
    pub(super) fn new(callers: Vec<Caller>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let registered = callers.into_iter().map(|mut caller| {
            let stream = caller.stream()?;
            stream.set_nonblocking(true)?;
            Ok((caller, TcpStream::from_std(stream)?))
        });
        let callers = registered.collect::<Result<_>>()?;
        drop(entered);
        Ok(Self { runtime, callers })
    }
}

impl Drive for Closed {
    fn drive(&mut self, during: Duration) -> Result<(Histogram, Duration)> {
        let start = Instant::now();
        let end = start + during;
        let loops = self.callers.iter_mut().map(|(caller, stream)| keep_asking(caller, stream, end));
        let times = self.runtime.block_on(try_join_all(loops))?;
        let mut all = Histogram::new();
        for times in &times {
            all.merge(times);
        }
        Ok((all, start.elapsed()))
    }
}

async fn keep_asking(caller: &mut Caller, stream: &mut TcpStream, end: Instant) -> Result<Histogram> {
    let mut times = Histogram::new();
    let mut sent = Instant::now();
    while sent < end {
        stream.write_all(caller.request()).await?;
        while !caller.is_answered()? {
            if stream.read_buf(&mut caller.input).await? == 0 {
                bail!("the connection was closed");
            }
        }
        let answered = Instant::now();
        times.add(answered - sent);
        sent = answered;
    }
    Ok(times)
}
