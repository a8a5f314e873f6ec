//! A row: one way to do harm, the hooks in which it is tried, and how each attempt has to end.

use std::path::Path;

use witgate_test_guests::{Guest, Stage, layout};
use witgate_tests::settings;

/// The hooks.
pub(crate) const ALL: &[Stage] = &Stage::ALL;

/// One way to do harm.
pub(crate) struct Row {
    /// Unique; with a kind, the plugin's name in the log.
    pub(crate) name: &'static str,
    /// The hooks in which it is tried.
    pub(crate) kinds: &'static [Stage],
    /// What the guest does when it is asked.
    pub(crate) body: fn(Stage) -> String,
    /// What else is in it: imports, fields, text.
    pub(crate) dress: fn(Guest) -> Guest,
    /// Further keys of the plugin's table.
    pub(crate) keys: &'static str,
    /// How each attempt has to end.
    pub(crate) end: End,
    /// The key of the limit that each attempt runs into, which its fault has to name.
    pub(crate) limit: Option<&'static str>,
}

/// How an attempt has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// In a fault with one of these labels, and so in a refused call.
    Fault(&'static [&'static str]),
    /// In an answer that does nothing: the harm came to nothing by itself.
    Calm,
    /// Likewise; a fault would say that the guest has found what others left.
    Clean,
}

impl Row {
    /// A row that needs nothing but a body.
    pub(crate) const fn new(name: &'static str, body: fn(Stage) -> String, end: End) -> Self {
        Self { name, kinds: ALL, body, dress: |guest| guest, keys: "", end, limit: None }
    }

    /// With these hooks only.
    pub(crate) const fn kinds(mut self, kinds: &'static [Stage]) -> Self {
        self.kinds = kinds;
        self
    }

    /// With more in the guest.
    pub(crate) const fn dress(mut self, dress: fn(Guest) -> Guest) -> Self {
        self.dress = dress;
        self
    }

    /// With more keys in the plugin's table.
    pub(crate) const fn keys(mut self, keys: &'static str) -> Self {
        self.keys = keys;
        self
    }

    /// Against this limit.
    pub(crate) const fn limit(mut self, key: &'static str) -> Self {
        self.limit = Some(key);
        self
    }

    /// Each hook's plugin.
    pub(crate) fn units(&'static self) -> impl Iterator<Item = Unit> {
        self.kinds.iter().map(move |&kind| Unit { row: self, kind, name: format!("{}-{kind}", self.name) })
    }
}

/// A row in one hook: one plugin and the tools that lead to it.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) row: &'static Row,
    pub(crate) kind: Stage,
    /// The plugin's.
    pub(crate) name: String,
}

/// The end of names with which a guest does no harm.
const CALM: &str = "-calm";

impl Unit {
    /// The tool, as clients name it, whose call is an attempt; or, when `calm`, one about which the plugin gives an
    /// answer, so that a run of faults ends and it does not come into quarantine.
    pub(crate) fn tool(&self, calm: bool) -> String {
        let name = format!("{}{}", self.name, if calm { CALM } else { "" });
        // A credential plugin is asked about an upstream, whatever is called there.
        if self.kind == Stage::Credential { format!("{name}__run") } else { name }
    }

    /// The component.
    pub(crate) fn build(&self) -> Vec<u8> {
        let (text, length) = layout::subject(self.kind);
        let body = format!(
            "(if (i32.eq (i32.const {last}) (i32.load8_u (i32.sub (i32.add {text} {length}) (i32.const 1))))
               (then {calm} return))
             {harm}",
            last = CALM.as_bytes()[CALM.len() - 1],
            calm = layout::answer(layout::calm(self.kind)),
            harm = (self.row.body)(self.kind),
        );
        (self.row.dress)(Guest::new(self.kind)).decide(&body).build()
    }

    /// The upstreams of its own, which only a credential plugin has.
    pub(crate) fn upstreams(&self, url: &str) -> String {
        if self.kind != Stage::Credential {
            return String::new();
        }
        [String::new(), CALM.to_owned()].map(|end| settings::remote(&format!("{}{end}", self.name), url)).concat()
    }

    /// The plugin's table.
    pub(crate) fn plugin(&self, folder: &Path) -> String {
        let file = folder.join(format!("{}.wasm", self.name));
        let key = if self.kind == Stage::Credential { "upstreams" } else { "targets" };
        let keys = format!("when = {{ {key} = [\"{0}\", \"{0}{CALM}\"] }}\n{1}", self.name, self.row.keys);
        settings::plugin(&self.name, &file.display().to_string(), &keys, "")
    }
}
