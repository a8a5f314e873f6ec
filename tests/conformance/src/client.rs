//! A client under test: the gate, and before it what makes it act.
//!
//! The suite starts a server for each scenario and this with its URL. The gate is started with that server behind it, on
//! its standard streams, so that all that the server sees is the gate's doing; and what stands before it walks through
//! what the server has, in the era that the scenario is of, and answers what it is asked. So one walk serves all
//! scenarios but those that say themselves which calls are to be made.

mod gate;
mod sample;
mod session;
mod walk;

use anyhow::Context;
use serde_json::Value;

/// A scenario's name, its revision, and what it wants done if it says so.
struct Scenario {
    name: String,
    is_modern: bool,
    wishes: Value,
}

impl Scenario {
    /// As the suite tells it.
    fn from_environment() -> anyhow::Result<Self> {
        let variable =
            |name: &str| std::env::var(name).with_context(|| format!("{name} is not set: the suite sets it"));
        let wishes = std::env::var("MCP_CONFORMANCE_CONTEXT").ok();
        Ok(Self {
            name: variable("MCP_CONFORMANCE_SCENARIO")?,
            is_modern: variable("MCP_CONFORMANCE_PROTOCOL_VERSION")?.as_str() >= "2026-07-28",
            wishes: wishes.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default(),
        })
    }
}

/// Walks through the scenario that the environment names, with the server at `url` behind a gate.
pub(crate) async fn run(url: &str) -> anyhow::Result<()> {
    let scenario = Scenario::from_environment()?;
    let gate = gate::Gate::start(url)?;
    let mut session = session::Session::open(gate, scenario.is_modern).await?;
    walk::walk(&mut session, &scenario).await?;
    session.close().await
}
