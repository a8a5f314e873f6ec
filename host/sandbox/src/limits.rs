//! What one plugin may use. Every limit has a default that is safe for a stranger's plugin, and a ceiling that no
//! operator can lift, since the engine's own tables are sized by it.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Weight;
use crate::error::LoadError;

/// What an operator may set for one plugin (`[plugin.limits]`, where the names have hyphens). What is not set has its
/// default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance in bytes, all its memories together. 16 MiB by default: enough for any compiled
    /// language with a document of several MiB. 128 MiB when the component is larger than 1 MiB and so has a language's
    /// runtime inside.
    pub memory_bytes: Option<u64>,
    /// Processor time of one call in milliseconds: instantiation, `configure` on a fresh instance, the decision, and
    /// what the host does for it meanwhile. Waiting does not count, nor does what other threads do, so a busy machine
    /// makes no plugin fail. Measured at the engine's ticks, so a call may overrun by two of them. 10 ms by default: a
    /// thousand times what a small policy needs; 250 ms for a component larger than 1 MiB.
    pub guest_time_ms: Option<u32>,
    /// What is added to the processor time for each MiB (or part of it) of documents that the call is about, in
    /// milliseconds, so that a long message is not a fault. 200 by default: four times what `sanitize-redact` needs.
    pub guest_time_ms_per_mib: u32,
    /// Time of one call by the clock on the wall in milliseconds, waiting for the host included. 5,000 by default:
    /// far above the processor time, so that only a plugin that waits for something meets it, on a busy machine too.
    pub wall_time_ms: u32,
    /// Bytes of documents, configuration and stored values that the host may hand over in one call; the call's head is
    /// not counted, the gate bounds it. 16 MiB by default, the longest document.
    pub bytes_in: u32,
    /// Bytes that the plugin may hand to the host in one host call, and in its answer. 8 MiB by default, half its
    /// memory: what replaces a document is there twice while it is made.
    pub bytes_out: u32,
    /// Lines in the log for one call; further lines are dropped and one line says so. 32 by default.
    pub log_lines: u32,
    /// Bytes in the log for one call, likewise. 8 KiB by default.
    pub log_bytes: u32,
    /// Calls of the plugin to the host in one call. 20,000 by default: four reads for each of 4,096 edits, and some.
    pub host_calls: u32,
    /// Resources (documents, buckets, streams) that one instance may hold at once. 256 by default.
    pub handles: u32,
    /// Elements of one instance's function tables, all together. 20,000 by default, twice what QuickJS has; 100,000 for
    /// a component larger than 1 MiB.
    pub table_elements: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            guest_time_ms: None,
            guest_time_ms_per_mib: 200,
            wall_time_ms: 5_000,
            bytes_in: 16 << 20,
            bytes_out: 8 << 20,
            log_lines: 32,
            log_bytes: 8 << 10,
            host_calls: 20_000,
            handles: 256,
            table_elements: None,
        }
    }
}

/// No plugin may have more memory than this: what a slot of the pool reserves of the address space.
pub(crate) const MEMORY_CEILING_BYTES: u64 = 1 << 30;
/// No plugin may have more table elements than this.
pub(crate) const TABLE_CEILING_ELEMENTS: u32 = 100_000;
/// No limit on time may be longer than ten minutes: a client has long gone.
const TIME_CEILING_MS: u32 = 600_000;

/// The limits of one loaded plugin, defaults filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) memory_bytes: usize,
    pub(crate) guest_time: Duration,
    pub(crate) guest_time_per_mib: Duration,
    pub(crate) wall_time: Duration,
    pub(crate) bytes_in: usize,
    pub(crate) bytes_out: usize,
    pub(crate) log_lines: u32,
    pub(crate) log_bytes: u32,
    pub(crate) host_calls: u32,
    pub(crate) handles: usize,
    pub(crate) table_elements: usize,
}

