use std::time::Duration;

/// The limits that a plugin can run into, by their keys under `[plugin.limits]`: a closed list. Those on the log are not
/// among them, since a line too many is dropped and is no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// Linear memory.
    MemoryBytes,
    /// Elements of tables.
    TableElements,
    /// Linear memories.
    Memories,
    /// Tables.
    Tables,
    /// Core instances.
    CoreInstances,
    /// The guest's stack. The one limit that is the host's own and nobody's to set.
    Stack,
    /// Processor time.
    GuestTime,
    /// Time by the clock on the wall.
    WallTime,
    /// What the host hands over.
    BytesIn,
    /// What the plugin hands over.
    BytesOut,
    /// Edits in one verdict.
    Edits,
    /// Calls to the host.
    HostCalls,
    /// Resources held at once.
    Handles,
    /// The fields of one HTTP message.
    HeaderBytes,
    /// HTTP requests of one call.
    Requests,
    /// HTTP requests at once.
    Connections,
    /// Bytes over the network.
    NetworkBytes,
}

impl LimitKey {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::MemoryBytes,
        Self::TableElements,
        Self::Memories,
        Self::Tables,
        Self::CoreInstances,
        Self::Stack,
        Self::GuestTime,
        Self::WallTime,
        Self::BytesIn,
        Self::BytesOut,
        Self::Edits,
        Self::HostCalls,
        Self::Handles,
        Self::HeaderBytes,
        Self::Requests,
        Self::Connections,
        Self::NetworkBytes,
    ];

    /// The key in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MemoryBytes => "memory-bytes",
            Self::TableElements => "table-elements",
            Self::Memories => "memories",
            Self::Tables => "tables",
            Self::CoreInstances => "core-instances",
            Self::Stack => "stack",
            Self::GuestTime => "guest-time-ms",
            Self::WallTime => "wall-time-ms",
            Self::BytesIn => "bytes-in",
            Self::BytesOut => "bytes-out",
            Self::Edits => "edits",
            Self::HostCalls => "host-calls",
            Self::Handles => "handles",
            Self::HeaderBytes => "header-bytes",
            Self::Requests => "requests",
            Self::Connections => "connections",
            Self::NetworkBytes => "network-bytes",
        }
    }

    /// What there is only so much of.
    const fn what(self) -> &'static str {
        match self {
            Self::MemoryBytes => "memory",
            Self::TableElements => "table space",
            Self::Memories => "memories",
            Self::Tables => "tables",
            Self::CoreInstances => "core instances",
            Self::Stack => "stack",
            Self::GuestTime => "guest time",
            Self::WallTime => "wall-clock time",
            Self::BytesIn => "input",
            Self::BytesOut => "output",
            Self::Edits => "edits",
            Self::HostCalls => "host calls",
            Self::Handles => "handles",
            Self::HeaderBytes => "header bytes",
            Self::Requests => "requests",
            Self::Connections => "requests at once",
            Self::NetworkBytes => "network traffic",
        }
    }
}

impl std::fmt::Display for LimitKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a plugin failed to decide. Whatever the cause, the instance is gone and the call is denied unless the operator
/// chose otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The guest trapped: it panicked, divided by zero, read out of bounds.
    #[error("trapped: {0}")]
    Trap(String),
    /// The guest computed, or the hook with its host calls lasted, longer than it may.
    #[error("took longer than its limit of {limit:?} of {} (`{key}`){}", key.what(), advice(*key))]
    Deadline {
        /// Which time is meant.
        key: LimitKey,
        /// The limit that was passed.
        limit: Duration,
    },
    /// The guest asked for more memory, table space or stack than it may have.
    #[error("asked for more {} (`{key}` = {limit}) than its limit allows{}", key.what(), advice(*key))]
    Memory {
        /// What there was too much of.
        key: LimitKey,
        /// How much there may be.
        limit: u64,
    },
    /// The guest did more of something in one call than it may.
    #[error("needed more {} (`{key}` = {limit}) than its limit allows{}", key.what(), advice(*key))]
    Limit {
        /// What there was too much of.
        key: LimitKey,
        /// How much there may be.
        limit: u64,
    },
    /// The guest answered something that the contract does not allow.
    #[error("answered outside the contract: {0}")]
    BadVerdict(String),
    /// The plugin could not be asked.
    #[error("cannot be asked: {0}")]
    Unavailable(String),
}

/// What an operator can do about a limit.
const fn advice(key: LimitKey) -> &'static str {
    match key {
        LimitKey::GuestTime => {
            "; raise it, or for long documents `guest-time-ms-per-mib`, under [plugin.limits] if the plugin is meant to \
             need more"
        }
        LimitKey::Stack => "; it nests its calls too deeply, and no setting changes that",
        _ => "; raise it under [plugin.limits] if the plugin is meant to need more",
    }
}

impl Fault {
    /// One word for logs and metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } => "memory",
            Self::Limit { .. } => "limit",
            Self::BadVerdict(_) => "bad-verdict",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The limit that was run into, if it is one.
    pub const fn limit(&self) -> Option<LimitKey> {
        match self {
            Self::Deadline { key, .. } | Self::Memory { key, .. } | Self::Limit { key, .. } => Some(*key),
            Self::Trap(_) | Self::BadVerdict(_) | Self::Unavailable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_which_limit_and_what_to_do() {
        #[track_caller]
        fn check(fault: &Fault, key: Option<LimitKey>, want: &str) {
            assert_eq!((fault.limit(), fault.to_string().as_str()), (key, want));
        }
        check(
            &Fault::Memory { key: LimitKey::MemoryBytes, limit: 16 },
            Some(LimitKey::MemoryBytes),
            "asked for more memory (`memory-bytes` = 16) than its limit allows; raise it under [plugin.limits] if the \
             plugin is meant to need more",
        );
        check(
            &Fault::Memory { key: LimitKey::Stack, limit: 512 },
            Some(LimitKey::Stack),
            "asked for more stack (`stack` = 512) than its limit allows; it nests its calls too deeply, and no setting \
             changes that",
        );
        check(
            &Fault::Deadline { key: LimitKey::GuestTime, limit: Duration::from_millis(10) },
            Some(LimitKey::GuestTime),
            "took longer than its limit of 10ms of guest time (`guest-time-ms`); raise it, or for long documents \
             `guest-time-ms-per-mib`, under [plugin.limits] if the \
             plugin is meant to need more",
        );
        check(
            &Fault::Limit { key: LimitKey::HostCalls, limit: 2 },
            Some(LimitKey::HostCalls),
            "needed more host calls (`host-calls` = 2) than its limit allows; raise it under [plugin.limits] if the \
             plugin is meant to need more",
        );
        check(&Fault::Trap("x".into()), None, "trapped: x");
    }

    #[test]
    fn every_key_is_its_own() {
        for (at, key) in LimitKey::ALL.iter().enumerate() {
            assert_eq!(LimitKey::ALL.iter().position(|other| other.as_str() == key.as_str()), Some(at), "{key}");
        }
    }
}
