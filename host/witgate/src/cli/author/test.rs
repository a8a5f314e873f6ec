use std::path::PathBuf;

use serde_json::{Value, json};

use super::diff::diff;
use super::table::{bytes, micros};
use super::{Subject, count, listen};
use crate::case::{self, Folder, Played, Player};
use crate::cli::output::{self, Failure};
use crate::cli::serve;

/// Which cases are played, and what is made of them.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(in crate::cli) struct Test {
    /// A project's folder, a .wasm file, or builtin:NAME.
    #[arg(value_name = "FOLDER|FILE|builtin:NAME", default_value = ".")]
    source: String,
    /// Where the cases are; the folder `cases` beside the component by default.
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Only cases with this in their name.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Write what the plugin answers into each verdict.json that differs, or is not there.
    #[arg(long)]
    bless: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How a case ended.
enum End {
    Passed(Played),
    Blessed(Played),
    Differs { wanted: Option<Value>, played: Played },
    Unplayable(String),
}

/// `witgate plugin test`.
pub(in crate::cli) fn test(wish: &Test) -> Result<(), Failure> {
    let subject = Subject::find(&wish.source)?;
    let cases = wish.cases.clone().or(subject.cases.clone()).ok_or_else(|| {
        Failure::runtime(format!("{} has no cases beside it", subject.source), "say where they are with --cases")
    })?;
    let mut found = case::find(&cases)?;
    if let Some(filter) = &wish.only {
        found.retain(|folder| folder.name.contains(filter.as_str()));
    }
    if found.is_empty() {
        let what = match &wish.only {
            Some(only) => format!("no case of {} has `{only}` in its name", cases.display()),
            None => format!("no case is in {}", cases.display()),
        };
        return Err(Failure::runtime(what, "a case is a folder with a case.json; `witgate plugin new` makes some"));
    }
    listen();
    let runtime = serve::runtime()?;
    let (ends, size_bytes) = runtime.block_on(async {
        let (player, loaded) = subject.player().await?;
        let mut ends = Vec::new();
        for folder in &found {
            ends.push(play(&player, folder, wish.bless).await?);
        }
        Ok::<_, Failure>((ends, loaded.size_bytes))
    })?;
    let failed = ends.iter().filter(|end| matches!(end, End::Differs { .. } | End::Unplayable(_))).count();
    if wish.json {
        let cases: Vec<_> = found.iter().zip(&ends).map(|(folder, end)| as_value(folder, end)).collect();
        let summary =
            json!({ "component": subject.source, "size-bytes": size_bytes, "failed": failed, "cases": cases });
        output::print(&summary.to_string())?;
    } else {
        output::print(&text(&subject.source, size_bytes, &found, &ends))?;
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::Cases { failed: count(failed, "case") })
}

async fn play(player: &Player, folder: &Folder, bless: bool) -> Result<End, Failure> {
    let case = match &folder.case {
        Ok(case) => case,
        Err(cause) => return Ok(End::Unplayable(cause.to_string())),
    };
    let played = match player.play(case).await {
        Ok(played) => played,
        Err(why) => return Ok(End::Unplayable(why)),
    };
    if folder.verdict.as_ref().is_some_and(|wanted| case::agree(wanted, &played.verdict)) {
        return Ok(End::Passed(played));
    }
    if bless && played.verdict.get("fault").is_none() {
        case::write(&folder.path, None, &played.verdict)?;
        return Ok(End::Blessed(played));
    }
    Ok(End::Differs { wanted: folder.verdict.clone(), played })
}

fn text(source: &str, size_bytes: usize, folders: &[Folder], ends: &[End]) -> String {
    let width = folders.iter().map(|folder| folder.name.chars().count()).max().unwrap_or_default();
    let lines = folders.iter().zip(ends).map(|(folder, end)| line(folder, end, width)).collect::<Vec<_>>();
    let failed = ends.iter().filter(|end| matches!(end, End::Differs { .. } | End::Unplayable(_))).count();
    let size = bytes(size_bytes as u64);
    format!("{source}, {size}\n{}{} passed, {failed} failed", lines.concat(), ends.len() - failed)
}

/// One case, with what differs.
fn line(folder: &Folder, end: &End, width: usize) -> String {
    let name = &folder.name;
    match end {
        End::Passed(played) if played.time.is_zero() => format!("  ok      {name}\n"),
        End::Passed(played) => format!("  ok      {name:<width$}  {}\n", micros(played.time)),
        End::Blessed(_) => format!("  blessed {name:<width$}  its verdict.json was written\n"),
        End::Unplayable(why) => format!("  FAILED  {name}\n{}", indented(why)),
        End::Differs { wanted: None, played } => format!(
            "  FAILED  {name}\n          it has no verdict.json; with --bless this is written:\n{}",
            indented(&format!("{:#}", played.verdict))
        ),
        End::Differs { wanted: Some(wanted), played } => {
            let about = folder
                .case
                .as_ref()
                .ok()
                .and_then(|case| case.about.as_deref())
                .map(|about| format!("          {about}\n"));
            format!("  FAILED  {name}\n{}{}", about.unwrap_or_default(), diff(wanted, &played.verdict, "          "))
        }
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("          {line}\n")).collect();
    lines.concat()
}

fn as_value(folder: &Folder, end: &End) -> Value {
    let (result, played) = match end {
        End::Passed(played) => ("passed", played),
        End::Blessed(played) => ("blessed", played),
        End::Differs { played, .. } => ("differs", played),
        End::Unplayable(why) => return json!({ "name": folder.name, "result": "unplayable", "why": why }),
    };
    json!({
        "name": folder.name,
        "result": result,
        "wanted": folder.verdict,
        "verdict": played.verdict,
        "micros": played.time.as_secs_f64() * 1e6,
    })
}
