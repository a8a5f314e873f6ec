//! What a process and its children take of the machine, from `/proc`.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long a clock tick of `/proc/PID/stat` is: `USER_HZ` is 100 wherever Linux runs.
const TICK: Duration = Duration::from_millis(10);

/// Processor time and memory of a tree of processes.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    /// User and system time, those of children that have ended included.
    ticks: Duration,
    /// The same in nanoseconds, by thread.
    threads: BTreeMap<PathBuf, Duration>,
    /// Resident memory in bytes.
    pub(crate) resident: u64,
}

impl Usage {
    /// Of a process and all below it, as it is now.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let mut usage = Self { ticks: Duration::ZERO, threads: BTreeMap::new(), resident: 0 };
        usage.add(process)?;
        Ok(usage)
    }

    fn add(&mut self, process: u32) -> Result<()> {
        let folder = Path::new("/proc").join(process.to_string());
        self.ticks += ticks(&folder)?;
        self.resident += resident(&folder)?;
        for task in read_dir(folder.join("task"))? {
            let task = task?.path();
            self.threads.insert(task.clone(), exact(&task)?);
            let children = read_to_string(task.join("children"))?;
            children.split_whitespace().try_for_each(|child| self.add(child.parse()?))?;
        }
        Ok(())
    }

    /// The processor time since then.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        // Of threads that have ended only the ticks are left.
        if !self.threads.keys().eq(before.threads.keys()) {
            return self.ticks.saturating_sub(before.ticks);
        }
        let sum = |usage: &Self| usage.threads.values().sum::<Duration>();
        sum(self).saturating_sub(sum(before))
    }
}

/// The `utime`, `stime`, `cutime` and `cstime` of proc(5).
fn ticks(folder: &Path) -> Result<Duration> {
    let stat = read_to_string(folder.join("stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("a line of proc(5)")?;
    let times = fields.split(' ').skip(11).take(4);
    times.map(|ticks| Ok(TICK * ticks.parse()?)).sum()
}

/// The time on a processor, in nanoseconds.
fn exact(task: &Path) -> Result<Duration> {
    let text = read_to_string(task.join("schedstat"))?;
    let nanos = text.split(' ').next().context("a line of schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn resident(folder: &Path) -> Result<u64> {
    let status = read_to_string(folder.join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().next().context("VmRSS")?.parse()?;
    Ok(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn work_is_seen() {
        let id = std::process::id();
        let before = Usage::of(id).unwrap();
        let sum = (0..20_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        std::hint::black_box(sum);
        let after = Usage::of(id).unwrap();
        assert!(after.since(&before).as_micros() > 1000, "{after:?}");
        assert!(after.resident > 100_000);
    }
}
