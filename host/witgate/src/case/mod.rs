//! Cases: what a plugin is told once, and what it has to answer. A folder with a `case.json` and a `verdict.json`.
//!
//! ```text
//! case.json      a call, an identity, settings, what the host's stores hold, and what the kind is told besides
//! verdict.json   what the plugin answers; `{"configure": {"names": "limits[0]"}}` when it must refuse the settings with a
//!                message that names one, `{"fault": "…"}` when it must fail
//! ```
//!
//! Whatever a case does not say has a default, so a case says what it is about. Payloads are given to the plugin byte
//! for byte as they stand there. The words are those of `wit/`; nothing else is understood.

mod facts;
mod folder;
mod network;
mod play;
mod stores;
pub(crate) mod verdict;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use witgate_policy::Stage;

pub(crate) use facts::raw;
pub(crate) use facts::{Attempt, CallFacts, Caller, Candidate, Header, MessageFacts, Moment, PeerFacts, Upstream};
pub(crate) use folder::{CaseError, Folder, find, write};
pub(crate) use play::{Played, Player};
pub(crate) use stores::Contents;
pub(crate) use verdict::agree;

/// What a plugin is told once.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Case {
    /// What it shows, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    /// For a plugin of several kinds: as which it is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// What `configure` is given.
    pub(crate) settings: Map<String, Value>,
    pub(crate) call: CallFacts,
    /// Not for auth, which says who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Caller>,
    /// For auth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Vec<Header>>,
    /// For auth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<PeerFacts>,
    /// For credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<Upstream>,
    /// For credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) occasion: Option<Moment>,
    /// For validate: the tool's definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<Box<RawValue>>,
    /// For route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) candidates: Option<Vec<Candidate>>,
    /// For retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<Attempt>,
    /// For sanitize.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<MessageFacts>,
    /// For sanitize.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<Box<RawValue>>,
    /// What the host's capabilities answer.
    #[serde(skip_serializing_if = "Contents::is_empty")]
    pub(crate) host: Contents,
}

impl Case {
    /// The first member that has no meaning for a kind, since a test that is not what it seems proves nothing.
    fn misplaced(&self, kind: Stage) -> Option<(&'static str, &'static str)> {
        let members: [(&'static str, bool, &[Stage]); 10] = [
            ("identity", self.identity.is_some(), &[Stage::Credential, Stage::Validate, Stage::Route, Stage::Sanitize]),
            ("headers", self.headers.is_some(), &[Stage::Auth]),
            ("peer", self.peer.is_some(), &[Stage::Auth]),
            ("upstream", self.upstream.is_some(), &[Stage::Credential]),
            ("occasion", self.occasion.is_some(), &[Stage::Credential]),
            ("tool", self.tool.is_some(), &[Stage::Validate]),
            ("candidates", self.candidates.is_some(), &[Stage::Route]),
            ("attempt", self.attempt.is_some(), &[Stage::Retry]),
            ("message", self.message.is_some(), &[Stage::Sanitize]),
            ("payload", self.payload.is_some(), &[Stage::Sanitize]),
        ];
        let misplaced = members.into_iter().find(|(_, there, kinds)| *there && !kinds.contains(&kind));
        misplaced.map(|(name, ..)| (name, kind.as_str()))
    }
}
