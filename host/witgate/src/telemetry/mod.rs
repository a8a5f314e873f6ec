//! What the gate says of itself: events of `tracing`, and one line for each message, on standard error.
//!
//! Writing never holds up a message: lines go through a bounded channel to a thread of their own, and what does not fit
//! is counted and told later.

mod hush;
mod json;
mod pretty;
mod sink;

use std::io::IsTerminal;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use witgate_gateway::record::{Record, Recorder, TurnedAway};

use witgate_config::{Log, LogFormat, LogMessages};

pub(crate) use hush::hide;
pub use sink::Guard;
use sink::Sink;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is none; the configuration was checked, so this is a newer one.
    #[error("the log level is none: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// No thread to write lines with.
    #[error("no thread for the log: {0}")]
    Thread(#[from] std::io::Error),
    /// Somebody else has begun a log.
    #[error("the log was begun twice: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Writes one line for each message.
struct Lines {
    sink: Sink,
    format: LogFormat,
    color: bool,
    messages: LogMessages,
}

impl Recorder for Lines {
    fn keeps(&self, well: bool) -> bool {
        match self.messages {
            LogMessages::All => true,
            LogMessages::Failed => !well,
            LogMessages::Off => false,
        }
    }

    fn record(&self, record: &Record) {
        let time = now();
        let line = match self.format {
            LogFormat::Json => json::line(&time, record),
            LogFormat::Pretty => pretty::line(&time, record, self.color),
        };
        self.sink.send(line.into_bytes());
    }

    fn turned_away(&self, turned_away: &TurnedAway) {
        let time = now();
        let line = match self.format {
            LogFormat::Json => json::turned_away(&time, turned_away),
            LogFormat::Pretty => pretty::turned_away(&time, turned_away, self.color),
        };
        self.sink.send(line.into_bytes());
    }
}

/// Begins the log of this process. Lines are written until the guard is dropped.
pub fn start(log: &Log) -> Result<(Arc<dyn Recorder>, Guard), TelemetryError> {
    let terminal = std::io::stderr().is_terminal();
    let color = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let format = log.format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let (sink, guard) = Sink::start(std::io::stderr())?;
    let filter = EnvFilter::builder().parse(&log.level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(sink.clone()).with_ansi(color);
    match format {
        LogFormat::Json => tracing_subscriber::util::SubscriberInitExt::try_init(
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).finish(),
        )?,
        LogFormat::Pretty => tracing_subscriber::util::SubscriberInitExt::try_init(
            builder.with_target(false).with_timer(Clock).finish(),
        )?,
    }
    Ok((Arc::new(Lines { sink, format, color, messages: log.messages }), guard))
}

/// RFC 3339 in UTC, with microseconds.
fn now() -> String {
    let mut text = String::new();
    // A clock before 1970 is written as such; writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// The time of day in UTC, to the second: what a person needs beside a line that just appeared.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(time_of_day(&now()))
    }
}

fn time_of_day(rfc3339: &str) -> &str {
    rfc3339.get(11..19).unwrap_or(rfc3339)
}
