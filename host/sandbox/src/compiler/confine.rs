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
    // Before there are no descriptors left, of which it needs one.
    let landlock = landlock();
    lower(Resource::Core, 0, 0)?;
    lower(Resource::Fsize, 0, 0)?;
    lower(Resource::Nofile, DESCRIPTORS, DESCRIPTORS)?;
    lower(Resource::Cpu, job.cpu_time_s, job.cpu_time_s.saturating_add(GRACE_S))?;
    lower(Resource::Data, job.memory_bytes, job.memory_bytes)?;
    let space = job.memory_bytes.saturating_add(RESERVED_BYTES);
    lower(Resource::As, space, space)?;
    // A wish only.
    let _ = setpriority_process(None, NICENESS);
    Ok(Confinement { landlock, seccomp: seccomp() })
}

/// Never above what the gate itself was given.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let maximum = hard.min(inherited);
    setrlimit(resource, Rlimit { current: Some(soft.min(maximum)), maximum: Some(maximum) })?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn seccomp() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // Neither traced nor read by others of the same user. An old kernel that cannot is no reason to stop.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    super::syscalls::restrict().is_ok()
}

#[cfg(not(target_os = "linux"))]
fn seccomp() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn landlock() -> bool {
    nothing_allowed().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn landlock() -> bool {
    false
}

/// No path, no port, no socket or process outside: all that this kernel's Landlock knows, and nothing is allowed.
#[cfg(target_os = "linux")]
fn nothing_allowed() -> Result<bool, landlock::RulesetError> {
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use super::*;
    use crate::engine::Weight;

    /// Tells the test that it is to be the confined process.
    const INSIDE: &str = "WITGATE_TEST_CONFINED";

    /// It cannot be undone, so it happens in a process of its own: this test, once more.
    #[test]
    fn a_confined_process_reaches_nothing() {
        if std::env::var_os(INSIDE).is_some() {
            return inside();
        }
        let name = "compiler::confine::tests::a_confined_process_reaches_nothing";
        let program = std::env::current_exe().expect("a program");
        let done =
            Command::new(program).args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output().expect("runs");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(said.contains("all was refused"), "{said}{}", String::from_utf8_lossy(&done.stderr));
    }

    fn kernel_has_landlock() -> bool {
        use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        ruleset.handle_access(AccessFs::from_all(ABI::V1)).is_ok()
    }

    fn inside() {
        // What it might have opened before.
        let open = File::open("/proc/self/stat").expect("opens");
        let has_landlock = kernel_has_landlock();
        let job = Job { weight: Weight::Light, memory_bytes: 256 << 20, cpu_time_s: 60 };
        let done = confine(&job).expect("limits");
        assert!(done.seccomp, "this kernel has no seccomp");
        assert_eq!(done.landlock, has_landlock);
        let refused = |what: &str, result: io::Result<()>| {
            let cause = result.expect_err(what);
            assert!(matches!(cause.raw_os_error(), Some(libc::EPERM | libc::EACCES)), "{what}: {cause}");
        };
        refused("file", File::open("/etc/hostname").map(drop));
        refused("itself", File::open("/proc/self/mem").map(drop));
        refused("new file", File::create("/tmp/witgate-confined").map(drop));
        refused("open file", io::Read::read(&mut &open, &mut [0; 1]).map(drop));
        refused("listener", TcpListener::bind("127.0.0.1:0").map(drop));
        refused("stream", TcpStream::connect("127.0.0.1:1").map(drop));
        refused("datagrams", UdpSocket::bind("127.0.0.1:0").map(drop));
        refused("local stream", UnixStream::pair().map(drop));
        refused("process", Command::new("/bin/true").status().map(drop));
        refused("rename", std::fs::rename("/tmp/a", "/tmp/b"));
        refused("signal", rustix::process::test_kill_process(rustix::process::Pid::INIT).map_err(Into::into));
        refused("more time", setrlimit(Resource::Cpu, Rlimit { current: None, maximum: None }).map_err(Into::into));
        let sum = std::thread::spawn(|| (0..1000_u64).sum::<u64>()).join().expect("threads are needed");
        assert_eq!(sum, 499_500);
        assert!(Vec::<u8>::new().try_reserve_exact(512 << 20).is_err(), "memory has no limit");
        io::Write::write_all(&mut io::stdout(), b"all was refused\n").expect("writes");
    }
}
