//! What a configuration may ask of this process while it is loaded: environment variables, and commands for secrets.
//!
//! A command runs without a shell, with nothing to read, in a process group of its own that is ended with it. What it
//! writes to its standard output is a secret: it is in no error, and read up to a bound.

use std::path::PathBuf;
use std::process::Stdio;

use crate::telemetry;
use tokio::io::{AsyncRead, AsyncReadExt};
use witgate_config::diagnostic::Problems;
use witgate_config::source::Command;
use witgate_config::{Config, Origin, Surroundings};

use crate::{cli, control};

/// What is read of a command's complaints.
const COMPLAINT_BYTES: usize = 4 << 10;
/// What is shown of them.
const COMPLAINT_CHARS: usize = 200;

/// Loads a configuration; from here on its secrets are kept out of the log. Blocks for as long as its commands take: not for a thread that serves.
pub fn load(origin: &Origin) -> Result<Config, Problems> {
    let environment = |name: &str| std::env::var(name).ok();
    let config = Config::load(origin, &Surroundings { environment: &environment, run: &run, own: &own() })?;
    telemetry::hide(&config.secrets);
    Ok(config)
}

/// What this gate has besides what a configuration names: the usual cache and the control sockets.
pub(crate) fn own() -> Vec<PathBuf> {
    let mut own = vec![control::folder()];
    own.extend(cli::usual_cache());
    own
}

fn run(command: &Command) -> Result<String, String> {
    // A runtime of its own: the process may have none yet, and its loading ends where this does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| format!("cannot be run: {cause}"))?.block_on(answer(command))
}

async fn answer(command: &Command) -> Result<String, String> {
    let mut starting = tokio::process::Command::new(&command.program);
    starting.args(&command.arguments).kill_on_drop(true);
    starting.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    starting.process_group(0);
    let mut child = starting.spawn().map_err(|cause| format!("cannot be started: {cause}"))?;
    let group = Group(child.id());
    let (out, complaint) = (child.stdout.take(), child.stderr.take());
    let all =
        async { tokio::join!(bounded(out, command.output_bytes), bounded(complaint, COMPLAINT_BYTES), child.wait()) };
    let Ok((out, complaint, status)) = tokio::time::timeout(command.timeout, all).await else {
        drop(group);
        return Err(format!("did not end within {} ms", command.timeout.as_millis()));
    };
    group.has_ended();
    let status = status.map_err(|cause| format!("cannot be waited for: {cause}"))?;
    let complaint = first_line(&complaint.bytes);
    if !status.success() {
        let complaint = if complaint.is_empty() { String::new() } else { format!(": {complaint}") };
        return Err(format!("failed with {status}{complaint}"));
    }
    if out.is_cut {
        return Err(format!("wrote more than {} bytes", command.output_bytes));
    }
    String::from_utf8(out.bytes).map_err(|_| "wrote something that is not UTF-8".to_owned())
}

/// The first bytes of a stream.
#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
    is_cut: bool,
}

/// Reads a stream to its end, so that the writer never waits, and keeps its first bytes.
async fn bounded(stream: Option<impl AsyncRead + Unpin>, most: usize) -> Head {
    let Some(mut stream) = stream else { return Head::default() };
    let mut head = Head::default();
    let mut piece = [0; 4096];
    // A stream that cannot be read has ended.
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        let kept = length.min(most - head.bytes.len());
        head.bytes.extend_from_slice(&piece[..kept]);
        head.is_cut |= kept < length;
    }
    head
}

/// The first line that says something, as a line of a log may hold it.
fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(COMPLAINT_CHARS).collect()
}

/// A process group that ends when this is dropped: the command, and what it started.
struct Group(Option<u32>);

impl Group {
    /// The command ended by itself; whoever it started may live on, as at a prompt.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may just have ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ask(script: &str) -> Result<String, String> {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let timeout = Duration::from_secs(30);
        run(&Command { program: "sh".to_owned(), arguments, timeout, output_bytes: 64 })
    }

    #[test]
    fn a_command_says_its_secret_or_why_not() {
        #[track_caller]
        fn check(script: &str, want: Result<&str, &str>) {
            assert_eq!(ask(script), want.map(str::to_owned).map_err(str::to_owned), "{script}");
        }
        check("echo s3cret", Ok("s3cret\n"));
        check("cat; echo s3cret", Ok("s3cret\n"));
        check("echo noise >&2; echo s3cret", Ok("s3cret\n"));
        check("yes noise | head -c 100000 >&2; echo s3cret", Ok("s3cret\n"));
        check("echo canary; exit 3", Err("failed with exit status: 3"));
        check(
            "echo canary; printf '\\n \\033[31mlocked\\nmore\\n' >&2; exit 1",
            Err("failed with exit status: 1: [31mlocked"),
        );
        check("echo canary; kill -9 $$", Err("failed with signal: 9 (SIGKILL)"));
        check("yes canary | head -c 65", Err("wrote more than 64 bytes"));
        check("printf 'canary\\377'", Err("wrote something that is not UTF-8"));
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        let command = Command {
            program: "no-such-program".to_owned(),
            arguments: Vec::new(),
            timeout: Duration::from_secs(1),
            output_bytes: 1,
        };
        assert!(run(&command).expect_err("no program").starts_with("cannot be started: No such file"));
    }

    /// What it started holds its output open, and ends with it.
    #[test]
    fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", note.display());
        let arguments = vec!["-c".to_owned(), script];
        let timeout = Duration::from_secs(1);
        let late = run(&Command { program: "sh".to_owned(), arguments, timeout, output_bytes: 64 });
        assert_eq!(late, Err("did not end within 1000 ms".to_owned()));
        // On a busy machine the shell may not even have come to the note.
        let Ok(pid) = std::fs::read_to_string(&note) else { return };
        let Some(pid) = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw) else { return };
        // Until whoever adopts it has reaped it.
        while rustix::process::test_kill_process(pid).is_ok() && !is_zombie(pid) {
            std::thread::yield_now();
        }
    }

    fn is_zombie(pid: rustix::process::Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim().starts_with('Z')))
    }
}
