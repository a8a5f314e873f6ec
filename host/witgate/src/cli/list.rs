use std::fmt::Write;

use witgate_config::{self as config, Config, Origin, Surroundings, builtin};
use witgate_sandbox::Sandbox;

use super::output::{self, Failure};
use super::serve;
use crate::confine::Outside;
use crate::control::{self, Condition, Health, Plugin, Report};
use crate::generation::{self, MAX_COMPONENT_BYTES};
use crate::surroundings;
use witgate_config::diagnostic::{Problem, Problems};

/// Enough of a digest to tell components apart at a glance; `--json` has the whole.
const DIGEST_CHARS: usize = 12;

/// `witgate plugin list`: the built-in plugins, and those of a configuration with how they do.
pub(super) fn list(origin: &Origin, as_json: bool) -> Result<(), Failure> {
    let report = match origin {
        Origin::Embedded => None,
        Origin::File(_) => Some(visible(configured(origin)?)),
    };
    if as_json {
        let builtins: Vec<_> =
            builtin::ALL.iter().map(|one| serde_json::json!({ "name": one.name, "summary": one.summary })).collect();
        let all = serde_json::json!({ "builtins": builtins, "configured": report });
        return output::print(&all.to_string());
    }
    let mut text = builtins();
    if let (Some(report), Origin::File(path)) = (&report, origin) {
        text.push_str(&in_words(&plain(&path.display().to_string()), report));
    }
    output::print(text.trim_end())
}

fn builtins() -> String {
    let widest = builtin::ALL.iter().map(|builtin| builtin.name.len()).max().unwrap_or_default();
    let lines = builtin::ALL.iter().map(|one| format!("builtin:{:widest$}  {}\n", one.name, one.summary));
    lines.collect()
}

/// What the gate says that serves the configuration, or, when there is none, what the configuration itself says.
fn configured(origin: &Origin) -> Result<Report, Failure> {
    match control::ask(origin) {
        Ok(Some(report)) => return Ok(report),
        Ok(None) => {}
        Err(cause) => output::note(&plain(&cause.to_string())),
    }
    // To look is no reason to run a secret's command, and what it would say does not matter here.
    let environment = |name: &str| std::env::var(name).ok();
    let own = surroundings::own();
    let around = Surroundings { environment: &environment, run: &|_| Ok("not asked".to_owned()), own: &own };
    let config = Config::load(origin, &around)?;
    let sandbox = serve::small_sandbox(&config.compiler, &config.egress)?;
    serve::runtime()?.block_on(async {
        let mut plugins = Vec::new();
        for tenant in &config.tenants {
            for plugin in &tenant.plugins {
                plugins.push(inspected(&sandbox, tenant, plugin).await?);
            }
        }
        Ok(Report::of_file(plugins))
    })
}

/// A plugin as its component and the configuration have it. Nothing of it is run.
async fn inspected(
    sandbox: &std::sync::Arc<Sandbox>,
    tenant: &config::Tenant,
    plugin: &config::Plugin,
) -> Result<Plugin, Failure> {
    let refuse = |cause: generation::Cause| Failure::from(Problems::from(Problem::new(cause)));
    let bytes = generation::read(&Outside::here(), &plugin.source).await.map_err(refuse)?;
    let found = sandbox.inspect(&plugin.name, bytes, MAX_COMPONENT_BYTES).await;
    let found = found.map_err(|cause| refuse(generation::Cause::Refused(cause)))?;
    Ok(Plugin {
        tenant: tenant.name.to_string(),
        name: plugin.name.to_string(),
        kinds: found.kinds.iter().map(ToString::to_string).collect(),
        mode: control::mode(plugin.mode).to_owned(),
        digest: found.digest.to_string(),
        grants: control::in_words(&plugin.grants),
        health: Vec::new(),
    })
}

/// A report without what would drive a terminal, or turn the order of what is read: it is full of words of plugins, files
/// and another process.
fn visible(mut report: Report) -> Report {
    let clean = |text: &mut String| *text = plain(text);
    clean(&mut report.version);
    for plugin in &mut report.plugins {
        [&mut plugin.tenant, &mut plugin.name, &mut plugin.mode, &mut plugin.digest].into_iter().for_each(clean);
        plugin.kinds.iter_mut().chain(&mut plugin.grants).for_each(clean);
        for health in &mut plugin.health {
            clean(&mut health.kind);
            if let Some(fault) = &mut health.last_fault {
                [&mut fault.label, &mut fault.text].into_iter().for_each(clean);
            }
        }
    }
    report
}

fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

