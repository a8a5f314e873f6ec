//! What the gate's process takes of the machine, from `/proc`.

use std::path::{Path, PathBuf};

use witgate_tests::process;

/// One look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Vitals {
    pub(crate) memory_bytes: i64,
    pub(crate) threads: i64,
    pub(crate) descriptors: i64,
}

impl Vitals {
    /// Those of a process; zeros when there is none.
    pub(crate) fn of(process: u32) -> Self {
        let descriptors = std::fs::read_dir(folder(process).join("fd")).map_or(0, Iterator::count);
        Self {
            memory_bytes: status(process, "VmRSS:") * 1024,
            threads: status(process, "Threads:"),
            descriptors: i64::try_from(descriptors).unwrap_or(i64::MAX),
        }
    }
}

/// The most memory that any of a process's children has had so far, in bytes.
pub(crate) fn children_peak_bytes(process: u32) -> i64 {
    let command = |process: u32| std::fs::read(folder(process).join("cmdline")).unwrap_or_default();
    let own = command(process);
    // Until it has become another program, a child has the memory of its parent.
    let children = process::children(process).into_iter().filter(|(child, _)| command(*child) != own);
    children.map(|(child, _)| status(child, "VmHWM:") * 1024).max().unwrap_or(0)
}

fn folder(process: u32) -> PathBuf {
    Path::new("/proc").join(process.to_string())
}

/// A number of `/proc/PID/status`, 0 when there is none.
fn status(process: u32, key: &str) -> i64 {
    let text = std::fs::read_to_string(folder(process).join("status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
