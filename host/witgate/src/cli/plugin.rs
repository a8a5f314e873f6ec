use std::fmt::Write;
use std::path::Path;

use serde_json::json;
use witgate_policy::{Grants, Stage};
use witgate_sandbox::Inspection;

use super::author::Subject;
use super::output::{self, Failure};
use super::serve;
use crate::confine::Outside;
use crate::generation::{self, MAX_COMPONENT_BYTES};
use witgate_config::diagnostic::{Problem, Problems};
use witgate_config::{Compiler, Egress};

/// `witgate plugin inspect`.
pub(super) fn inspect(source: &str, as_json: bool) -> Result<(), Failure> {
    let subject = Subject::find(source)?;
    let (source, name) = (&*subject.source, &*subject.name);
    let runtime = serve::runtime()?;
    let found = runtime.block_on(async {
        let refuse = |cause: generation::Cause| Failure::from(Problems::from(Problem::new(cause)));
        let bytes = generation::read(&Outside::here(), &subject.plugin).await.map_err(refuse)?;
        let sandbox = serve::small_sandbox(&Compiler::default(), &Egress::default())?;
        let found = sandbox.inspect(name, bytes, MAX_COMPONENT_BYTES).await;
        found.map_err(|cause| refuse(generation::Cause::Refused(cause)))
    })?;
    output::print(&if as_json { as_value(source, &found).to_string() } else { text(source, name, &found) })
}

/// A name for the configuration: `my-plugin` for `plugins/my_plugin.wasm`.
pub(super) fn name_of(source: &str) -> String {
    let stem = source.strip_prefix("builtin:").map_or(Path::new(source), Path::new).file_stem();
    let stem = stem.unwrap_or_default().to_string_lossy().to_lowercase();
    stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn as_value(source: &str, found: &Inspection) -> serde_json::Value {
    json!({
        "source": source,
        "kinds": kinds(found),
        "sha256": &*found.digest,
        "size-bytes": found.size_bytes,
        "imports": found.imports,
        "exports": found.exports,
        "grants": found.grants,
        "forbidden": found.forbidden,
        "unknown": found.unknown,
    })
}

fn kinds(found: &Inspection) -> Vec<&'static str> {
    found.kinds.iter().copied().map(Stage::as_str).collect()
}

/// Facts, then what to paste.
fn text(source: &str, name: &str, found: &Inspection) -> String {
    let mut text = format!(
        "{source}\n  kinds    {}\n  size     {} bytes\n  sha256   {}\n",
        kinds(found).join(", "),
        found.size_bytes,
        found.digest
    );
    for (word, names) in [("imports", &found.imports), ("exports", &found.exports)] {
        for (at, name) in names.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {:<8} {name}", if at == 0 { word } else { "" });
        }
    }
    let refused = found.forbidden.iter().map(|import| (import, "no grant can allow this"));
    let refused = refused.chain(found.unknown.iter().map(|import| (import, "this gate does not have it")));
    for (import, why) in refused {
        let _ = writeln!(text, "  refused  {import}: {why}");
    }
    let _ = write!(text, "\n[[plugin]]\nname = \"{name}\"\nsource = {source:?}\n");
    if !found.grants.is_empty() {
        let grants: Vec<_> = found.grants.iter().map(|grant| Grants::example(grant)).collect();
        let _ = writeln!(text, "grants = {{ {} }}", grants.join(", "));
    }
    if !source.starts_with("builtin:") {
        let _ = writeln!(text, "sha256 = \"{}\"", found.digest);
    }
    text.truncate(text.trim_end().len());
    text
}
