//! What a configuration asks of its surroundings, which whoever loads it provides.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The environment variables that a configuration may name.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a configuration may ask for while it is loaded.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The environment variables that it may name.
    pub environment: Environment<'a>,
    /// Runs a command and gives what it wrote to its standard output, or says why not in words that follow the
    /// program's name. These hold nothing of that output.
    pub run: &'a dyn Fn(&Command) -> Result<String, String>,
    /// Folders of the gate's own that no configuration names, as its usual cache: no plugin may be granted them.
    pub own: &'a [PathBuf],
}

impl<'a> Surroundings<'a> {
    /// Where no command is run.
    pub fn of(environment: Environment<'a>) -> Self {
        Self { environment, run: &|_| Err("is not run here".to_owned()), own: &[] }
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// A program to run, without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A path, or a name that `PATH` leads to.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// What it may write at most, in bytes.
    pub output_bytes: usize,
}
