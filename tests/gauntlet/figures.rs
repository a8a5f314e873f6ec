//! What is counted and measured, and what has to be zero.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::attempt::{Breach, Outcome};
use crate::vitals::Vitals;

/// The figures of one run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) attempts: usize,
    pub(crate) units: usize,
    /// By what was tried.
    breaches: BTreeMap<String, (usize, Breach)>,
    escapes: usize,
    leaks: usize,
    unexplained: usize,
    aborts: Vec<String>,
    /// The most that a call took, in limits on its time, and whose.
    worst: Option<(f64, String)>,
    pub(crate) neighbour_calls: usize,
    pub(crate) neighbour_errors: Vec<String>,
    pub(crate) p99: Option<(Duration, Duration)>,
    pub(crate) compiler_peak_bytes: i64,
    /// Before, between and after the two halves of the attack: how many attempts there were so far, and the process.
    pub(crate) looks: Vec<(usize, Vitals)>,
}

/// The second half of a full run, five thousand attempts, may leave 4.4 MiB: 1 KiB left by each attempt is more. What
/// allocators keep for good, and whatever is made at first use, is there after the first half; a leak grows in both.
const MEMORY_PER_ATTEMPT_BYTES: i64 = 512;
const MEMORY_SLACK_BYTES: i64 = 2 << 20;
/// In a run of few attempts what allocators keep is still growing in the second half, and hides all but large leaks.
const MEMORY_SLACK_OF_FEW_BYTES: i64 = 64 << 20;
/// A call that takes longer than so many times the limit that stopped it was not stopped in time. For 10 ms of guest
/// time this is a second, a fifth of what the clock on the wall allows by default: at 5 s that ends any call, so that a
/// bound near it shows nothing. It is generous for a busy machine, whose processors a guest shares with many others.
const WORST_TIMES: f64 = 100.0;
/// Threads and descriptors that may be there for other reasons: a connection in the pool, a blocking thread.
const SLACK: i64 = 8;

/// Characters of a breach that are shown: enough for a record.
const SHOWN: usize = 2_000;

impl Figures {
    /// One attempt at `unit`.
    pub(crate) fn tried(&mut self, unit: &str, outcome: Outcome) {
        self.attempts += 1;
        match outcome {
            Ok(times) => {
                if let Some(times) = times.filter(|times| self.worst.as_ref().is_none_or(|(worst, _)| times > worst)) {
                    self.worst = Some((times, unit.to_owned()));
                }
            }
            Err(breach) => self.breach(unit, breach),
        }
    }

    /// Something that should not have happened.
    pub(crate) fn breach(&mut self, unit: &str, breach: Breach) {
        match &breach {
            Breach::Escape(_) => self.escapes += 1,
            Breach::Leak(_) => self.leaks += 1,
            Breach::Unexplained(_) => self.unexplained += 1,
        }
        self.breaches.entry(unit.to_owned()).or_insert((0, breach)).0 += 1;
    }

    /// The gate, or a part of it, has ended or panicked.
    pub(crate) fn abort(&mut self, why: String) {
        self.aborts.push(why);
    }

    /// The attempts of each half, and by how much the process's memory grew meanwhile.
    fn growth_bytes(&self) -> Vec<(i64, i64)> {
        let halves = self.looks.windows(2);
        halves.map(|look| (whole(look[1].0 - look[0].0), look[1].1.memory_bytes - look[0].1.memory_bytes)).collect()
    }

    /// By how much it may grow in the second half.
    fn memory_allowed_bytes(attempts: i64) -> i64 {
        let many = attempts >= whole(crate::run::MANY / 2);
        let slack = if many { MEMORY_SLACK_BYTES } else { MEMORY_SLACK_OF_FEW_BYTES };
        slack.saturating_add(attempts.saturating_mul(MEMORY_PER_ATTEMPT_BYTES))
    }

    fn before_and_after(&self) -> (Vitals, Vitals) {
        let at = |look: Option<&(usize, Vitals)>| look.map(|(_, vitals)| *vitals).unwrap_or_default();
        (at(self.looks.first()), at(self.looks.last()))
    }

    /// Whether threads and descriptors are back where they were.
    pub(crate) fn settled(before: Vitals, now: Vitals) -> bool {
        now.threads <= before.threads + SLACK && now.descriptors <= before.descriptors + SLACK
    }

