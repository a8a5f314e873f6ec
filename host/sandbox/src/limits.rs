//! What one plugin may use. Every limit has a default that is safe for a stranger's plugin, and a ceiling that no
//! operator can lift, since the engine's own tables are sized by it.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Weight;
use witgate_policy::{Limits, answer};

use crate::error::LoadError;

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
    pub(crate) core_instances: usize,
    pub(crate) memories: usize,
    pub(crate) tables: usize,
    pub(crate) edits: usize,
    pub(crate) header_bytes: usize,
    pub(crate) requests: u32,
    pub(crate) connections: usize,
    pub(crate) network_bytes: usize,
}

impl Bounds {
    /// The processor time of a call that is about so many bytes of documents.
    pub(crate) fn guest_time_for(&self, document_bytes: usize) -> Duration {
        let mibs = u32::try_from(document_bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        self.guest_time.saturating_add(self.guest_time_per_mib.saturating_mul(mibs))
    }

    /// Fills in the defaults for a component of this weight, and refuses what is zero or above its ceiling.
    pub(crate) fn of(limits: &Limits, plugin: &Arc<str>, weight: Weight) -> Result<Self, LoadError> {
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
        let memory_bytes = limits.memory_bytes.unwrap_or(memory);
        let guest_time_ms = limits.guest_time_ms.unwrap_or(guest_time_ms);
        let table_elements = limits.table_elements.unwrap_or(elements);
        let any = u64::from(u32::MAX);
        within("memory-bytes", memory_bytes, MEMORY_CEILING_BYTES)?;
        within("guest-time-ms", guest_time_ms.into(), TIME_CEILING_MS.into())?;
        within("guest-time-ms-per-mib", u64::from(limits.guest_time_ms_per_mib).max(1), TIME_CEILING_MS.into())?;
        within("wall-time-ms", limits.wall_time_ms.into(), TIME_CEILING_MS.into())?;
        within("bytes-in", limits.bytes_in.into(), MEMORY_CEILING_BYTES)?;
        within("bytes-out", limits.bytes_out.into(), MEMORY_CEILING_BYTES)?;
        within("host-calls", limits.host_calls.into(), any)?;
        within("handles", limits.handles.into(), 1 << 20)?;
        within("core-instances", limits.core_instances.into(), 1 << 10)?;
        within("memories", limits.memories.into(), 64)?;
        within("tables", limits.tables.into(), 64)?;
        within("edits", limits.edits.into(), answer::SANITIZE_EDITS as u64)?;
        within("header-bytes", limits.header_bytes.into(), 1 << 20)?;
        within("requests", limits.requests.into(), any)?;
        within("connections", limits.connections.into(), 1 << 16)?;
        within("network-bytes", limits.network_bytes.into(), MEMORY_CEILING_BYTES)?;
        within("table-elements", table_elements.into(), TABLE_CEILING_ELEMENTS.into())?;
        Ok(Self {
            memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            guest_time: Duration::from_millis(guest_time_ms.into()),
            guest_time_per_mib: Duration::from_millis(limits.guest_time_ms_per_mib.into()),
            wall_time: Duration::from_millis(limits.wall_time_ms.into()),
            bytes_in: limits.bytes_in as usize,
            bytes_out: limits.bytes_out as usize,
            log_lines: limits.log_lines,
            log_bytes: limits.log_bytes,
            host_calls: limits.host_calls,
            handles: limits.handles as usize,
            table_elements: table_elements as usize,
            core_instances: limits.core_instances as usize,
            memories: limits.memories as usize,
            tables: limits.tables as usize,
            edits: limits.edits as usize,
            header_bytes: limits.header_bytes as usize,
            requests: limits.requests,
            connections: limits.connections as usize,
            network_bytes: limits.network_bytes as usize,
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
            let got = Bounds::of(limits, &"p".into(), Weight::Light);
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
        let bounds = Bounds::of(&Limits::default(), &"p".into(), Weight::Light).expect("defaults");
        for (bytes, ms) in [(0, 10), (1, 210), (1 << 20, 210), ((1 << 20) + 1, 410)] {
            assert_eq!(bounds.guest_time_for(bytes), Duration::from_millis(ms), "{bytes}");
        }
    }

    #[test]
    fn a_runtime_inside_gets_room() {
        let heavy = Bounds::of(&Limits::default(), &"p".into(), Weight::Heavy).expect("defaults");
        assert_eq!((heavy.memory_bytes, heavy.guest_time), (128 << 20, Duration::from_millis(250)));
    }
}