impl Bounds {
    /// The processor time of a call that is about so many bytes of documents.
    pub(crate) fn guest_time_for(&self, document_bytes: usize) -> Duration {
        let mibs = u32::try_from(document_bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        self.guest_time.saturating_add(self.guest_time_per_mib.saturating_mul(mibs))
    }
}

impl Limits {
    /// Fills in the defaults for a component of this weight, and refuses what is zero or above its ceiling.
    pub(crate) fn resolve(&self, plugin: &Arc<str>, weight: Weight) -> Result<Bounds, LoadError> {
        let within = |key: &'static str, value: u64, most: u64| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(LoadError::Limit { plugin: plugin.clone(), key, value, most })
        };
        let (memory, guest_time_ms, elements) = match weight {
            Weight::Light => (16 << 20, 10, 20_000),
            Weight::Heavy => (128 << 20, 250, 100_000),
        };
        let memory_bytes = self.memory_bytes.unwrap_or(memory);
        let guest_time_ms = self.guest_time_ms.unwrap_or(guest_time_ms);
        let table_elements = self.table_elements.unwrap_or(elements);
        let any = u64::from(u32::MAX);
        within("memory-bytes", memory_bytes, MEMORY_CEILING_BYTES)?;
        within("guest-time-ms", guest_time_ms.into(), TIME_CEILING_MS.into())?;
        within("guest-time-ms-per-mib", u64::from(self.guest_time_ms_per_mib).max(1), TIME_CEILING_MS.into())?;
        within("wall-time-ms", self.wall_time_ms.into(), TIME_CEILING_MS.into())?;
        within("bytes-in", self.bytes_in.into(), MEMORY_CEILING_BYTES)?;
        within("bytes-out", self.bytes_out.into(), MEMORY_CEILING_BYTES)?;
        within("host-calls", self.host_calls.into(), any)?;
        within("handles", self.handles.into(), 1 << 20)?;
        within("table-elements", table_elements.into(), TABLE_CEILING_ELEMENTS.into())?;
        Ok(Bounds {
            memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            guest_time: Duration::from_millis(guest_time_ms.into()),
            guest_time_per_mib: Duration::from_millis(self.guest_time_ms_per_mib.into()),
            wall_time: Duration::from_millis(self.wall_time_ms.into()),
            bytes_in: self.bytes_in as usize,
            bytes_out: self.bytes_out as usize,
            log_lines: self.log_lines,
            log_bytes: self.log_bytes,
            host_calls: self.host_calls,
            handles: self.handles as usize,
            table_elements: table_elements as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_defaults_and_ceilings() {
        #[track_caller]
        fn check(limits: &Limits, refused: Option<&str>) {
            let got = limits.resolve(&"p".into(), Weight::Light);
            let key = match got {
                Err(LoadError::Limit { key, .. }) => Some(key),
                _ => None,
            };
            assert_eq!(key, refused, "{limits:?}");
        }
        check(&Limits::default(), None);
        check(&Limits { memory_bytes: Some(2 << 30), ..Limits::default() }, Some("memory-bytes"));
        check(&Limits { guest_time_ms: Some(0), ..Limits::default() }, Some("guest-time-ms"));
        check(&Limits { wall_time_ms: 600_001, ..Limits::default() }, Some("wall-time-ms"));
        check(&Limits { table_elements: Some(100_001), ..Limits::default() }, Some("table-elements"));
        check(&Limits { log_lines: 0, log_bytes: 0, ..Limits::default() }, None);
    }

    #[test]
    fn a_long_document_gets_more_time() {
        let bounds = Limits::default().resolve(&"p".into(), Weight::Light).expect("defaults");
        for (bytes, ms) in [(0, 10), (1, 210), (1 << 20, 210), ((1 << 20) + 1, 410)] {
            assert_eq!(bounds.guest_time_for(bytes), Duration::from_millis(ms), "{bytes}");
        }
    }

    #[test]
    fn a_runtime_inside_gets_room() {
        let heavy = Limits::default().resolve(&"p".into(), Weight::Heavy).expect("defaults");
        assert_eq!((heavy.memory_bytes, heavy.guest_time), (128 << 20, Duration::from_millis(250)));
    }
}
