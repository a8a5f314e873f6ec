//! The order of a run: everything once, a look at the process, the attack in windows, another look, the log.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use witgate_tests::PATIENCE;

use crate::arena::Arena;
use crate::attempt::{Breach, attempt, calm};
use crate::figures::Figures;
use crate::neighbour::Neighbour;
use crate::row::{Row, Unit};
use crate::vitals::{self, Vitals};
use crate::{answers, loading, log, logs, network, reach, renames, space, state, time};

/// Clients that attack at once; as many as the smallest machine has processors.
const ATTACKERS: usize = 2;
/// Attempts in a row at one plugin, before it is asked something that it answers: far from the sixteen faults that put
/// it into quarantine. The smaller number is for a run of few attempts.
const BURSTS: [usize; 2] = [2, 4];
/// From so many attempts on a run is for its figures, and takes its time.
pub(crate) const MANY: usize = 5_000;

/// So long the runtime's threads for blocking work wait for more of it: 10 s, and some.
const IDLE: Duration = Duration::from_secs(12);

type Shared = Arc<Mutex<Figures>>;

fn lock(figures: &Shared) -> MutexGuard<'_, Figures> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rows() -> impl Iterator<Item = &'static Row> {
    [time::ROWS, space::ROWS, answers::ROWS, logs::ROWS, state::ROWS].into_iter().flatten()
}

/// Everything once, and then so many attempts more.
pub(crate) async fn run(attempts: usize) -> Figures {
    let arena = Arc::new(Arena::open(rows()).await);
    let figures = Shared::default();
    let neighbour = arena.neighbour();
    let compilers = Children::watch(arena.gate.process().id());

    // What is made at first use is there before the process is looked at.
    let burst = BURSTS[usize::from(attempts >= MANY)];
    load(&arena, &figures, if attempts < MANY { 100 } else { 1_000 }).await;
    Attack::begin(&arena, &figures, burst, burst * arena.units.len()).finish().await;
    reach_out(&arena, &figures).await;
    let before = settle(&arena, None).await;

    let window_ms = if attempts < MANY { 300 } else { 3_000 };
    let (mut looks, mut first_window) = (vec![(lock(&figures).attempts, before)], 1);
    for half in [attempts / 2, attempts - attempts / 2] {
        let attack = Attack::begin(&arena, &figures, burst, half);
        first_window = windows(attack, &neighbour, first_window, window_ms).await;
        let done = lock(&figures).attempts;
        looks.push((done, settle(&arena, Some(before)).await));
    }
    let seen = neighbour.stop().await;

    let mut figures = std::mem::take(&mut *lock(&figures));
    figures.looks = looks;
    figures.p99 = seen.p99(|window| window % 2 == 1).zip(seen.p99(|window| window % 2 == 0));
    (figures.neighbour_calls, figures.neighbour_errors) = (seen.calls, seen.errors);
    figures.compiler_peak_bytes = compilers.stop();
    end(arena, &mut figures).await;
    figures
}

async fn load(arena: &Arena, figures: &Shared, flips: usize) {
    // Not under the lock: it is held by whoever counts, for a moment.
    let mut loaded = Figures::default();
    loading::attack(arena, &mut loaded).await;
    loading::flip(arena, &mut loaded, flips).await;
    *lock(figures) = loaded;
}

/// Each sequence of the probes, once.
async fn reach_out(arena: &Arc<Arena>, figures: &Shared) {
    lock(figures).units += reach::ROWS.len() + network::ROWS.len() + 2;
    for row in reach::ROWS.iter().chain(network::ROWS) {
        let mut client = arena.client();
        let tried = arena.clone();
        // A harness that gives up waiting panics; here that is a finding about this row.
        let outcome = tokio::spawn(async move { reach::attempt(&tried, row, &mut client).await }).await;
        let outcome = outcome.unwrap_or_else(|error| Err(Breach::Escape(error.to_string())));
        lock(figures).tried(row.name, outcome);
    }
    let outcome = renames::attack(arena).await;
    lock(figures).tried(renames::NAME, outcome);
    let outcome = network::credential(arena).await;
    lock(figures).tried(network::CREDENTIAL, outcome);
    for name in network::misled(arena) {
        lock(figures).breach(name, Breach::Escape("looked up, or not, as it should not be".to_owned()));
    }
}

/// Hostile calls, while they are let.
struct Attack {
    on: watch::Sender<bool>,
    clients: JoinSet<()>,
}

