//! A child's standard error, line by line into the log: bounded, and without what would act on a terminal.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// Bytes of a line that are logged.
const LINE_BYTES: usize = 2048;
/// Lines that are logged in one [`WINDOW`]; the others are counted.
const LINES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(1);

/// Reads to the end, so that the child never waits for a reader.
pub(crate) async fn log(upstream: Arc<str>, mut errors: impl AsyncRead + Unpin) {
    let mut tap = Tap::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut chunk).await {
        tap.push(&chunk[..read], |line| {
            tracing::info!(target: "witgate::upstream::stderr", %upstream, "{line}");
        });
    }
    tap.end(|line| tracing::info!(target: "witgate::upstream::stderr", %upstream, "{line}"));
}

/// Cuts bytes into lines and lets through what may be logged.
struct Tap {
    line: Vec<u8>,
    since: Instant,
    lines: u32,
    lost: u32,
}

impl Tap {
    fn new() -> Self {
        Self { line: Vec::new(), since: Instant::now(), lines: 0, lost: 0 }
    }

    fn push(&mut self, bytes: &[u8], mut log: impl FnMut(&str)) {
        for &byte in bytes {
            if byte == b'\n' {
                self.end(&mut log);
            } else if self.line.len() < LINE_BYTES {
                self.line.push(byte);
            }
        }
    }

    fn end(&mut self, mut log: impl FnMut(&str)) {
        let text = String::from_utf8_lossy(&self.line);
        let text: String = text.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        self.line.clear();
        if text.trim().is_empty() {
            return;
        }
        if self.since.elapsed() >= WINDOW {
            if self.lost > 0 {
                log(&format!("({} more lines)", self.lost));
            }
            (self.since, self.lines, self.lost) = (Instant::now(), 0, 0);
        }
        if self.lines < LINES {
            self.lines += 1;
            log(&text);
        } else {
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_logged_is_bounded_and_harmless() {
        let mut tap = Tap::new();
        let mut seen = Vec::new();
        tap.push(b"\x1b[31mred\x07\r\n\n  \nplain \xff", |line| seen.push(line.to_owned()));
        tap.push(&b"x".repeat(5000), |line| seen.push(line.to_owned()));
        tap.end(|line| seen.push(line.to_owned()));
        assert_eq!(seen[0], "[31mred");
        assert!(seen[1].starts_with("plain \u{fffd}x") && seen[1].chars().count() == LINE_BYTES);
        seen.clear();
        tap.push(&b"y\n".repeat(500), |line| seen.push(line.to_owned()));
        assert_eq!(seen.len(), 98);
        tokio::time::advance(WINDOW).await;
        seen.clear();
        tap.push(b"later\n", |line| seen.push(line.to_owned()));
        assert_eq!(seen, ["(402 more lines)", "later"]);
    }
}
