//! What plugins write: lines in the gate's own log, bounded for each call, with everything removed that could forge a
//! line or drive a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::host::Shared;

/// How much of one line is kept, in bytes.
const LINE_BYTES: usize = 2 << 10;

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// What a call has left. Shared by `wasi:logging`, standard output and standard error; when the last of them is gone,
/// so is the call.
struct Left {
    shared: Arc<Shared>,
    lines: AtomicU32,
    bytes: AtomicU32,
    dropped: AtomicU32,
}

/// The log of one instance; a clone writes to the same.
#[derive(Clone)]
pub(crate) struct Log {
    left: Arc<Left>,
}

impl Log {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let left = Left { shared: shared.clone(), lines: 0.into(), bytes: 0.into(), dropped: 0.into() };
        left.fill();
        Self { left: Arc::new(left) }
    }

    /// A new call begins.
    pub(crate) fn begin(&self) {
        self.left.settle();
        self.left.fill();
    }

    /// Writes one line, or drops and counts it; at the end of the call one line says how many those were.
    pub(crate) fn line(&self, level: Level, source: &str, text: &str) {
        // What is not written costs nothing to speak of, however much there is of it.
        if self.left.lines.load(Ordering::Relaxed) == 0 {
            return self.left.drop_one();
        }
        let text = clean(text, LINE_BYTES);
        let source = clean(source, 64);
        let size = u32::try_from(text.len() + source.len()).unwrap_or(u32::MAX);
        let take = |left: &AtomicU32, amount: u32| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |have| have.checked_sub(amount)).is_ok()
        };
        if take(&self.left.lines, 1) && take(&self.left.bytes, size) {
            self.left.write(level, &source, &text);
            return;
        }
        // What is short may fit where something long did not; after the first line that is missing there is none.
        self.left.lines.store(0, Ordering::Relaxed);
        self.left.drop_one();
    }
}

impl Left {
    fn fill(&self) {
        self.lines.store(self.shared.bounds.log_lines, Ordering::Relaxed);
        self.bytes.store(self.shared.bounds.log_bytes, Ordering::Relaxed);
    }

    fn drop_one(&self) {
        let _ = self.dropped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_add(1));
    }

    /// Says what was dropped, once.
    fn settle(&self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let (lines, bytes) = (self.shared.bounds.log_lines, self.shared.bounds.log_bytes);
            let limits = format!("`log-lines` = {lines}, `log-bytes` = {bytes}");
            self.write(Level::Warn, "", &format!("{dropped} more lines of this call were dropped ({limits})"));
        }
    }

    fn write(&self, level: Level, source: &str, text: &str) {
        let (tenant, plugin) = (&*self.shared.space.tenant, &*self.shared.space.plugin);
        match level {
            Level::Trace => tracing::trace!(target: "witgate::plugin", tenant, plugin, source, "{text}"),
            Level::Debug => tracing::debug!(target: "witgate::plugin", tenant, plugin, source, "{text}"),
            Level::Info => tracing::info!(target: "witgate::plugin", tenant, plugin, source, "{text}"),
            Level::Warn => tracing::warn!(target: "witgate::plugin", tenant, plugin, source, "{text}"),
            Level::Error => tracing::error!(target: "witgate::plugin", tenant, plugin, source, "{text}"),
        }
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Text that a plugin wrote, fit for a log: at most `limit` bytes, control characters (line ends, terminal escapes, C1)
/// and characters that reorder or hide text replaced with a space.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    for character in text.trim_end().chars() {
        let character = if hidden(character) { ' ' } else { character };
        if out.len() + character.len_utf8() > limit {
            break;
        }
        out.push(character);
    }
    out
}

/// Control characters, bidirectional controls, zero-width and tag characters.
pub(crate) fn hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_wrote_cannot_drive_a_terminal() {
        #[track_caller]
        fn check(text: &str, want: &str) {
            assert_eq!(clean(text, 16), want);
        }
        check("plain", "plain");
        check("a\nb\r\u{1b}[31mc", "a b  [31mc");
        check("\u{9b}31m\u{202e}x\u{200b}y\n", " 31m x y");
        check("ünïcödé is kept as it is", "ünïcödé is k");
        check("\u{0}", " ");
    }
}
