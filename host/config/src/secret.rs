use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use witgate_policy::secret::Secret;

use super::Cause;
use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::raw::{RawFile, RawSecret};
use super::source::Command;

/// A secret is a token or a key; a larger file is a mistake.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// Enough to ask a vault on the network.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The secrets by name, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    by_name: BTreeMap<String, Secret>,
    files: Vec<PathBuf>,
    programs: Vec<String>,
}

impl Secrets {
    /// The secret of that name.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.by_name.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The files that they were read from.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter()
    }

    /// The programs that were run for them: paths, or names that `PATH` leads to.
    pub(super) fn programs(&self) -> impl Iterator<Item = &str> {
        self.programs.iter().map(String::as_str)
    }
}

impl Desk<'_> {
    pub(super) fn secrets(&mut self, raw: &RawFile) -> Secrets {
        let mut secrets = BTreeMap::new();
        for (name, from) in &raw.secret {
            let place = Place::root().key("secret").key(name);
            let secret = self.secret(name, from).unwrap_or_else(|cause| {
                self.report(cause, &place, Part::Key);
                Secret::new("")
            });
            secrets.insert(name.clone(), secret);
        }
        let files = raw.secret.values().filter_map(|from| from.file.as_deref());
        let programs = raw.secret.values().filter_map(|from| from.command.as_ref()?.first());
        Secrets {
            by_name: secrets,
            files: files.map(|file| self.path(file)).collect(),
            programs: programs.map(|program| self.program(program)).collect(),
        }
    }

    fn secret(&self, name: &str, from: &RawSecret) -> Result<Secret, Cause> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(Cause::BadName { text: name.to_owned(), what: "a secret", hint: None, max: 64 });
        }
        let unreadable = |why: String| Cause::SecretUnreadable { name: name.to_owned(), why };
        if from.timeout_ms.is_some() && from.command.is_none() {
            return Err(Cause::KeyOfOtherForm { place: format!("secret.{name}"), key: "timeout-ms", form: "command" });
        }
        let text = match (&from.env, &from.file, &from.command) {
            (Some(variable), None, None) => (self.around.environment)(variable)
                .ok_or_else(|| unreadable(format!("the environment variable `{variable}` is not set")))?,
            (None, Some(file), None) => {
                let path = self.path(file);
                bounded(&path).map_err(|why| unreadable(format!("{}: {why}", path.display())))?
            }
            (None, None, Some(words)) => {
                let timeout = from.timeout_ms.map_or(DEFAULT_TIMEOUT, |time| Duration::from_millis(time.into()));
                let command = self.command(words, timeout).map_err(|why| unreadable(why.to_owned()))?;
                let text = (self.around.run)(&command);
                text.map_err(|why| unreadable(format!("`{}` {why}", command.program)))?
            }
            _ => return Err(Cause::SecretForm { name: name.to_owned() }),
        };
        let text = text.trim_end_matches(['\r', '\n']);
        let control = text.bytes().position(|byte| byte.is_ascii_control());
        match (text.len(), control) {
            (0, _) => Err(unreadable("it is empty".to_owned())),
            // A line end would end a header; nothing else of the kind may be in one either (RFC 9110 section 5.5).
            (_, Some(at)) => Err(unreadable(format!("its byte {at} is a control character, which no header can hold"))),
            (1..=MAX_BYTES, None) => Ok(Secret::new(text)),
            (bytes, None) => Err(unreadable(format!("it is {bytes} bytes, more than {MAX_BYTES}"))),
        }
    }

    /// A path starts at the configuration's folder; a name is for `PATH`.
    fn program(&self, written: &str) -> String {
        if written.contains('/') { self.path(written).display().to_string() } else { written.to_owned() }
    }

    fn command(&self, words: &[String], timeout: Duration) -> Result<Command, &'static str> {
        let (program, arguments) = words.split_first().ok_or("`command` names no program")?;
        if program.is_empty() || words.iter().any(|word| word.contains('\0')) {
            return Err("`command` names no program, or holds a NUL character");
        }
        Ok(Command { program: self.program(program), arguments: arguments.to_vec(), timeout, output_bytes: MAX_BYTES })
    }
}

/// What a file holds, and never a file without end.
fn bounded(path: &std::path::Path) -> Result<String, String> {
    use std::io::Read;
    let found = std::fs::metadata(path).map_err(|cause| cause.to_string())?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|cause| cause.to_string())?;
    // Line ends at its end do not count; two bytes more tell a file that is too long.
    file.take(MAX_BYTES as u64 + 3).read_to_end(&mut text).map_err(|cause| cause.to_string())?;
    // What is in it is not shown.
    String::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::{Config, Surroundings};
    use std::path::Path;

    /// A secret that a command writes.
    fn written(text: &str) -> Result<String, String> {
        let environment = |_: &str| None;
        let run = |_: &super::Command| Ok(text.to_owned());
        let around = Surroundings { run: &run, ..Surroundings::of(&environment) };
        let file = "anonymous = true\n[upstream.leave]\nbuiltin = \"leave\"\n[secret.x]\ncommand = [\"x\"]\n";
        let config = Config::parse_in("f", file, Path::new(""), &around).map_err(|problems| problems.to_string())?;
        Ok(config.secrets.get("x").expect("the secret").expose().to_owned())
    }

    #[test]
    fn a_secret_is_one_line_that_a_header_can_hold() {
        #[track_caller]
        fn check(text: &str, want: Result<&str, &str>) {
            match (written(text), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(got), Err(want)) => {
                    assert!(got.contains(want), "{got}");
                    assert!(!got.contains("canary"), "{got}");
                }
                (got, want) => panic!("{got:?}, {want:?}"),
            }
        }
        check("s3cret\r\n\n", Ok("s3cret"));
        check("schlüssel ", Ok("schlüssel "));
        check("", Err("it is empty"));
        check("\n", Err("it is empty"));
        check("canary\r\nx: y", Err("its byte 6 is a control character"));
        check("canary\0", Err("its byte 6 is a control character"));
        check("canary\u{7f}", Err("its byte 6 is a control character"));
        check(&"canary".repeat(20_000), Err("it is 120000 bytes, more than 65536"));
    }

    #[test]
    fn no_command_runs_where_nobody_runs_any() {
        let file = "anonymous = true\n[upstream.leave]\nbuiltin = \"leave\"\n[secret.x]\ncommand = [\"true\"]\n";
        let refused = Config::parse("f", file, Path::new(""), &|_| None).expect_err("no command").to_string();
        assert!(refused.contains("`true` is not run here"), "{refused}");
    }
}
