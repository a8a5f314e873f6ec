use schemars::JsonSchema;
use serde::Deserialize;

macro_rules! limits {
    ($($(#[$meta:meta])* $key:literal $field:ident: $type:ty,)*) => {
        /// What one decision of a plugin may cost. The defaults are safe for strangers.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        #[schemars(rename = "Limits")]
        pub(crate) struct RawLimits {
            $($(#[$meta])* #[serde(rename = $key)] pub $field: Option<$type>,)*
        }

        impl RawLimits {
            /// Each limit that is written, with its key.
            pub(crate) fn written(&self) -> Vec<(&'static str, u64)> {
                [$(($key, self.$field.map(u64::from)),)*].into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
            }
        }
    };
}

limits! {
    /// Memory of one instance in bytes, all its memories together. 16 MiB by default: enough for any compiled language
    /// with a document of several MiB. 128 MiB for a component of more than 1 MiB, which has a language's runtime inside.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    "memory-bytes" memory_bytes: u64,
    /// Processor time of one call in milliseconds: instantiation, `configure` on a fresh instance, the decision, and what
    /// the host does for it meanwhile. Waiting does not count, nor does what others do on the machine. 10 by default: a
    /// thousand times what a small policy needs; 250 for a component of more than 1 MiB.
    #[schemars(range(min = 1, max = 600_000))]
    "guest-time-ms" guest_time_ms: u32,
    /// What is added to the processor time for each MiB of documents that the call is about, in milliseconds and in
    /// proportion, so that a long message is not a fault. The default is four times what `sanitize-redact` needs.
    #[schemars(range(min = 0, max = 600_000), extend("default" = 200))]
    "guest-time-ms-per-mib" guest_time_ms_per_mib: u32,
    /// Time of one call by the clock on the wall, waiting for the host included, in milliseconds. Far above the processor
    /// time, so that only a plugin that waits for something meets it, on a busy machine too.
    #[schemars(range(min = 1, max = 600_000), extend("default" = 5_000))]
    "wall-time-ms" wall_time_ms: u32,
    /// What the host hands over in one call, in bytes: documents, configuration and stored values. The default is the
    /// longest document.
    #[schemars(range(min = 1, max = 1_073_741_824), extend("default" = 16_777_216))]
    "bytes-in" bytes_in: u32,
    /// What the plugin hands to the host in one host call, and in its answer, in bytes. The default is half its memory:
    /// what replaces a document is there twice while it is made.
    #[schemars(range(min = 1, max = 1_073_741_824), extend("default" = 8_388_608))]
    "bytes-out" bytes_out: u32,
    /// Lines in the log for one call; further ones are dropped, and one line says so. The default tells a story, and
    /// floods no disk.
    #[schemars(range(min = 0, max = 100_000), extend("default" = 32))]
    "log-lines" log_lines: u32,
    /// Bytes in the log for one call, likewise.
    #[schemars(range(min = 0, max = 16_777_216), extend("default" = 8_192))]
    "log-bytes" log_bytes: u32,
    /// Calls of the plugin to the host in one call. The default is four reads for each of 4,096 edits, and some.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("default" = 20_000))]
    "host-calls" host_calls: u32,
    /// Resources of the host (documents, buckets, streams) that one instance holds at once. The default is far above what
    /// a plugin that lets go of them has.
    #[schemars(range(min = 1, max = 1_048_576), extend("default" = 256))]
    "handles" handles: u32,
    /// Elements of one instance's function tables, all together. 20,000 by default, twice what QuickJS has; 100,000 for a
    /// component of more than 1 MiB.
    #[schemars(range(min = 1, max = 100_000))]
    "table-elements" table_elements: u32,
    /// Core instances inside one instance of the component. A component of Python has 38.
    #[schemars(range(min = 1, max = 1_024), extend("default" = 64))]
    "core-instances" core_instances: u32,
    /// Linear memories of one instance. Linkers make one, composed components one for each part.
    #[schemars(range(min = 1, max = 64), extend("default" = 8))]
    "memories" memories: u32,
    /// Tables of one instance, likewise.
    #[schemars(range(min = 1, max = 64), extend("default" = 16))]
    "tables" tables: u32,
    /// Edits in one verdict. More is a rewrite, for which there is `replace`; the verdict of a validator has 256 at most in
    /// any case.
    #[schemars(range(min = 1, max = 4_096), extend("default" = 4_096))]
    "edits" edits: u32,
    /// Bytes in the fields of one HTTP request or response of the plugin. The default is four times what servers commonly
    /// take.
    #[schemars(range(min = 1, max = 1_048_576), extend("default" = 32_768))]
    "header-bytes" header_bytes: u32,
    /// HTTP requests in one call. The default is a token endpoint, its keys, and some retries of each.
    #[schemars(range(min = 1, max = 1_000_000), extend("default" = 16))]
    "requests" requests: u32,
    /// HTTP requests of the plugin that are under way at once, all its calls together. The default is half of what its
    /// tenant has.
    #[schemars(range(min = 1, max = 65_536), extend("default" = 16))]
    "connections" connections: u32,
    /// What one call sends and receives over HTTP, all requests together, in bytes. The default is half of what a document
    /// may have.
    #[schemars(range(min = 1, max = 1_073_741_824), extend("default" = 8_388_608))]
    "network-bytes" network_bytes: u32,
}
