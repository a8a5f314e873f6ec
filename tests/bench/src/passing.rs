//! Plugins that look at nothing.

use std::path::Path;

use anyhow::Result;
use witgate_test_guests::layout::{self, PAYLOAD};
use witgate_test_guests::{Guest, SANITIZE_PAYLOAD, Stage, VALIDATE_PARAMS};

use crate::configuration::{PASS, Plugin};

/// Puts the components that are not built in into a folder.
pub(crate) fn furnish(folder: &Path) -> Result<()> {
    for plugin in PASS {
        if let Plugin::Pass(stage) = plugin {
            std::fs::write(folder.join(plugin.name() + ".wasm"), passing(*stage)?)?;
        }
    }
    Ok(())
}

/// A plugin that answers the same to everything. It gives back what it was given, so that it can be put back itself.
fn passing(stage: Stage) -> Result<Vec<u8>> {
    const SUBJECT: &str = "anybody";
    /// Beyond what the guest's answers take.
    const TEXT: u32 = 2048;
    let dropped = match stage {
        Stage::Validate => format!(
            "(call $drop {VALIDATE_PARAMS})
             (if (i32.load8_u offset=100 (local.get 0)) (then (call $drop (i32.load offset=104 (local.get 0)))))"
        ),
        Stage::Sanitize => format!("(call $drop {SANITIZE_PAYLOAD})"),
        _ => String::new(),
    };
    let answer = match stage {
        // A tenant with handlers lets nobody in whom none of them knows.
        Stage::Auth => layout::answer_with(0, PAYLOAD, TEXT, u32::try_from(SUBJECT.len())?),
        _ => layout::answer(layout::calm(stage)),
    };
    Ok(Guest::new(stage).dropping().data(TEXT, SUBJECT).decide(&format!("{dropped} {answer}")).build())
}
