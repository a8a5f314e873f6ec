//! What a process takes of the machine, from `/proc`.

use std::path::{Path, PathBuf};

fn folder(process: u32) -> PathBuf {
    Path::new("/proc").join(process.to_string())
}

/// Resident memory in bytes.
pub(crate) fn resident(process: u32) -> usize {
    status(process, "VmRSS:")
}

/// The most resident memory since [`forget_peak`], in bytes.
pub(crate) fn peak(process: u32) -> usize {
    status(process, "VmHWM:")
}

/// Lets the peak begin anew with what is resident now (proc(5), `clear_refs`).
pub(crate) fn forget_peak(process: u32) {
    std::fs::write(folder(process).join("clear_refs"), "5").expect("a process of our own");
}

/// Open file descriptors.
pub(crate) fn descriptors(process: u32) -> usize {
    std::fs::read_dir(folder(process).join("fd")).expect("a process of our own").count()
}

/// How many file descriptors this process, and those that it starts, may have.
pub(crate) fn most_descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a limit");
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}

fn status(process: u32, key: &str) -> usize {
    let text = std::fs::read_to_string(folder(process).join("status")).expect("a process of our own");
    let line = text.lines().find_map(|line| line.strip_prefix(key)).expect(key);
    let kilobytes: usize = line.split_whitespace().next().and_then(|number| number.parse().ok()).expect(key);
    kilobytes * 1024
}
