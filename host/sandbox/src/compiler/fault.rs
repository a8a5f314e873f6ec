/// Why the compiler gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompilerFault {
    /// Its threads together computed for too long.
    #[error(
        "compiling it took more than {limit_s} s of processor time; for a component that you trust, raise \
         `cpu-time-s` under [compiler]"
    )]
    CpuTime {
        /// What was allowed.
        limit_s: u64,
    },
    /// It took too long, computing or not.
    #[error(
        "compiling it took longer than {limit_s} s; for a component that you trust, or on a busy machine, raise \
         `wall-time-s` under [compiler]"
    )]
    WallTime {
        /// What was allowed.
        limit_s: u64,
    },
    /// It asked for too much memory.
    #[error(
        "compiling it takes more than {limit_bytes} bytes of memory; for a component that you trust, raise \
         `memory-bytes` under [compiler]"
    )]
    Memory {
        /// What was allowed.
        limit_bytes: u64,
    },
    /// The code is too long to be loaded.
    #[error("what it compiles to is longer than {limit_bytes} bytes, which no component of its size needs")]
    Output {
        /// What is allowed.
        limit_bytes: u64,
    },
    /// A signal that no limit sends.
    #[error("the compiler was ended by signal {signal}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Killed {
        /// The signal's number.
        signal: i32,
        /// Its last words.
        said: String,
    },
    /// It ended without an answer.
    #[error("the compiler failed: {said}")]
    Failed {
        /// Its last words, or how it ended.
        said: String,
    },
    /// Its answer is not for this program.
    #[error("the compiler's answer cannot be loaded: {said}; if `witgate` was replaced, start it anew")]
    Foreign {
        /// What is wrong with it.
        said: String,
    },
    /// There is no process for it.
    #[error("the compiler cannot be started: {cause}")]
    Start {
        /// The system's words.
        cause: String,
    },
}