impl Attack {
    /// So many attempts, at one plugin after the other, in bursts.
    fn begin(arena: &Arc<Arena>, figures: &Shared, in_burst: usize, attempts: usize) -> Self {
        let (on, mut may) = watch::channel(false);
        may.mark_unchanged();
        let next = Arc::<AtomicUsize>::default();
        let mut clients = JoinSet::new();
        for _ in 0..ATTACKERS {
            let (arena, figures, next, mut may) = (arena.clone(), figures.clone(), next.clone(), may.clone());
            clients.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number * in_burst >= attempts || arena.gate.process().has_ended() {
                        return;
                    }
                    if may.wait_for(|may| *may).await.is_err() {
                        return;
                    }
                    let unit = arena.units[number % arena.units.len()].clone();
                    let name = unit.name.clone();
                    // A harness that gives up waiting panics; here that is a finding about this unit.
                    let burst = tokio::spawn(burst(arena.clone(), figures.clone(), unit, in_burst)).await;
                    if let Err(error) = burst {
                        lock(&figures).breach(&name, Breach::Escape(error.to_string()));
                    }
                }
            });
        }
        Self { on, clients }
    }

    /// Without windows.
    async fn finish(mut self) {
        self.on.send_replace(true);
        while self.clients.join_next().await.is_some() {}
    }
}

async fn burst(arena: Arc<Arena>, figures: Shared, unit: Unit, attempts: usize) {
    let mut client = arena.client();
    for _ in 0..attempts {
        let outcome = attempt(&arena, &unit, &mut client).await;
        lock(&figures).tried(&unit.name, outcome);
    }
    if let Err(breach) = calm(&arena, &unit, &mut client).await {
        lock(&figures).breach(&unit.name, breach);
    }
}

/// The attack goes on in windows with even numbers and rests in the others, so that whatever else the machine does is in
/// both. The answer is the next window's number.
async fn windows(mut attack: Attack, neighbour: &Neighbour, first: usize, window_ms: u64) -> usize {
    let mut number = first;
    loop {
        attack.on.send_replace(number.is_multiple_of(2));
        neighbour.window(number);
        tokio::time::sleep(Duration::from_millis(window_ms)).await;
        while attack.clients.try_join_next().is_some() {}
        number += 1;
        if attack.clients.is_empty() {
            break;
        }
    }
    neighbour.window(0);
    number
}

/// The process once nothing goes on in it: when threads and descriptors are back where they were, or patience is at its
/// end. Without anything to compare with, when threads that wait for work have had the time to end.
async fn settle(arena: &Arena, before: Option<Vitals>) -> Vitals {
    let look = || Vitals::of(arena.gate.process().id());
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    loop {
        tick.tick().await;
        let now = look();
        let quiet = match before {
            Some(before) => Figures::settled(before, now),
            None => began.elapsed() > IDLE,
        };
        if quiet || began.elapsed() > PATIENCE {
            return now;
        }
    }
}

/// The most memory of any child that was seen.
struct Children {
    peak: Arc<AtomicUsize>,
    looking: JoinHandle<()>,
}

impl Children {
    fn watch(process: u32) -> Self {
        let peak = Arc::<AtomicUsize>::default();
        let seen = peak.clone();
        let looking = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                let now = usize::try_from(vitals::children_peak_bytes(process)).unwrap_or_default();
                seen.fetch_max(now, Ordering::Relaxed);
            }
        });
        Self { peak, looking }
    }

    fn stop(self) -> i64 {
        self.looking.abort();
        i64::try_from(self.peak.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }
}

/// The gate is asked to stop, which it has to do well, and its log is read.
async fn end(arena: Arc<Arena>, figures: &mut Figures) {
    log::read(&arena, figures);
    for place in arena.leaks_upstream() {
        figures.breach("servers", Breach::Leak(format!("{place}, sent where it does not belong")));
    }
    for name in reach::changed(arena.folder.path(), &arena.canaries) {
        figures.breach("files", Breach::Escape(format!("`{name}` is not as it was")));
    }
    if arena.gate.process().has_ended() {
        figures.abort("it ended by itself".to_owned());
        return;
    }
    let Some(arena) = Arc::into_inner(arena) else { return };
    let (status, log) = arena.gate.stop().await;
    if !status.success() {
        let last = log.lines().last().unwrap_or_default();
        figures.abort(format!("it ended with {status}: {last}"));
    }
}

/// Says something to whoever runs the tests, captured or not.
pub(crate) fn say(text: &str) {
    // Nobody there to read it is no reason to fail.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
