//! One connection: what it sends next, and whether what came is right. It does no waiting of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::Load;
use crate::wire::{Answer, Era, Head, Request, Sender, initialize, initialized};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection's requests and answers.
#[derive(Debug)]
pub(super) struct Caller {
    stream: Option<TcpStream>,
    requests: Vec<(Request, Answer)>,
    number: u32,
    id: u32,
    /// What has come of an answer.
    pub(super) input: Vec<u8>,
}

impl Caller {
    /// Connects, and begins a session where the era has them.
    pub(super) fn open(load: &Load, number: usize) -> Result<Self> {
        let stream = TcpStream::connect(load.address).with_context(|| format!("connecting to {}", load.address))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut caller = Self { stream: None, requests: Vec::new(), number: 0, id: 0, input: Vec::new() };
        let session = match load.era {
            Era::Modern => None,
            Era::Legacy => Some(caller.handshake(load, &stream)?),
        };
        let endpoints = load.paths.iter().flat_map(|path| load.tools.iter().map(move |tool| (path, tool)));
        caller.requests = endpoints
            .map(|(path, tool)| {
                let sender = Sender { era: load.era, path, key: load.key.as_deref(), session: session.as_deref() };
                (Request::call(sender, tool), Answer::default())
            })
            .collect();
        // Connections begin at different endpoints.
        caller.number = u32::try_from(number * caller.requests.len() / load.connections)?;
        caller.stream = Some(stream);
        Ok(caller)
    }

    fn handshake(&mut self, load: &Load, stream: &TcpStream) -> Result<String> {
        let path = load.paths.first().context("a path")?;
        let sender = Sender { era: load.era, path, key: load.key.as_deref(), session: None };
        let (head, body) = exchange(stream, &mut self.input, initialize(sender).numbered(0).0)?;
        let head = Head::parse(&head)?.context("a head")?;
        ensure!(head.status() == 200, "initialize: {}\n{}", head.first, String::from_utf8_lossy(&body));
        let session = head.get("mcp-session-id").context("initialize: no session")?.to_owned();
        let sender = Sender { session: Some(&session), ..sender };
        let (head, _) = exchange(stream, &mut self.input, &initialized(sender))?;
        let head = Head::parse(&head)?.context("a head")?;
        ensure!(head.status() == 202, "notifications/initialized: {}", head.first);
        Ok(session)
    }

    /// The connection, once.
    pub(super) fn stream(&mut self) -> Result<TcpStream> {
        self.stream.take().context("the connection was taken")
    }

    /// The next request.
    pub(super) fn request(&mut self) -> &[u8] {
        self.number += 1;
        let place = self.number as usize % self.requests.len();
        let (bytes, id) = self.requests[place].0.numbered(self.number);
        self.id = id;
        bytes
    }

    /// Whether the whole answer is there. A wrong one is an error.
    pub(super) fn is_answered(&mut self) -> Result<bool> {
        let Some(head) = Head::parse(&self.input)? else { return Ok(false) };
        if self.input.len() < head.whole() {
            let more = head.whole() - self.input.len();
            self.input.reserve(more);
            return Ok(false);
        }
        ensure!(self.input.len() == head.whole(), "more than one answer to a request");
        let place = self.number as usize % self.requests.len();
        self.requests[place].1.check(&head, &self.input[head.length..], self.id)?;
        self.input.clear();
        Ok(true)
    }
}

/// Sends a request and waits for its answer: head and body.
pub(crate) fn exchange(stream: &TcpStream, input: &mut Vec<u8>, request: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let length = answer(stream, input, request)?;
    let body = input.split_off(length);
    Ok((std::mem::take(input), body))
}

/// Sends a request and waits until its answer, and no more, is in the input; how long the head is.
pub(crate) fn answer(mut stream: &TcpStream, input: &mut Vec<u8>, request: &[u8]) -> Result<usize> {
    stream.write_all(request)?;
    let (length, whole) = loop {
        if let Some(head) = Head::parse(input)? {
            break (head.length, head.whole());
        }
        receive(stream, input)?;
    };
    if let Some(more) = whole.checked_sub(input.len()) {
        input.reserve(more);
        stream.take(more as u64).read_to_end(input)?;
    }
    ensure!(input.len() == whole, "an answer of {whole} bytes has {}", input.len());
    Ok(length)
}

/// Waits for more of an answer.
pub(super) fn receive(mut stream: &TcpStream, input: &mut Vec<u8>) -> Result<()> {
    let mut piece = [0; 16 * 1024];
    let length = stream.read(&mut piece)?;
    input.extend_from_slice(&piece[..length]);
    ensure!(length > 0, "the connection was closed");
    Ok(())
}
