//! How long a plugin takes, beside one of its kind that does nothing: the difference is its own. By default each call finds
//! a fresh instance, which is one that was put back to where it began where that can be.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use witgate_policy::Limits;

use super::Subject;
use super::table::micros;
use crate::case::{self, Case, Folder, Player};
use crate::cli::output::{self, Failure};
use crate::cli::serve;
use crate::generation::MAX_COMPONENT_BYTES;

/// Calls before the first that counts.
const WARM: u32 = 20;

/// What is measured.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(in crate::cli) struct Bench {
    /// A project's folder, a .wasm file, or builtin:NAME.
    #[arg(value_name = "FOLDER|FILE|builtin:NAME", default_value = ".")]
    source: String,
    /// The case's folder; the first of the project by default.
    #[arg(long, value_name = "FOLDER")]
    case: Option<PathBuf>,
    /// Calls that are measured.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Times, in order.
struct Times(Vec<Duration>);

/// `witgate plugin bench`.
pub(in crate::cli) fn bench(wish: &Bench) -> Result<(), Failure> {
    let subject = Subject::find(&wish.source)?;
    let Folder { name, case, .. } = find(&subject, wish.case.as_deref())?;
    let case = case?;
    let runtime = serve::runtime()?;
    let rows = runtime.block_on(async {
        let (player, _) = subject.player().await?;
        let noop = noop(&player, &case).await?;
        let kept = NonZeroU32::new(1);
        Ok::<_, Failure>([
            ("nothing, by default", measure(&noop, &case, None, wish.calls).await?),
            ("plugin, by default", measure(&player, &case, None, wish.calls).await?),
            ("nothing, kept instance", measure(&noop, &case, kept, wish.calls).await?),
            ("plugin, kept instance", measure(&player, &case, kept, wish.calls).await?),
        ])
    })?;
    if wish.json {
        let rows: Vec<_> = rows.iter().map(|(name, times)| times.as_value(name)).collect();
        return output::print(&json!({ "case": name, "calls": wish.calls, "micros": rows }).to_string());
    }
    let mut lines = vec![
        format!("case {name}, {} calls", wish.calls),
        format!("  {:<24}{:>12}{:>12}{:>12}{:>12}{:>12}", "", "least", "p50", "p90", "p99", "most"),
    ];
    lines.extend(rows.iter().map(|(name, times)| {
        format!("  {name:<24}{}", times.of_hundred().map(|time| format!("{:>12}", micros(time))).concat())
    }));
    output::print(&lines.join("\n"))
}

/// The case that was named, or the first that is there.
fn find(subject: &Subject, named: Option<&std::path::Path>) -> Result<Folder, Failure> {
    let missing = |what: String| Failure::runtime(what, "name a case with --case");
    let cases = match named {
        Some(path) => path.to_owned(),
        None => subject.cases.clone().ok_or_else(|| missing(format!("{} has no cases beside it", subject.source)))?,
    };
    let all = case::find(&cases)?;
    // One that is refused its settings says nothing of the time of a call.
    let decides = |folder: &Folder| folder.verdict.as_ref().is_none_or(|verdict| verdict.get("configure").is_none());
    let found = all.into_iter().find(decides);
    found.ok_or_else(|| missing(format!("no case is in {}", cases.display())))
}

/// A plugin of the case's kind that decides nothing.
async fn noop(player: &Player, case: &Case) -> Result<Player, Failure> {
    let failed = |cause: String| Failure::runtime("what the plugin is compared with cannot be made", cause);
    let kind = player.kind(case).map_err(failed)?;
    let bytes = witgate_author::noop(kind.as_str())?;
    let sandbox = player.sandbox();
    let component = sandbox.compile("nothing", bytes.into(), MAX_COMPONENT_BYTES).await;
    let component = component.map_err(|cause| failed(cause.to_string()))?;
    Ok(Player::new(sandbox.clone(), component, Limits::default()))
}

async fn measure(player: &Player, case: &Case, kept: Option<NonZeroU32>, calls: u32) -> Result<Times, Failure> {
    let failed = |why: String| Failure::runtime("the case cannot be played", why);
    let (plugin, question) = player.prepare(case, kept).await.map_err(failed)?;
    let mut times = Vec::new();
    for call in 0..WARM + calls {
        let begun = Instant::now();
        let answer = question.ask(&plugin).await;
        let time = begun.elapsed();
        answer.map_err(|fault| failed(format!("it {fault}")))?;
        if call >= WARM {
            times.push(time);
        }
    }
    times.sort_unstable();
    Ok(Times(times))
}

impl Times {
    fn of_hundred(&self) -> [Duration; 5] {
        let last = self.0.len().saturating_sub(1);
        [0, 50, 90, 99, 100].map(|part| self.0.get(last * part / 100).copied().unwrap_or_default())
    }

    fn as_value(&self, name: &str) -> Value {
        let [least, p50, p90, p99, most] = self.of_hundred().map(|time| time.as_secs_f64() * 1e6);
        json!({ "what": name, "least": least, "p50": p50, "p90": p90, "p99": p99, "most": most })
    }
}