fn in_words(file: &str, report: &Report) -> String {
    let mut text = match (report.pid, report.generation) {
        (Some(pid), Some(generation)) => format!("\n{file}: served by process {pid}, generation {generation}\n"),
        _ => format!("\n{file}: no gate serves it now, so this is what it says\n"),
    };
    let widest = report.plugins.iter().map(|plugin| plugin.name.len()).max().unwrap_or_default();
    let mut tenant = None;
    for plugin in &report.plugins {
        // Writing to a string does not fail.
        if tenant.replace(&plugin.tenant) != Some(&plugin.tenant) {
            let _ = writeln!(text, "\ntenant {}", plugin.tenant);
        }
        let digest = plugin.digest.get(..DIGEST_CHARS).unwrap_or(&plugin.digest);
        let kinds = plugin.kinds.join(", ");
        let _ = writeln!(text, "  {:widest$}  {kinds}, {}, sha256 {digest}…", plugin.name, plugin.mode);
        for grant in &plugin.grants {
            let _ = writeln!(text, "  {:widest$}    granted: {grant}", "");
        }
        for health in &plugin.health {
            let _ = writeln!(text, "  {:widest$}    {}", "", state(health, plugin.health.len() > 1));
        }
    }
    if report.plugins.is_empty() {
        text.push_str("\nno plugins\n");
    }
    text
}

/// As `well; 120 calls, 3 faults, the last 5 s ago: it trapped: unreachable`.
fn state(health: &Health, of_several: bool) -> String {
    let mut text = if of_several { format!("as {}: ", health.kind) } else { String::new() };
    let _ = match &health.condition {
        Condition::Well => write!(text, "well"),
        Condition::Partly { callers: 1 } => write!(text, "in quarantine for 1 caller, well for others"),
        Condition::Partly { callers } => write!(text, "in quarantine for {callers} callers, well for others"),
        Condition::Quarantined { for_ms, left_ms: 0 } => {
            write!(text, "in quarantine since {} ago, the next call tries it again", seconds(*for_ms))
        }
        Condition::Quarantined { for_ms, left_ms } => {
            write!(text, "in quarantine since {} ago, tried again in {}", seconds(*for_ms), seconds(*left_ms))
        }
    };
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let _ = write!(text, "; {}, {}", count(health.calls, "call"), count(health.faults, "fault"));
    if health.faults_in_a_row > 1 {
        let _ = write!(text, " ({} in a row)", health.faults_in_a_row);
    }
    if health.refused > 0 {
        let _ = write!(text, ", {} refused unasked", health.refused);
    }
    if let Some(fault) = &health.last_fault {
        let _ = write!(text, ", the last {} ago: it {}", seconds(fault.ago_ms), fault.text);
    }
    text
}

fn seconds(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..600_000 => format!("{} s", ms / 1000),
        _ => format!("{} min", ms / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use crate::control::LastFault;

    use super::*;

    fn health(condition: Condition) -> Health {
        Health {
            kind: "validate".into(),
            condition,
            calls: 120,
            faults: 0,
            refused: 0,
            faults_in_a_row: 0,
            last_fault: None,
        }
    }

    #[test]
    fn what_others_say_cannot_drive_a_terminal() {
        const BAD: &str = "a\n\u{1b}[2J\u{9b}31m\u{202e}\r\u{7}";
        let bad = || BAD.to_owned();
        let fault = LastFault { label: bad(), text: bad(), ago_ms: 1 };
        let health = Health { kind: bad(), last_fault: Some(fault), ..health(Condition::Well) };
        let plugin = Plugin {
            tenant: bad(),
            name: bad(),
            kinds: vec![bad()],
            mode: bad(),
            digest: bad(),
            grants: vec![bad()],
            health: vec![health],
        };
        let mut report = Report::of_file(vec![plugin]);
        report.version = bad();
        let report = visible(report);
        let all = [in_words("file", &report).replace('\n', ""), serde_json::to_string(&report).expect("json")];
        for text in all {
            assert!(text.contains('a') && !text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
            assert!(!text.contains("\\n") && !text.contains("\\u"), "{text}");
        }
        // No line of its own: a heading, a blank line, the tenant, the plugin, a grant and its health.
        assert_eq!(in_words("file", &report).lines().filter(|line| !line.is_empty()).count(), 5);
    }

    #[test]
    fn a_state_is_a_line() {
        #[track_caller]
        fn check(health: &Health, want: &str) {
            assert_eq!(state(health, false), want);
        }
        check(&health(Condition::Well), "well; 120 calls, 0 faults");
        check(
            &health(Condition::Partly { callers: 2 }),
            "in quarantine for 2 callers, well for others; 120 calls, 0 faults",
        );
        let fault = LastFault { label: "trap".into(), text: "trapped: unreachable".into(), ago_ms: 1_250 };
        let ill = Health {
            faults: 17,
            faults_in_a_row: 17,
            refused: 3,
            last_fault: Some(fault),
            ..health(Condition::Quarantined { for_ms: 61_000, left_ms: 900 })
        };
        check(
            &ill,
            "in quarantine since 61 s ago, tried again in 0.9 s; 120 calls, 17 faults (17 in a row), 3 refused unasked, \
             the last 1.2 s ago: it trapped: unreachable",
        );
        assert!(state(&ill, true).starts_with("as validate: in quarantine"));
    }
}