    /// Each figure that is not what it has to be, with the row that it comes from.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = Vec::new();
        for (unit, (times, breach)) in &self.breaches {
            let breach: String = format!("{breach:?}").chars().take(SHOWN).collect();
            failures.push(format!("{unit}, {times} times, the first: {breach}"));
        }
        failures.extend(self.aborts.iter().map(|why| format!("the gate: {why}")));
        let errors = self.neighbour_errors.len();
        failures.extend(self.neighbour_errors.first().map(|first| format!("the neighbour, {errors} times: {first}")));
        if let Some((attempts, grown)) = self.growth_bytes().last() {
            let allowed = Self::memory_allowed_bytes(*attempts);
            let half = format!("in the second half, {attempts} attempts, the gate's memory grew by {grown} bytes");
            failures.extend((*grown > allowed).then(|| format!("{half}, {allowed} are allowed")));
        }
        if let Some((times, unit)) = self.worst.as_ref().filter(|(times, _)| *times > WORST_TIMES) {
            failures.push(format!(
                "{unit}: the call took {times:.0} times the limit that stopped it, {WORST_TIMES} are allowed"
            ));
        }
        let (before, after) = self.before_and_after();
        if !Self::settled(before, after) {
            failures.push(format!("threads or descriptors are left: {before:?} then {after:?}"));
        }
        failures
    }

    /// The table that a person reads.
    pub(crate) fn table(&self) -> String {
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        let mib = |bytes: i64| {
            let tenths = bytes.saturating_mul(10) >> 20;
            format!("{}{}.{} MiB", if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenths.abs() % 10)
        };
        let (without, with) = self.p99.unwrap_or_default();
        let ratio = with.as_secs_f64() / without.as_secs_f64().max(f64::EPSILON);
        let worst = self.worst.as_ref().map_or("none".to_owned(), |(times, unit)| format!("{times:.1} × ({unit})"));
        let grown = |half: usize| {
            let (attempts, grown) = self.growth_bytes().get(half).copied().unwrap_or_default();
            format!("{} in {attempts} attempts, {} bytes each", mib(grown), grown / attempts.max(1))
        };
        let (before, after) = self.before_and_after();
        let compiler =
            if self.compiler_peak_bytes > 0 { mib(self.compiler_peak_bytes) } else { "no child seen".into() };
        let rows = [
            ("attempts", format!("{} in {} plugins and files", self.attempts, self.units)),
            ("escapes", self.escapes.to_string()),
            ("host aborts", self.aborts.len().to_string()),
            ("leaks of a canary", self.leaks.to_string()),
            ("refusals without an explanation", self.unexplained.to_string()),
            ("worst time to a refusal, in deadlines", worst),
            ("the neighbour's calls", self.neighbour_calls.to_string()),
            ("the neighbour's errors", self.neighbour_errors.len().to_string()),
            ("its p99 with / without the attack", format!("{} / {} = {ratio:.2}", ms(with), ms(without))),
            ("peak memory of the compiler", compiler),
            ("growth of the gate's memory, first half", grown(0)),
            ("growth of the gate's memory, second half", grown(1)),
            ("threads before / after", format!("{} / {}", before.threads, after.threads)),
            ("descriptors before / after", format!("{} / {}", before.descriptors, after.descriptors)),
        ];
        let mut table = String::from("| figure | |\n|---|---|\n");
        for (name, value) in rows {
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {name} | {value} |");
        }
        table
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two halves of `attempts` each, that left so many bytes.
    fn grown(attempts: usize, first_bytes: i64, second_bytes: i64) -> Figures {
        let look = |memory_bytes| Vitals { memory_bytes, ..Vitals::default() };
        let looks = [(7, 0), (7 + attempts, first_bytes), (7 + 2 * attempts, first_bytes + second_bytes)];
        Figures { looks: looks.map(|(at, bytes)| (at, look(bytes))).into(), ..Figures::default() }
    }

    #[test]
    fn a_leak_of_a_kibibyte_breaks_a_full_run() {
        let fails = |attempts, first, second| !grown(attempts, first, second).failures().is_empty();
        assert!(fails(5_000, 5_000 << 10, 5_000 << 10));
        assert!(!fails(5_000, 100 << 20, 4 << 20), "what is there after the first half is no leak");
        assert!(!fails(250, 10 << 20, 10 << 20));
        assert!(fails(250, 0, 65 << 20));
    }

    #[test]
    fn a_call_that_was_not_stopped_in_time_breaks_any_run() {
        let fails = |times| {
            let mut figures = Figures::default();
            figures.tried("other", Ok(None));
            figures.tried("late", Ok(Some(times)));
            figures.tried("early", Ok(Some(1.0)));
            !figures.failures().is_empty()
        };
        assert!(!fails(99.0));
        assert!(fails(101.0));
    }
}
