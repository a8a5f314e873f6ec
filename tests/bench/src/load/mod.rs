//! A client: a number of connections that send as fast as they are answered, or at a fixed rate.
//!
//! It warms up, says `ready`, waits for a line, measures, and prints a [`Report`]. A wrong answer ends it at once.

mod caller;
mod closed;
mod histogram;
mod open;

use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use caller::Caller;
pub(crate) use caller::{answer, exchange};
use histogram::Histogram;

use crate::wire::Era;

/// What is sent, and for how long.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Who is asked.
    pub(crate) address: SocketAddr,
    /// The endpoints, one after the other.
    pub(crate) paths: Vec<String>,
    pub(crate) era: Era,
    pub(crate) key: Option<String>,
    /// The tools that are called, one after the other.
    pub(crate) tools: Vec<String>,
    pub(crate) connections: usize,
    /// Messages in a second; as many as are answered where nothing is said.
    pub(crate) rate: Option<f64>,
    pub(crate) warm: Duration,
    pub(crate) during: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) messages: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
}

/// Sends the load that the first line of the standard input says, as JSON.
pub(crate) fn run() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let load: Load = serde_json::from_str(&line)?;
    let callers = (0..load.connections).map(|number| Caller::open(&load, number)).collect::<Result<Vec<_>>>()?;
    match load.rate {
        Some(rate) => measure(&load, open::Open::new(callers, rate)?),
        None => measure(&load, closed::Closed::new(callers)?),
    }
}

/// A way to send for a while.
trait Drive {
    fn drive(&mut self, during: Duration) -> Result<(Histogram, Duration)>;
}

fn measure(load: &Load, mut drive: impl Drive) -> Result<()> {
    drive.drive(load.warm)?;
    writeln!(std::io::stdout(), "ready")?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    let (times, took) = drive.drive(load.during)?;
    let report = Report {
        messages: times.count(),
        seconds: took.as_secs_f64(),
        p50_us: times.quantile(0.5),
        p99_us: times.quantile(0.99),
        p999_us: times.quantile(0.999),
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(())
}
