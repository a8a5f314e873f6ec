use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::table::{bytes, micros};
use super::{Subject, listen, project_of};
use crate::case::{self, Case, Played};
use crate::cli::output::{self, Failure};
use crate::cli::serve;

/// `witgate plugin run`: one case, and what came of it.
pub(in crate::cli) fn run(case: &Path, plugin: Option<&str>, as_json: bool) -> Result<(), Failure> {
    if case.as_os_str() != "-" && !case.exists() {
        return Err(Failure::runtime(
            format!("{} is not there", case.display()),
            "name a case's folder, as cases/NAME",
        ));
    }
    let source = match plugin {
        Some(source) => source.to_owned(),
        None => home(case)?.display().to_string(),
    };
    let subject = Subject::find(&source)?;
    let case = read(case)?;
    listen();
    let runtime = serve::runtime()?;
    let played = runtime.block_on(async {
        let (player, _) = subject.player().await?;
        player.play(&case).await.map_err(|why| Failure::runtime("the case cannot be played", why))
    })?;
    output::print(&if as_json { as_value(&played).to_string() } else { text(&played) })?;
    if played.verdict.get("fault").is_some() { Err(Failure::Cases { failed: "the plugin".to_owned() }) } else { Ok(()) }
}

/// The project that the case is of, or that one stands in.
fn home(case: &Path) -> Result<PathBuf, Failure> {
    let here = if case.as_os_str() == "-" { Path::new(".") } else { case };
    project_of(here).or_else(|| project_of(Path::new("."))).ok_or_else(|| {
        Failure::runtime("no plugin.toml is above the case", "say with --plugin which component is to be asked")
    })
}

/// A case's folder, its file, or standard input.
fn read(path: &Path) -> Result<Case, Failure> {
    if path.is_dir() {
        let here = case::find(path)?.into_iter().find(|folder| folder.path == *path);
        let missing = || Failure::runtime(format!("{} is no case", path.display()), "it has no case.json");
        return Ok(here.ok_or_else(missing)?.case?);
    }
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(path).map(|read| text = read)
    };
    read.map_err(|cause| Failure::runtime(format!("cannot read {}", path.display()), cause))?;
    serde_json::from_str(&text).map_err(|cause| Failure::runtime(path.display().to_string(), cause))
}

fn text(played: &Played) -> String {
    // Who refuses its settings is not asked.
    let asked = !played.time.is_zero();
    let time = if asked { format!("{} in a fresh instance", micros(played.time)) } else { "not asked".to_owned() };
    format!(
        "{:#}\n\n  time        {time}\n  memory      {}\n  host calls  {}, which handed over {}",
        played.verdict,
        bytes(played.used.memory_bytes),
        played.used.host_calls,
        bytes(played.used.bytes_in),
    )
}

fn as_value(played: &Played) -> serde_json::Value {
    json!({
        "verdict": played.verdict,
        "micros": played.time.as_secs_f64() * 1e6,
        "memory-bytes": played.used.memory_bytes,
        "host-calls": played.used.host_calls,
        "bytes-in": played.used.bytes_in,
    })
}
