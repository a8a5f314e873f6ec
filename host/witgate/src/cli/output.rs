use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use witgate_config::diagnostic::{Problems, Style};

/// Why the program ends with another code than 0.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The configuration, or something that it names, is at fault: code 2.
    #[error("{0}")]
    Configuration(#[from] Problems),
    /// No such tenant, or none was named where there are several: code 2.
    #[error("{}; the tenants are {known}", match wanted { Some(name) => format!("there is no tenant `{name}`"), None => "say which tenant with --tenant".to_owned() })]
    Tenant {
        /// What was asked for.
        wanted: Option<String>,
        /// What there is.
        known: String,
    },
    /// An author's project, or the tools that it needs: code 2.
    #[error(transparent)]
    Author(#[from] witgate_author::Error),
    /// A file that is no case: code 2.
    #[error(transparent)]
    Case(#[from] crate::case::CaseError),
    /// Cases that a plugin does not pass: code 1.
    #[error("{failed} failed")]
    Cases {
        /// How many.
        failed: String,
    },
    /// A second signal: code 130.
    #[error("ended at once; what was under way is lost")]
    Interrupted,
    /// Something failed while running: code 1.
    #[error("{what}: {cause}")]
    Runtime {
        /// What was tried.
        what: String,
        /// Why it failed.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl Failure {
    /// Something that failed while running.
    pub(super) fn runtime(what: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Runtime { what: what.into(), cause: cause.into() }
    }

    /// Tells a person, and says with which code to end.
    pub(super) fn report(self) -> ExitCode {
        match self {
            Self::Configuration(problems) => {
                complain(&problems);
                ExitCode::from(2)
            }
            other => {
                note(&other.to_string());
                ExitCode::from(match other {
                    Self::Tenant { .. } | Self::Author(_) | Self::Case(_) => 2,
                    Self::Interrupted => 130,
                    _ => 1,
                })
            }
        }
    }
}

/// A line for a person, on standard error. Nothing can be done when that is gone.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "witgate: {text}");
}

/// Writes problems to standard error.
pub(super) fn complain(problems: &Problems) {
    let _ = io::stderr().write_all(problems.render(style(&io::stderr())).as_bytes());
}

/// Writes an answer to standard output. A reader that has gone away (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(Failure::runtime("cannot write", cause)),
        _ => Ok(()),
    }
}

/// Colours for a terminal, unless `NO_COLOR` is set (no-color.org).
pub(super) fn style(stream: &impl IsTerminal) -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !refused { Style::Color } else { Style::Plain }
}
