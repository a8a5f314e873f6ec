use std::cmp::min;

use witgate_policy::Limits;

use super::raw::RawLimits;

/// The largest values of the limits that have no default until the component is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Most {
    /// Of `memory-bytes`.
    pub memory_bytes: Option<u64>,
    /// Of `guest-time-ms`.
    pub guest_time_ms: Option<u32>,
    /// Of `table-elements`.
    pub table_elements: Option<u32>,
}

impl From<&RawLimits> for Most {
    fn from(ceiling: &RawLimits) -> Self {
        Self {
            memory_bytes: ceiling.memory_bytes,
            guest_time_ms: ceiling.guest_time_ms,
            table_elements: ceiling.table_elements,
        }
    }
}

/// What is written; else the default, or the ceiling where that is lower.
pub(super) fn limits(raw: &RawLimits, ceiling: &RawLimits) -> Limits {
    let default = Limits::default();
    let pick = |written: Option<u32>, ceiling: Option<u32>, default: u32| {
        written.unwrap_or_else(|| ceiling.map_or(default, |most| min(most, default)))
    };
    Limits {
        memory_bytes: raw.memory_bytes,
        guest_time_ms: raw.guest_time_ms,
        guest_time_ms_per_mib: pick(
            raw.guest_time_ms_per_mib,
            ceiling.guest_time_ms_per_mib,
            default.guest_time_ms_per_mib,
        ),
        wall_time_ms: pick(raw.wall_time_ms, ceiling.wall_time_ms, default.wall_time_ms),
        bytes_in: pick(raw.bytes_in, ceiling.bytes_in, default.bytes_in),
        bytes_out: pick(raw.bytes_out, ceiling.bytes_out, default.bytes_out),
        log_lines: pick(raw.log_lines, ceiling.log_lines, default.log_lines),
        log_bytes: pick(raw.log_bytes, ceiling.log_bytes, default.log_bytes),
        host_calls: pick(raw.host_calls, ceiling.host_calls, default.host_calls),
        handles: pick(raw.handles, ceiling.handles, default.handles),
        table_elements: raw.table_elements,
        core_instances: pick(raw.core_instances, ceiling.core_instances, default.core_instances),
        memories: pick(raw.memories, ceiling.memories, default.memories),
        tables: pick(raw.tables, ceiling.tables, default.tables),
        edits: pick(raw.edits, ceiling.edits, default.edits),
        header_bytes: pick(raw.header_bytes, ceiling.header_bytes, default.header_bytes),
        requests: pick(raw.requests, ceiling.requests, default.requests),
        connections: pick(raw.connections, ceiling.connections, default.connections),
        network_bytes: pick(raw.network_bytes, ceiling.network_bytes, default.network_bytes),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    fn raw(members: Map<String, Value>) -> RawLimits {
        serde_json::from_value(Value::Object(members)).expect("limits")
    }

    fn described(member: &str) -> Map<String, Value> {
        let limits = crate::schema()["$defs"]["Limits"]["properties"].as_object().expect("limits");
        let described = limits.iter().filter_map(|(key, schema)| Some((key.clone(), schema.get(member)?.clone())));
        described.collect()
    }

    #[test]
    fn the_defaults_that_are_described_are_the_defaults() {
        let described = described("default");
        assert_eq!(described.len(), 16);
        assert_eq!(limits(&raw(described), &RawLimits::default()), Limits::default());
    }

    #[test]
    fn a_ceiling_lowers_defaults_and_leaves_what_is_written() {
        let lowest = raw(described("minimum"));
        let lowered = limits(&RawLimits::default(), &lowest);
        assert_eq!(
            lowered,
            Limits { memory_bytes: None, guest_time_ms: None, table_elements: None, ..limits(&lowest, &lowest) }
        );
        let highest = raw(described("maximum"));
        assert_eq!(limits(&RawLimits::default(), &highest), Limits::default());
        let written = raw(Map::from_iter([("edits".to_owned(), json!(7))]));
        assert_eq!(limits(&written, &lowest).edits, 7);
    }
}
