//! What one plugin may use. Every limit has a default that is safe for a stranger's plugin, and a ceiling that no
//! operator can lift, since the engine's own tables are sized by it.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Weight;
use witgate_policy::{LimitKey, Limits, answer};

use crate::error::LoadError;

/// No plugin may have more memory than this: what a slot of the pool reserves of the address space.
pub(crate) const MEMORY_CEILING_BYTES: u64 = 1 << 30;
/// No plugin may have more table elements than this.
pub(crate) const TABLE_CEILING_ELEMENTS: u32 = 100_000;
/// No plugin may have more core instances, memories and tables than this: what a component linked of dozens of parts
/// has, and what the light engine's pool is told to accept.
pub(crate) const CORE_INSTANCES_CEILING: u32 = 1 << 10;
/// See [`CORE_INSTANCES_CEILING`].
pub(crate) const MEMORIES_CEILING: u32 = 64;
/// See [`CORE_INSTANCES_CEILING`].
pub(crate) const TABLES_CEILING: u32 = 64;
/// How much a guest may nest its calls. Wasmtime's default; a stack overflow is a fault long before the host's own.
pub(crate) const STACK_BYTES: usize = 512 << 10;
/// No limit on time may be longer than ten minutes: a client has long gone.
const TIME_CEILING_MS: u32 = 600_000;

/// Which ceiling a component is above, by the words with which the light engine's pool refuses it. What is below them
/// and above the plugin's own limit is found when the first instance is made.
pub(crate) fn ceiling(refusal: &str) -> Option<(LimitKey, u64)> {
    let words = [
        ("minimum byte size", LimitKey::MemoryBytes, MEMORY_CEILING_BYTES),
        ("minimum element size", LimitKey::TableElements, TABLE_CEILING_ELEMENTS.into()),
        ("Wasm linear memories, which exceeds", LimitKey::Memories, MEMORIES_CEILING.into()),
        ("defined memories count", LimitKey::Memories, MEMORIES_CEILING.into()),
        ("tables, which exceeds", LimitKey::Tables, TABLES_CEILING.into()),
        ("defined tables count", LimitKey::Tables, TABLES_CEILING.into()),
        ("core module instances, which exceeds", LimitKey::CoreInstances, CORE_INSTANCES_CEILING.into()),
    ];
    words.into_iter().find(|(words, ..)| refusal.contains(words)).map(|(_, key, most)| (key, most))
}

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
        let bytes = u128::try_from(document_bytes).unwrap_or(u128::MAX);
        let more = self.guest_time_per_mib.as_nanos().saturating_mul(bytes) >> 20;
        self.guest_time.saturating_add(Duration::from_nanos(u64::try_from(more).unwrap_or(u64::MAX)))
    }

    /// The number that a limit is.
    pub(crate) fn of_key(&self, key: LimitKey) -> u64 {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match key {
            LimitKey::MemoryBytes => self.memory_bytes as u64,
            LimitKey::TableElements => self.table_elements as u64,
            LimitKey::Memories => self.memories as u64,
            LimitKey::Tables => self.tables as u64,
            LimitKey::CoreInstances => self.core_instances as u64,
            LimitKey::Stack => STACK_BYTES as u64,
            LimitKey::GuestTime => ms(self.guest_time),
            LimitKey::WallTime => ms(self.wall_time),
            LimitKey::BytesIn => self.bytes_in as u64,
            LimitKey::BytesOut => self.bytes_out as u64,
            LimitKey::Edits => self.edits as u64,
            LimitKey::HostCalls => self.host_calls.into(),
            LimitKey::Handles => self.handles as u64,
            LimitKey::HeaderBytes => self.header_bytes as u64,
            LimitKey::Requests => self.requests.into(),
            LimitKey::Connections => self.connections as u64,
            LimitKey::NetworkBytes => self.network_bytes as u64,
        }
    }

    /// Fills in the defaults for a component of this weight, and refuses what is zero or above its ceiling.
    pub(crate) fn of(limits: &Limits, plugin: &Arc<str>, weight: Weight) -> Result<Self, LoadError> {
        let within = |key: &'static str, value: u64, most: u64| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(LoadError::Limit { plugin: plugin.clone(), key, value, most })
        };
        let (memory, guest_time_ms, elements) = usual(weight);
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
        within("core-instances", limits.core_instances.into(), CORE_INSTANCES_CEILING.into())?;
        within("memories", limits.memories.into(), MEMORIES_CEILING.into())?;
        within("tables", limits.tables.into(), TABLES_CEILING.into())?;
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

/// `memory-bytes`, `guest-time-ms` and `table-elements` where they are not set.
pub(crate) const fn usual(weight: Weight) -> (u64, u32, u32) {
    match weight {
        Weight::Light => (16 << 20, 10, 20_000),
        Weight::Heavy => (128 << 20, 250, 100_000),
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
        check(&Limits { core_instances: 1025, ..Limits::default() }, Some("core-instances"));
        check(&Limits { memories: 65, ..Limits::default() }, Some("memories"));
        check(&Limits { tables: 0, ..Limits::default() }, Some("tables"));
        check(&Limits { edits: 4097, ..Limits::default() }, Some("edits"));
        check(&Limits { handles: 0, ..Limits::default() }, Some("handles"));
        check(&Limits { network_bytes: 0, ..Limits::default() }, Some("network-bytes"));
        check(&Limits { table_elements: Some(100_001), ..Limits::default() }, Some("table-elements"));
        check(&Limits { log_lines: 0, log_bytes: 0, ..Limits::default() }, None);
    }

    #[test]
    fn a_long_document_gets_more_time() {
        let bounds = Bounds::of(&Limits::default(), &"p".into(), Weight::Light).expect("defaults");
        for (bytes, ms) in [(0, 10), (1 << 10, 10), (1 << 19, 110), (1 << 20, 210), (10 << 20, 2010)] {
            assert_eq!(bounds.guest_time_for(bytes).as_millis(), ms, "{bytes}");
        }
    }

    #[test]
    fn a_runtime_inside_gets_room() {
        let heavy = Bounds::of(&Limits::default(), &"p".into(), Weight::Heavy).expect("defaults");
        assert_eq!((heavy.memory_bytes, heavy.guest_time), (128 << 20, Duration::from_millis(250)));
    }
}
