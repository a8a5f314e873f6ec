use std::fmt::Write;

use witgate_gateway::record::{Record, StepRecord, TurnedAway};

use super::time_of_day;

/// Select Graphic Rendition (ECMA-48 section 8.3.117).
const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const DIM: &str = "2";

/// One line for a person: when, how it ended, who asked whom for what, how long it took, who decided what.
pub(super) fn line(time: &str, record: &Record, color: bool) -> String {
    let mut line = Painter { text: String::with_capacity(256), color };
    let (sign, paint) = match record.outcome {
        "ok" => ("✓", GREEN),
        "input-required" => ("?", YELLOW),
        "error" | "cancelled" => ("!", YELLOW),
        _ => ("✗", RED),
    };
    line.paint(DIM, time_of_day(time));
    line.plain(" ");
    line.paint(paint, sign);
    line.plain(&format!(" {} {:<10}", clean(&record.tenant), clean(&record.method)));
    if let Some(target) = &record.target {
        line.plain(&format!(" {}", clean(target)));
    }
    line.plain(&format!("  {}", clean(record.subject.as_deref().unwrap_or("-"))));
    if !record.upstreams.is_empty() {
        let upstreams: Vec<_> = record.upstreams.iter().map(|name| clean(name)).collect();
        line.plain(&format!(" → {}", upstreams.join(", ")));
    }
    line.plain(&format!("  {}", took(record.micros)));
    if record.outcome != "ok" {
        line.plain("  ");
        line.paint(paint, record.outcome);
    }
    if let Some(refusal) = &record.refusal {
        line.plain(&format!(" ({}): {}", refusal.plugin.as_deref().unwrap_or(refusal.stage), clean(&refusal.message)));
        if let Some(note) = &refusal.note {
            line.plain(&format!(" [{}]", clean(note)));
        }
    }
    let steps: Vec<_> = record.plugins.iter().map(step).collect();
    if !steps.is_empty() {
        line.paint(DIM, &format!("  {}", steps.join(" · ")));
    }
    line.text
}

/// The same for a message that got to no tenant: from where it came, how it was answered, and why.
pub(super) fn turned_away(time: &str, turned_away: &TurnedAway, color: bool) -> String {
    let mut line = Painter { text: String::with_capacity(256), color };
    let TurnedAway { tenant, peer, method, target, code, status, cause } = turned_away;
    line.paint(DIM, time_of_day(time));
    line.plain(" ");
    line.paint(RED, "✗");
    line.plain(&format!(
        " {} {:<10}",
        clean(tenant.as_deref().unwrap_or("-")),
        clean(method.as_deref().unwrap_or("-"))
    ));
    if let Some(target) = target {
        line.plain(&format!(" {}", clean(target)));
    }
    line.plain(&format!("  {}  ", clean(peer)));
    line.paint(RED, "turned away");
    let status = status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
    line.plain(&format!(" ({code}{status}): {}", clean(cause)));
    line.text
}

fn step(step: &StepRecord) -> String {
    let mut text = format!("{} {} {}", step.plugin, step.verdict, took(step.micros));
    if step.times > 1 {
        let _ = write!(text, " × {}", step.times);
    }
    if let Some(fault) = &step.fault {
        let _ = write!(text, " ({})", clean(fault));
    }
    if step.shadow {
        text.push_str(" shadow");
    }
    text
}

fn took(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// What a client or a plugin said cannot move the cursor of whoever reads the log, nor turn the order of what is read.
fn clean(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let harmless = |c: char| if c.is_control() || turns(c) { '\u{fffd}' } else { c };
    let mut cleaned: String = text.chars().take(MAX_CHARS).map(harmless).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        cleaned.push('…');
    }
    cleaned
}

struct Painter {
    text: String,
    color: bool,
}

impl Painter {
    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn paint(&mut self, code: &str, text: &str) {
        if self.color {
            // Writing to a string does not fail.
            let _ = write!(self.text, "\x1b[{code}m{text}\x1b[0m");
        } else {
            self.text.push_str(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use witgate_gateway::record::RefusalRecord;

    use super::*;

    fn record() -> Record {
        let step = |plugin: &str, verdict, micros| StepRecord {
            stage: "auth",
            plugin: plugin.into(),
            digest: "d".into(),
            verdict,
            fault: None,
            micros,
            times: 1,
            shadow: false,
        };
        Record {
            call: "c".into(),
            generation: 1,
            tenant: "default".into(),
            method: "tools/call".to_owned(),
            target: Some("leave__\x1b[2Japply".to_owned()),
            revision: "2026-07-28",
            subject: Some("demo".to_owned()),
            upstreams: vec!["leave".into()],
            outcome: "ok",
            refusal: None,
            plugins: vec![step("api-key", "allow", 41), step("redact", "edits", 1_250)],
            micros: 3_249,
        }
    }

    #[test]
    fn a_message_is_one_line() {
        let good = line("2026-11-20T12:00:01.000000Z", &record(), false);
        let want = "12:00:01 ✓ default tools/call leave__\u{fffd}[2Japply  demo → leave  3.2 ms  api-key allow 41 µs · \
                    redact edits 1.2 ms";
        assert_eq!(good, want);
    }

    #[test]
    fn a_refusal_says_who_and_why() {
        let refusal = RefusalRecord {
            stage: "validate",
            plugin: Some("schema".into()),
            message: "employee ids look like E001".to_owned(),
            note: Some("a\nb".to_owned()),
        };
        let record = Record {
            outcome: "invalid",
            refusal: Some(refusal),
            plugins: Vec::new(),
            subject: None,
            target: None,
            ..record()
        };
        let got = line("2026-11-20T12:00:01.000000Z", &record, true);
        let want = "\x1b[2m12:00:01\x1b[0m \x1b[31m✗\x1b[0m default tools/call  - → leave  3.2 ms  \x1b[31minvalid\x1b[0m \
                    (schema): employee ids look like E001 [a\u{fffd}b]";
        assert_eq!(got, want);
    }

    #[test]
    fn what_was_turned_away_is_one_line() {
        let turned_away = TurnedAway {
            tenant: Some("default".into()),
            peer: "127.0.0.1:4711".to_owned(),
            method: None,
            target: None,
            code: -32600,
            status: Some(406),
            cause: "no\nway".to_owned(),
        };
        let want = "12:00:01 ✗ default -           127.0.0.1:4711  turned away (-32600, HTTP 406): no\u{fffd}way";
        assert_eq!(super::turned_away("2026-11-20T12:00:01.000000Z", &turned_away, false), want);
    }

    #[test]
    fn times_are_short() {
        for (micros, want) in
            [(0, "0 µs"), (999, "999 µs"), (1_000, "1.0 ms"), (59_999, "59.9 ms"), (2_300_000, "2.3 s")]
        {
            assert_eq!(took(micros), want);
        }
    }

    #[test]
    fn what_strangers_say_stays_where_it_is() {
        assert_eq!(clean("a\x1b[2Jb\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}c");
        assert_eq!(clean(&"x".repeat(201)), format!("{}…", "x".repeat(200)));
    }
}
