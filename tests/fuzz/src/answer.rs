//! A plugin's answer as text: its kind on the first line, a field and its value on each further one. `times 300 scope a`
//! is three hundred of them, and `long 300 message ab` has its value repeated up to so many bytes.

use std::time::Duration;

use witgate_policy::json::Edit;
use witgate_policy::{
    AuthVerdict, Challenge, Claim, Credential, Finding, Header, Identity, Reason, Refusal, RouteVerdict,
    SanitizeVerdict, Stage, ValidateVerdict,
};

/// More than any bound on a list, and on a text.
const MOST_TIMES: usize = 5_000;
const MOST_BYTES: usize = 10_000;

/// What a plugin of some kind said.
#[derive(Debug, Clone)]
pub enum Said {
    Auth(AuthVerdict),
    Credential(Result<Credential, Refusal>),
    Validate(ValidateVerdict),
    Route(RouteVerdict),
    Sanitize(SanitizeVerdict),
}

/// Reads an answer; `None` when the first line is no kind.
pub fn parse(text: &str) -> Option<Said> {
    let (kind, rest) = text.split_once('\n').unwrap_or((text, ""));
    let fields = Fields::parse(rest);
    Some(match kind {
        "auth allow" => Said::Auth(AuthVerdict::Allow(fields.identity())),
        "auth challenge" => Said::Auth(AuthVerdict::Challenge(fields.challenge())),
        "auth deny" => Said::Auth(AuthVerdict::Deny(fields.refusal(Stage::Auth))),
        "credential" => Said::Credential(Ok(fields.credential())),
        "credential fail" => Said::Credential(Err(fields.refusal(Stage::Credential))),
        "validate edits" => Said::Validate(ValidateVerdict::Edits(fields.edits())),
        "validate refuse" => Said::Validate(ValidateVerdict::Refuse(fields.refusal(Stage::Validate))),
        "route order" => Said::Route(RouteVerdict::Order(fields.all("id"))),
        "route refuse" => Said::Route(RouteVerdict::Refuse(fields.refusal(Stage::Route))),
        "sanitize edits" => Said::Sanitize(SanitizeVerdict::Edits(fields.edits())),
        "sanitize replace" => Said::Sanitize(SanitizeVerdict::Replace(fields.one("json").unwrap_or_default())),
        "sanitize withhold" => Said::Sanitize(SanitizeVerdict::Withhold(fields.refusal(Stage::Sanitize))),
        _ => return None,
    })
}

struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(text: &str) -> Self {
        let mut fields = Vec::new();
        for line in text.split('\n') {
            let (times, line) = counted(line, "times ").unwrap_or((1, line));
            let (bytes, line) = counted(line, "long ").map_or((None, line), |(bytes, line)| (Some(bytes), line));
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            // A line break, which the lines of this text cannot hold themselves.
            let mut value = value.replace("\\n", "\n");
            if let Some(bytes) = bytes.filter(|_| !value.is_empty()) {
                value = value.repeat(bytes.min(MOST_BYTES) / value.len() + 1);
            }
            let room = MOST_TIMES.saturating_sub(fields.len());
            fields.extend(std::iter::repeat_n((name.to_owned(), value), times.min(room)));
        }
        Self(fields)
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.clone()).collect()
    }

    fn pairs(&self, name: &str, between: char) -> Vec<(String, Option<String>)> {
        let pair = |value: String| match value.split_once(between) {
            Some((first, second)) => (first.to_owned(), Some(second.to_owned())),
            None => (value, None),
        };
        self.all(name).into_iter().map(pair).collect()
    }

    fn one(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
    }

    fn identity(&self) -> Identity {
        let claim = |(name, value): (String, Option<String>)| Claim { name, value: value.unwrap_or_default() };
        Identity {
            subject: self.one("subject").unwrap_or_default(),
            issuer: self.one("issuer").unwrap_or_default(),
            scopes: self.all("scope"),
            claims: self.pairs("claim", ' ').into_iter().map(claim).collect(),
        }
    }

    fn challenge(&self) -> Challenge {
        Challenge {
            scheme: self.one("scheme").unwrap_or_default(),
            error: self.one("error"),
            description: self.one("description"),
            scope: self.one("scope"),
        }
    }

    fn credential(&self) -> Credential {
        let header = |(name, value): (String, Option<String>)| Header {
            name,
            value: value.unwrap_or_default(),
            plugin: "p".into(),
        };
        Credential {
            headers: self.pairs("header", ' ').into_iter().map(header).collect(),
            expires_in: self.one("expires").map(|text| Duration::from_secs(text.len() as u64)),
        }
    }

    fn refusal(&self, stage: Stage) -> Refusal {
        let reason = match self.one("code").as_deref() {
            Some("unauthenticated") => Reason::Unauthenticated,
            Some("forbidden") => Reason::Forbidden,
            Some("exhausted") => Reason::Exhausted,
            Some("unavailable") => Reason::Unavailable,
            _ => Reason::Invalid,
        };
        let finding =
            |(pointer, message): (String, Option<String>)| Finding { pointer, message: message.unwrap_or_default() };
        let mut refusal = Refusal::new(stage, reason, self.one("message").unwrap_or_default());
        refusal.note = self.one("note");
        refusal.retry_after_ms = self.one("retry").and_then(|text| text.parse().ok());
        refusal.findings = self.pairs("finding", ' ').into_iter().map(finding).collect();
        refusal.plugin = Some("p".into());
        refusal
    }

    fn edits(&self) -> Vec<Edit> {
        self.pairs("edit", ' ').into_iter().map(|(pointer, value)| Edit { pointer, value }).collect()
    }
}

fn counted<'a>(line: &'a str, word: &str) -> Option<(usize, &'a str)> {
    let (count, rest) = line.strip_prefix(word)?.split_once(' ')?;
    Some((count.parse().ok()?, rest))
}
