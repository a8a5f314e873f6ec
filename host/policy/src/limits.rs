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
    /// What is added to the processor time for each MiB of documents that the call is about, in milliseconds and in
    /// proportion, so that a long message is not a fault. 200 by default: four times what `sanitize-redact` needs.
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
    /// Core instances inside one instance of the component. 64 by default: a component of Python has 38.
    pub core_instances: u32,
    /// Linear memories of one instance. 8 by default: linkers make one, composed components one for each part.
    pub memories: u32,
    /// Tables of one instance. 16 by default, likewise.
    pub tables: u32,
    /// Edits in one verdict. 4,096 by default, the most that the contract has for a sanitizer; a validator's verdict has
    /// 256 at most in any case, since more is a rewrite.
    pub edits: u32,
    /// Bytes in the fields of one HTTP request or response of the plugin. 32 KiB by default: four times what servers
    /// commonly take.
    pub header_bytes: u32,
    /// HTTP requests in one call. 16 by default: a token endpoint, its keys, and some retries of each.
    pub requests: u32,
    /// HTTP requests of the plugin that are under way at once, all calls together. 16 by default.
    pub connections: u32,
    /// Bytes that one call may send and receive over HTTP, all requests together. 8 MiB by default.
    pub network_bytes: u32,
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
            core_instances: 64,
            memories: 8,
            tables: 16,
            edits: 4096,
            header_bytes: 32 << 10,
            requests: 16,
            connections: 16,
            network_bytes: 8 << 20,
        }
    }
}
