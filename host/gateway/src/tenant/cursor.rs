//! Where a merged list goes on: the servers' own cursors in one text that only the same caller can use, for the same
//! list.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use witgate_policy::{Lookup, Reason, Refusal, Stage, Validated};

use super::Tenant;

/// What a page leaves for the next.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The groups that have more, by name, with their servers' own cursors.
    pub(super) more: IndexMap<Arc<str>, String>,
    /// A page of this list was somebody's own, so all that follow are.
    pub(super) private: bool,
}

impl Tenant {
    /// What the client is given for the next page; `None` when nobody has more.
    pub(super) fn close_cursor(&self, validated: &Validated, what: Lookup, cursor: &Cursor) -> Option<String> {
        if cursor.more.is_empty() {
            return None;
        }
        let text = serde_json::to_string(cursor).ok()?;
        match self.spec.lasting.seal.close(&context(validated, what), &text) {
            Ok(sealed) => Some(sealed),
            Err(cause) => {
                tracing::error!(%cause, "a list ends early");
                None
            }
        }
    }

    /// What a page is asked for with; `None` for a first one.
    pub(super) fn open_cursor(&self, validated: &Validated, what: Lookup) -> Result<Option<Cursor>, Refusal> {
        // Some clients write down that they have none.
        let cursor = validated.call().params().get("/cursor").filter(|cursor| *cursor != "null");
        let Some(cursor) = cursor else { return Ok(None) };
        let opened = serde_json::from_str::<String>(cursor)
            .ok()
            .and_then(|sealed| self.spec.lasting.seal.open(&context(validated, what), &sealed))
            .and_then(|text| serde_json::from_str(&text).ok());
        opened.map(Some).ok_or_else(|| {
            let message = "this `cursor` is none that was given to this caller for this list; begin without one";
            Refusal::new(Stage::Route, Reason::Invalid, message)
        })
    }
}

fn context(validated: &Validated, what: Lookup) -> String {
    let identity = validated.identity();
    serde_json::json!(["cursor", validated.call().tenant(), identity.issuer, identity.subject, what.method()])
        .to_string()
}
