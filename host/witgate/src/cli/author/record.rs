use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use witgate_config::Origin;

use super::count;
use crate::case::{self, Case};
use crate::cli::output::{self, Failure};
use crate::cli::serve;
use crate::control;

/// What is recorded, and where to.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(in crate::cli) struct Record {
    /// The plugin's name in the configuration.
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// Of this tenant only.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Where the cases are put; what is there already stays.
    #[arg(long, value_name = "FOLDER", default_value = "cases")]
    out: PathBuf,
    /// Stop after so many cases; without it, when interrupted.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Print a line of JSON for each case.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(in crate::cli) config: crate::cli::args::Config,
}

#[derive(Deserialize)]
struct Line {
    case: Case,
    verdict: Value,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// `witgate plugin record`: what a plugin of the gate that runs is asked, as cases.
pub(in crate::cli) fn record(wish: &Record, origin: &Origin) -> Result<(), Failure> {
    let mut written = 0;
    let mut failed = None;
    let mut take = |line: &str| match keep(wish, line) {
        Ok(None) => true,
        Ok(Some(said)) => {
            written += 1;
            failed = output::print(&said).err();
            failed.is_none() && wish.count.is_none_or(|count| written < count)
        }
        Err(cause) => {
            failed = Some(cause);
            false
        }
    };
    let mut interrupted = false;
    let served = serve::runtime()?.block_on(async {
        tokio::select! {
            served = control::record(origin, &wish.plugin, wish.tenant.as_deref(), &mut take) => served,
            _ = tokio::signal::ctrl_c() => {
                interrupted = true;
                Ok(true)
            }
        }
    });
    if let Some(failed) = failed {
        return Err(failed);
    }
    let enough = interrupted || wish.count.is_some_and(|count| written >= count);
    output::note(&format!("{} in {}", count(written as usize, "case"), wish.out.display()));
    match served {
        Ok(true) if enough => {}
        Ok(true) => return Err(Failure::runtime("the recording is not whole", "the gate has ended")),
        Ok(false) => {
            return Err(Failure::runtime(
                "no gate serves this configuration",
                "start it, or name its file with --config",
            ));
        }
        Err(cause) => return Err(Failure::runtime("the gate cannot be heard", cause)),
    }
    Ok(())
}

/// Writes one case; `None` for the line that says that it begins.
fn keep(wish: &Record, line: &str) -> Result<Option<String>, Failure> {
    if line == "{}" {
        output::note(&format!("listening to what `{}` is asked", wish.plugin));
        return Ok(None);
    }
    if let Ok(Refused { error }) = serde_json::from_str(line) {
        return Err(Failure::runtime(format!("`{}` cannot be recorded", wish.plugin), error));
    }
    let Line { case, verdict } = serde_json::from_str(line)
        .map_err(|cause| Failure::runtime("the gate says what this version does not understand", cause))?;
    let path = free(&wish.out, &name(&case));
    case::write(&path, Some(&case), &verdict)?;
    let said = json!({ "path": path, "verdict": verdict });
    Ok(Some(if wish.json { said.to_string() } else { path.display().to_string() }))
}

/// What a case is about: `tools-call-files-read-file`.
fn name(case: &Case) -> String {
    let target = case.call.target();
    let words = format!("{}-{}", case.call.method, target.unwrap_or_default());
    let plain: String =
        words.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let mut name = parts.join("-");
    name.truncate(60);
    name
}

/// The first name that nothing has yet.
fn free(folder: &Path, name: &str) -> PathBuf {
    let numbered = (1..).map(|number: u32| folder.join(format!("{name}-{number}")));
    numbered.into_iter().find(|path| !path.exists()).unwrap_or_else(|| folder.join(name))
}
