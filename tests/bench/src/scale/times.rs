//! What somebody waits for: the gate's start, and a long list.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::Scale;
use crate::configuration::{Configuration, FIVE, KEY};
use crate::load::answer;
use crate::proof::ask;
use crate::setting::{Served, Setting};
use crate::spread::Spread;
use crate::wire::{Era, Request, Sender};

const TOOLS: usize = 10_000;
const SERVERS: usize = 10;
const STARTS: usize = 9;
const WALKS: usize = 9;

pub(super) fn table(scale: &Scale) -> Result<String> {
    let starts = starts(scale)?;
    let (one, pages) = walks(scale, 1)?;
    let (ten, page) = walks(scale, SERVERS)?;
    ensure!(page == 1, "{SERVERS} servers' lists come in {page} pages");
    Ok(format!(
        "| | ms |\n|---|---|\n\
         | from the start of the process to the first answered call, five plugins compiled in the cache | {starts} |\n\
         | `tools/list` of one server's {TOOLS} tools from the gate's cache, all {pages} pages | {one} |\n\
         | `tools/list` of {TOOLS} tools of {SERVERS} servers, merged from the gate's cache, on one page | {ten} |\n"
    ))
}

/// From nothing to the answer of a call, but for the first start, which compiles.
fn starts(scale: &Scale) -> Result<Spread> {
    let setting = scale.gate("five", Configuration::of(FIVE));
    scale.bench.gate(&setting)?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let gate = scale.bench.gate(&setting)?.context("a gate")?;
        let (head, body) = ask(gate.address, Request::call(sender(), "echo"))?;
        times.push(milliseconds(begun.elapsed()));
        ensure!(head.contains(" 200 ") && body.contains("result"), "the first answer: {head}{body}");
    }
    Ok(Spread::of(times))
}

/// The whole list of so many servers, but for the first time, which asks them; and in how many pages it comes.
fn walks(scale: &Scale, servers: usize) -> Result<(Spread, usize)> {
    let served = Served { tools: TOOLS / servers, ports: servers, ..Served::default() };
    let configuration = Configuration { apart: true, ..Configuration::default() };
    let setting = Setting { served, ..scale.gate("bare", configuration) };
    let gate = scale.bench.gate(&setting)?.context("a gate")?;
    let mut input = Vec::new();
    let (_, pages) = walk(gate.address, &mut input)?;
    let times = (0..WALKS).map(|_| walk(gate.address, &mut input).map(|(time, _)| milliseconds(time)));
    Ok((Spread::of(times.collect::<Result<Vec<_>>>()?), pages))
}

/// All pages: the time until they are there, and how many.
fn walk(address: SocketAddr, input: &mut Vec<u8>) -> Result<(Duration, usize)> {
    let stream = TcpStream::connect(address)?;
    let (mut time, mut tools, mut pages) = (Duration::ZERO, 0, 0);
    let mut params = json!({});
    loop {
        let mut request = Request::new(sender(), "tools/list", params);
        let begun = Instant::now();
        let head = answer(&stream, input, request.numbered(0).0)?;
        time += begun.elapsed();
        let (head, body) = input.split_at(head);
        let page: Value = serde_json::from_slice(body)?;
        let listed = page["result"]["tools"].as_array();
        tools += listed.with_context(|| format!("no list: {}", String::from_utf8_lossy(head)))?.len();
        pages += 1;
        input.clear();
        let Some(cursor) = page["result"]["nextCursor"].as_str() else { break };
        params = json!({ "cursor": cursor });
    }
    ensure!(tools == TOOLS, "{tools} tools are listed");
    Ok((time, pages))
}

fn sender() -> Sender<'static> {
    Sender { era: Era::Modern, path: "/mcp", key: Some(KEY), session: None }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
