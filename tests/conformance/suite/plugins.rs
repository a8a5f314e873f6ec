//! A plugin in every hook that lets everything pass, by saying so rather than by having no opinion where it can.

use std::path::Path;

use witgate_test_guests::layout::{self, PAYLOAD};
use witgate_test_guests::{Guest, Stage, pass};
use witgate_tests::settings;

/// The upstream that the router names.
pub(crate) const UPSTREAM: &str = "fixtures";

const ALL: [(&str, Stage); 6] = [
    ("who", Stage::Auth),
    ("in", Stage::Validate),
    ("where", Stage::Route),
    ("shown", Stage::Credential),
    ("again", Stage::Retry),
    ("out", Stage::Sanitize),
];

/// Their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Writes the components, and says how they are configured.
pub(crate) fn write(folder: &Path) -> String {
    let configured = ALL.map(|(name, stage)| {
        let file = folder.join(format!("{name}.wasm"));
        std::fs::write(&file, component(stage)).expect("a component");
        let keys = if stage == Stage::Credential {
            format!("when = {{ upstreams = [\"{UPSTREAM}\"] }}\n")
        } else {
            String::new()
        };
        settings::plugin(name, &file.display().to_string(), &keys, "")
    });
    configured.concat()
}

fn component(stage: Stage) -> Vec<u8> {
    match stage {
        Stage::Auth => allowing(),
        Stage::Route => ordering(),
        Stage::Credential | Stage::Validate | Stage::Retry | Stage::Sanitize => pass(stage),
    }
}

/// Free for text in a guest.
const TEXT: u32 = 2048;

/// Lets everybody in under one name.
fn allowing() -> Vec<u8> {
    let subject = "everybody";
    let length = u32::try_from(subject.len()).expect("a length");
    // An identity begins with its subject: address and length.
    Guest::new(Stage::Auth).data(TEXT, subject).decide(&layout::answer_with(0, PAYLOAD, TEXT, length)).build()
}

/// Names the one upstream.
fn ordering() -> Vec<u8> {
    let list = TEXT + 64;
    let length = u32::try_from(UPSTREAM.len()).expect("a length");
    let element = [TEXT.to_le_bytes(), length.to_le_bytes()].concat();
    let element = String::from_utf8(element).expect("small numbers, which are ASCII");
    let (case, at) = layout::list(Stage::Route).expect("an order");
    let decide = layout::answer_with(case, at, list, 1);
    Guest::new(Stage::Route).data(TEXT, UPSTREAM).data(list, &element).decide(&decide).build()
}
