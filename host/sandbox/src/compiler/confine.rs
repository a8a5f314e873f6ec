//! What a child gives up before it reads a byte of a component: processor time, memory, files, other processes.
//!
//! Limits must hold, or there is no child. Landlock and seccomp hold where the kernel has them, and the answer says so:
//! they are for a compiler that was taken over, which is wasmtime's fault to begin with.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use super::frame::Confinement;
use super::job::Job;

/// Address space beyond the memory that may be written: the program itself, and what the allocator of each thread
/// reserves (64 MiB in glibc, twice that for a moment).
const RESERVED_BYTES: u64 = 1 << 30;
/// Standard input, output and error, and no other.
const DESCRIPTORS: u64 = 3;
/// From SIGXCPU, which says why, to SIGKILL, for a process that was told to ignore it.
const GRACE_S: u64 = 1;
/// A gate under load goes before a compiler: at this priority a process gets a third of what others get.
const NICENESS: i32 = 5;

/// Gives up everything but what [`Job`] allows. There must be one thread yet: what it starts inherits all of this.
pub(super) fn confine(job: &Job) -> io::Result<Confinement> {
    lower(Resource::Core, 0, 0)?;
    lower(Resource::Fsize, 0, 0)?;
    lower(Resource::Nofile, DESCRIPTORS, DESCRIPTORS)?;
    lower(Resource::Cpu, job.cpu_time_s, job.cpu_time_s.saturating_add(GRACE_S))?;
    lower(Resource::Data, job.memory_bytes, job.memory_bytes)?;
    let space = job.memory_bytes.saturating_add(RESERVED_BYTES);
    lower(Resource::As, space, space)?;
    // A wish only.
    let _ = setpriority_process(None, NICENESS);
    Ok(kernel())
}

/// Never above what the gate itself was given.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let maximum = hard.min(inherited);
    setrlimit(resource, Rlimit { current: Some(soft.min(maximum)), maximum: Some(maximum) })?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn kernel() -> Confinement {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // Neither traced nor read by others of the same user. An old kernel that cannot is no reason to stop.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // Both set `no_new_privs`. Landlock's own system calls are not on the list of the other.
    Confinement { landlock: landlock().unwrap_or(false), seccomp: super::syscalls::restrict().is_ok() }
}

#[cfg(not(target_os = "linux"))]
fn kernel() -> Confinement {
    Confinement::default()
}

/// No path, no port, no socket or process outside: all that this kernel's Landlock knows, and nothing is allowed.
#[cfg(target_os = "linux")]
fn landlock() -> Result<bool, landlock::RulesetError> {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    let newest = ABI::V9;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
