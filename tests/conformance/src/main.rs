//! Both ends that the official conformance suite needs: a server with the fixtures that its scenarios ask for, and a
//! client that walks through its scenarios.
//!
//! `witgate-conformance server` serves MCP over streamable HTTP, both eras, on a port of loopback that the system
//! chooses, and says where on standard output. What it offers is data in `fixtures/`; what a scenario needs beyond that
//! is a module in `server/`. It is built on rmcp, so that the gate is measured against an implementation that is not
//! its own; the runner (`tests/suite`) compares what the suite finds there directly and through the gate.
//!
//! `witgate-conformance client URL` is what the suite starts beside a server of its own, to look at what the gate sends.

#![expect(deprecated, reason = "what a revision has since deprecated is still asked for by the suite")]

mod client;
mod server;

use anyhow::bail;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server"] => server::serve().await,
        ["client", url] => client::run(url).await,
        _ => bail!("usage: witgate-conformance server | client URL"),
    }
}
