use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;

use super::output::{self, Failure};
use crate::import::{self, ImportError};
use witgate_config::diagnostic::{Problem, Problems};

/// What a client's file may be at most, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// `witgate import`.
pub(super) fn import(from: &Path, to: Option<&Path>) -> Result<(), Failure> {
    let imported = read(from).and_then(|text| import::import(&from.display().to_string(), &text));
    let imported = imported.map_err(|cause| Failure::from(Problems::from(Problem::new(cause))))?;
    for note in &imported.notes {
        output::note(note);
    }
    match to {
        None => output::print(imported.toml.trim_end()),
        Some(path) => write(path, &imported.toml),
    }
}

fn read(from: &Path) -> Result<String, ImportError> {
    let read = |from: &mut dyn Read| {
        let mut text = String::new();
        from.take(MAX_BYTES).read_to_string(&mut text).map(|_| text)
    };
    let text = if from == Path::new("-") {
        read(&mut io::stdin().lock())
    } else {
        std::fs::File::open(from).and_then(|mut file| read(&mut file))
    };
    text.map_err(|cause| ImportError::Unreadable { name: from.display().to_string(), cause })
}

/// Never over a file that is there.
fn write(path: &Path, toml: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // The file that it is made from may hold secrets.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file =
        options.open(path).map_err(|cause| Failure::runtime(format!("cannot make {}", path.display()), cause))?;
    file.write_all(toml.as_bytes())
        .map_err(|cause| Failure::runtime(format!("cannot write {}", path.display()), cause))?;
    output::note(&format!("wrote {}; now: witgate check --config {0}", path.display()));
    Ok(())
}
