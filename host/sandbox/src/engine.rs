//! The two engines and their settings. Nothing here is a plugin's or an operator's to change.
//!
//! What a fresh instance costs is system calls, not code, so the light engine is set to make none: its pool keeps
//! memories resident and resets only the pages that a call has written, and its memories have no guard pages whose
//! protection would have to be changed. Components with a language runtime inside run in a second engine, which trusts
//! guard pages rather than code for their bounds, since they run for long; what a runtime has in its memory when it was
//! built is mapped, and of that only the pages that a call has written are put back.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::SandboxError;
use crate::limits::{
    CORE_INSTANCES_CEILING, MEMORIES_CEILING, MEMORY_CEILING_BYTES, STACK_BYTES, TABLE_CEILING_ELEMENTS, TABLES_CEILING,
};
use crate::recycle::Bases;

/// Which engine a component runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A compiled language: a fresh instance is nearly free.
    Light,
    /// A language runtime is inside.
    Heavy,
}

/// The largest light component. The standard plugins have up to 0.5 MiB; the smallest runtime seen, QuickJS, 1.6 MiB.
pub(crate) const LIGHT_BYTES: usize = 1 << 20;

impl Weight {
    /// Its name in a job and a file.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Heavy => "heavy",
        }
    }

    /// Memories and tables for each instance of its pool. A compiled language has its own table, and the one through which
    /// a linked component imports; what stands in a runtime's way to WASI may have a memory and a table of its own.
    pub(crate) fn parts(self) -> (u32, u32) {
        match self {
            Self::Light => (1, 2),
            Self::Heavy => (4, 4),
        }
    }

    /// By size alone: it is known before compiling, and an attacker gains nothing by either.
    pub(crate) fn of(component: &[u8]) -> Self {
        if component.len() > LIGHT_BYTES { Self::Heavy } else { Self::Light }
    }
}

/// The stack on which guest and host functions run, of which the host has what is above [`STACK_BYTES`]: the
/// deepest JSON within the gate's limit needs a tenth of it in a debug build. Address space only, until it is used.
const FIBER_STACK_BYTES: usize = 2 << 20;
/// Pages of a memory that stay resident for the next instance rather than go back to the system: what a small policy
/// touches with a document of a few MiB. Above it the rest is given back.
const MEMORY_RESIDENT_BYTES: usize = 4 << 20;
/// The same for tables; a Rust guest has some 100 elements.
const TABLE_RESIDENT_BYTES: usize = 64 << 10;
/// Slots of a runtime that stay warm while nobody uses them.
const HEAVY_WARM: u32 = 32;
/// Metadata of one instance: functions, globals, types. Grows with the component's size, which is limited.
const INSTANCE_METADATA_BYTES: usize = 1 << 20;

/// What both engines have in common: what is decided for the guest, not for its speed.
fn common() -> Config {
    let mut config = Config::new();
    config
        // A guest is stopped by the ticker, whatever it does.
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        // Defense in depth against a bug in the compiler, at a cost for each call; the stacks hold nothing that another
        // guest could ask for.
        .async_stack_zeroing(false)
        // Component-model async is experimental in this version, and its tables would be set up for each instance.
        .concurrency_support(false)
        // A recorded call can be run again exactly, on another machine too.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // No contract speaks of 64-bit memories, and they need other bounds checks.
        .wasm_memory64(false);
    config
}

/// Room for so many instances at once, whichever component each is of.
fn pool(weight: Weight, instances: u32) -> PoolingAllocationConfig {
    let (memories, tables) = weight.parts();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances.saturating_mul(memories))
        // Only counted, so that there are enough for whatever a component may have; a component with more memories or
        // tables than one has counts as several instances (see `Runner::load`).
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES_CEILING))
        .total_tables(instances.saturating_mul(tables))
        .max_core_instances_per_component(CORE_INSTANCES_CEILING)
        .max_memories_per_component(MEMORIES_CEILING)
        .max_tables_per_component(TABLES_CEILING)
        .max_memories_per_module(MEMORIES_CEILING)
        .max_tables_per_module(TABLES_CEILING)
        .max_component_instance_size(INSTANCE_METADATA_BYTES)
        .max_core_instance_size(INSTANCE_METADATA_BYTES)
        .max_memory_size(usize::try_from(MEMORY_CEILING_BYTES).unwrap_or(usize::MAX))
        .table_elements(TABLE_CEILING_ELEMENTS as usize)
        // Resets what was written and nothing else. Linux 6.7 and newer; elsewhere the resident part is rewritten.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(MEMORY_RESIDENT_BYTES)
        .table_keep_resident(TABLE_RESIDENT_BYTES);
    pool
}

/// The engine for light components; `instances` at once, and those that they are compared with.
pub(crate) fn light(instances: u32) -> Result<Engine, SandboxError> {
    let mut pool = pool(Weight::Light, instances.saturating_add(Bases::INSTANCES));
    // All slots of those that are asked stay warm. With none or few a chain of five plugins cost eight times as much.
    pool.max_unused_warm_slots(instances);
    let mut config = light_code();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    engine(&config)
}

/// What decides about light code, pool or no pool.
fn light_code() -> Config {
    let mut config = common();
    config
        // No guard pages, so no `mprotect` when a memory grows or is reset, and two threads scale. Bounds are checked
        // in code instead. Wasmtime then has no Spectre mitigation for them: see the crate's documentation.
        .signals_based_traps(false)
        .memory_guard_size(0)
        // The pool never moves a memory, so that code may know where it is.
        .memory_may_move(false)
        .memory_reservation(MEMORY_CEILING_BYTES);
    config
}

/// The engine for heavy components; `instances` at once. Each memory reserves 4 GiB of address space, with which bounds
/// need no check; a process that has not that much takes each from the system when it is needed.
pub(crate) fn heavy(instances: u32) -> Result<Engine, SandboxError> {
    let mut pool = pool(Weight::Heavy, instances);
    // What a slot keeps is megabytes here, and most gates have no such component, or few.
    pool.max_unused_warm_slots(HEAVY_WARM);
    let mut config = common();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    engine(&config).or_else(|_| engine(&common()))
}

/// An engine that compiles for one of the others and runs nothing, so that it reserves no pool.
pub(crate) fn compiling(weight: Weight) -> Result<Engine, SandboxError> {
    match weight {
        Weight::Light => engine(&light_code()),
        Weight::Heavy => engine(&common()),
    }
}

fn engine(config: &Config) -> Result<Engine, SandboxError> {
    Engine::new(config).map_err(|e| SandboxError::Engine(format!("{e:#}")))
}
