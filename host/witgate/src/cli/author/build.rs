use std::path::Path;

use serde_json::json;
use witgate_author::{Project, build as author};

use super::table::{bytes, seconds};
use crate::cli::output::{self, Failure};

/// `witgate plugin build`.
pub(in crate::cli) fn build(folder: &Path, as_json: bool) -> Result<(), Failure> {
    let project = Project::open(folder)?;
    let kind = &project.manifest.kind;
    if witgate_author::contract::interface(kind).is_none() {
        return Err(witgate_author::Error::Kind { found: kind.clone() }.into());
    }
    let built = author::build(&project, output::note)?;
    let component = built.component.display();
    if as_json {
        let made = json!({
            "component": built.component,
            "size-bytes": built.size_bytes,
            "seconds": built.time.as_secs_f64(),
        });
        return output::print(&made.to_string());
    }
    output::print(&format!("{component}: {} in {}", bytes(built.size_bytes), seconds(built.time)))
}
