//! What a language's runtime asks for: `wasi:cli`.

use serde::Deserialize;

use crate::bindings::wasi::cli::{environment, stderr, stdin, stdout};
use crate::stream;

/// Things to do with the environment, the arguments and the standard streams.
#[derive(Deserialize)]
#[serde(tag = "op", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum Runtime {
    /// All variables, as a JSON object's text.
    Env {},
    /// All arguments, as JSON.
    Args {},
    /// The working directory.
    Cwd {},
    /// All of the standard input.
    Stdin {},
    /// Writes to the standard output or error.
    Print {
        text: String,
        #[serde(default)]
        stderr: bool,
    },
}

impl Runtime {
    pub(crate) fn run(&self) -> Result<String, String> {
        match self {
            Self::Env {} => {
                let pairs = environment::get_environment();
                let members = pairs.into_iter().map(|(name, value)| (name, value.into()));
                Ok(serde_json::Value::Object(members.collect()).to_string())
            }
            Self::Args {} => serde_json::to_string(&environment::get_arguments()).map_err(|e| e.to_string()),
            Self::Cwd {} => environment::initial_cwd().ok_or_else(|| "none".to_owned()),
            Self::Stdin {} => {
                let bytes = stream::read(&stdin::get_stdin(), usize::MAX).map_err(|e| stream::failure(&e))?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            Self::Print { text, stderr } => {
                let stream = if *stderr { stderr::get_stderr() } else { stdout::get_stdout() };
                stream::write(&stream, text.as_bytes()).map_err(|e| stream::failure(&e))?;
                Ok(format!("{} bytes", text.len()))
            }
        }
    }
}
