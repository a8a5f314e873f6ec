//! The system calls of a process that computes, takes memory, starts threads, and has three pipes. All others fail with
//! EPERM rather than end the process: a C library that tries something new goes on without it, as without a file that
//! is not there.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

/// Why there is no filter: an architecture that it does not know, or a kernel without.
pub(super) type Lacking = Box<dyn std::error::Error>;

const PLAIN: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Restricts this thread and those that it will start.
pub(super) fn restrict() -> Result<(), Lacking> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    // A filter cannot look into the structure that `clone3` takes; without it, C libraries use `clone`.
    let old_clone = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    install(old_clone, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()), architecture)?;
    install(allowed()?, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow, architecture)
}

fn install(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
    architecture: TargetArch,
) -> Result<(), Lacking> {
    let program: BpfProgram = SeccompFilter::new(rules, otherwise, matched, architecture)?.try_into()?;
    Ok(apply_filter(&program)?)
}

fn allowed() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = PLAIN.iter().map(|call| (*call, Vec::new())).collect();
    let number = |value: libc::c_int| u64::from(value.unsigned_abs());
    let is = |argument, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let has = |argument, bits, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits), value)
    };
    let one = |condition| SeccompRule::new(vec![condition]);
    let (thread, executable) = (number(libc::CLONE_THREAD), number(libc::PROT_EXEC));
    let anonymous = number(libc::MAP_ANONYMOUS);
    // The pipes, and no descriptor that the gate's own parent may have left open.
    rules.insert(libc::SYS_read, vec![one(is(0, 0)?)?]);
    rules.insert(libc::SYS_write, vec![one(is(0, 1)?)?, one(is(0, 2)?)?]);
    rules.insert(libc::SYS_writev, vec![one(is(0, 2)?)?]);
    // Memory, but no code: a compiler writes code, it does not run any.
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![has(2, executable, 0)?, has(3, anonymous, anonymous)?])?]);
    rules.insert(libc::SYS_mprotect, vec![one(has(2, executable, 0)?)?]);
    // Threads, but no processes.
    rules.insert(libc::SYS_clone, vec![one(has(0, thread, thread)?)?]);
    rules.insert(libc::SYS_clone3, Vec::new());
    // A thread's name, and the end by SIGABRT when there is no memory.
    rules.insert(libc::SYS_prctl, vec![one(is(0, number(libc::PR_SET_NAME))?)?]);
    let own = u64::from(std::process::id());
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, own)?, is(2, number(libc::SIGABRT))?])?]);
    Ok(rules)
}
