//! What is counted and measured, and what has to be zero.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::attempt::Breach;
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
    /// The largest answer's time divided by its limit, and whose.
    worst: Option<(f64, String)>,
    pub(crate) neighbour_calls: usize,
    pub(crate) neighbour_errors: Vec<String>,
    pub(crate) p99: Option<(Duration, Duration)>,
    pub(crate) compiler_peak_bytes: i64,
    pub(crate) before: Vitals,
    pub(crate) after: Vitals,
    /// Between `before` and `after`.
    pub(crate) attempts_between: usize,
}

/// Beyond this much for each attempt, and [`MEMORY_SLACK_BYTES`], something is kept. The smallest thing that an attempt
/// could leave, one instance without its memory, is larger.
const MEMORY_PER_ATTEMPT_BYTES: i64 = 2 << 10;
/// What allocators keep, which does not grow with the attempts.
const MEMORY_SLACK_BYTES: i64 = 64 << 20;
/// An answer that takes so many times its limit on time was not stopped by it: the limit on the clock on the wall, which
/// stops everything, is 500 times the smallest limit.
const WORST_TIMES: f64 = 1_000.0;
/// Threads and descriptors that may be there for other reasons: a connection in the pool, a blocking thread.
const SLACK: i64 = 8;

/// Characters of a breach that are shown: enough for a record.
const SHOWN: usize = 2_000;

impl Figures {
    /// One attempt at `unit`, against a limit on time if there is one.
    pub(crate) fn tried(&mut self, unit: &str, deadline_ms: Option<u32>, outcome: Result<Duration, Breach>) {
        self.attempts += 1;
        match outcome {
            Ok(took) => {
                let times = deadline_ms.map(|ms| took.as_secs_f64() * 1e3 / f64::from(ms));
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

    /// How much of something there may be more than before.
    fn memory_allowed_bytes(&self) -> i64 {
        let attempts = i64::try_from(self.attempts_between).unwrap_or(i64::MAX);
        MEMORY_SLACK_BYTES.saturating_add(attempts.saturating_mul(MEMORY_PER_ATTEMPT_BYTES))
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
        let grown = self.after.memory_bytes - self.before.memory_bytes;
        if grown > self.memory_allowed_bytes() {
            failures
                .push(format!("the gate's memory grew by {grown} bytes, {} are allowed", self.memory_allowed_bytes()));
        }
        if let Some((times, unit)) = self.worst.as_ref().filter(|(times, _)| *times > WORST_TIMES) {
            failures.push(format!("{unit}: the answer took {times:.0} times its limit, {WORST_TIMES} are allowed"));
        }
        if !Self::settled(self.before, self.after) {
            failures.push(format!("threads or descriptors are left: {:?} then {:?}", self.before, self.after));
        }
        failures
    }

    /// The table that a person reads.
    pub(crate) fn table(&self) -> String {
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        let mib = |bytes: i64| format!("{} MiB", bytes >> 20);
        let (without, with) = self.p99.unwrap_or_default();
        let ratio = with.as_secs_f64() / without.as_secs_f64().max(f64::EPSILON);
        let worst = self.worst.as_ref().map_or("none".to_owned(), |(times, unit)| format!("{times:.1} × ({unit})"));
        let grown = self.after.memory_bytes - self.before.memory_bytes;
        let per = grown / i64::try_from(self.attempts_between.max(1)).unwrap_or(i64::MAX);
        let compiler =
            if self.compiler_peak_bytes > 0 { mib(self.compiler_peak_bytes) } else { "no child seen".into() };
        let rows = [
            ("attempts", format!("{} in {} plugins and files", self.attempts, self.units)),
            ("escapes", self.escapes.to_string()),
            ("host aborts", self.aborts.len().to_string()),
            ("leaks of a canary", self.leaks.to_string()),
            ("refusals without an explanation", self.unexplained.to_string()),
            ("worst answer, in deadlines", worst),
            ("the neighbour's calls", self.neighbour_calls.to_string()),
            ("the neighbour's errors", self.neighbour_errors.len().to_string()),
            ("its p99 with / without the attack", format!("{} / {} = {ratio:.2}", ms(with), ms(without))),
            ("peak memory of the compiler", compiler),
            (
                "growth of the gate's memory",
                format!("{} in {} attempts, {per} bytes each", mib(grown), self.attempts_between),
            ),
            ("threads before / after", format!("{} / {}", self.before.threads, self.after.threads)),
            ("descriptors before / after", format!("{} / {}", self.before.descriptors, self.after.descriptors)),
        ];
        let mut table = String::from("| figure | |\n|---|---|\n");
        for (name, value) in rows {
            // Writing to a string does not fail.
            let _ = writeln!(table, "| {name} | {value} |");
        }
        table
    }
}
