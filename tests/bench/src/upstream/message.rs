//! What is asked, read without a copy.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request, or a notification without an id.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    pub(super) method: &'a str,
    #[serde(borrow, default)]
    pub(super) params: Params<'a>,
}

/// What of the parameters decides.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Params<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) cursor: Option<&'a str>,
}
