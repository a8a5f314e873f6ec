use serde::Serialize;
use witgate_gateway::record::{Record, TurnedAway};

/// Beside the events of `tracing`, which have `timestamp`, `level` and `message` too. Their `target` is the module that
/// speaks; a record's is what the client addressed.
#[derive(Serialize)]
struct Line<'a, R> {
    timestamp: &'a str,
    level: &'static str,
    message: &'static str,
    #[serde(flatten)]
    record: &'a R,
}

/// One JSON object.
pub(super) fn line(time: &str, record: &Record) -> String {
    written(time, "mcp", record)
}

/// The same for a message that got to no tenant.
pub(super) fn turned_away(time: &str, turned_away: &TurnedAway) -> String {
    written(time, "a message was turned away", turned_away)
}

fn written<R: Serialize>(time: &str, message: &'static str, record: &R) -> String {
    let line = Line { timestamp: time, level: "INFO", message, record };
    serde_json::to_string(&line)
        .unwrap_or_else(|cause| format!("{{\"level\":\"ERROR\",\"message\":\"a record is no JSON: {cause}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_of_strict_json() {
        let record = Record {
            call: "c".into(),
            generation: 1,
            tenant: "t".into(),
            method: "tools/call".to_owned(),
            target: Some("a\nb".to_owned()),
            revision: "2026-07-28",
            subject: None,
            upstreams: vec!["u".into()],
            outcome: "ok",
            refusal: None,
            plugins: Vec::new(),
            micros: 7,
        };
        let line = line("now", &record);
        assert!(!line.contains('\n'));
        // Refuses a key that comes twice.
        let payload = witgate_policy::Payload::parse_str(&line).expect("strict JSON");
        assert_eq!(payload.read::<String>("/target").as_deref(), Some("a\nb"));
    }

    #[test]
    fn what_was_turned_away_is_one_line_with_the_same_names() {
        let turned_away = TurnedAway {
            tenant: Some("t".into()),
            peer: "stdio".to_owned(),
            method: Some("tools/call".to_owned()),
            target: Some("a\nb".to_owned()),
            code: -32600,
            status: None,
            cause: "no".to_owned(),
        };
        let line = super::turned_away("now", &turned_away);
        let want = r#"{"timestamp":"now","level":"INFO","message":"a message was turned away","tenant":"t","peer":"stdio",
            "method":"tools/call","target":"a\nb","code":-32600,"cause":"no"}"#;
        assert_eq!(line, want.replace("\n            ", ""));
    }
}
