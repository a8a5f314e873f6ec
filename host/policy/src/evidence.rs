//! What each stage leaves behind. Nobody outside this crate can make these, so whoever holds one knows what happened.

use std::sync::Arc;

use crate::call::{Call, Form, Moment};
use crate::identity::Identity;
use crate::json::Payload;
use crate::trail::Trail;
use crate::verdict::{Kind, Message};

/// A call whose caller is known.
#[derive(Debug)]
pub struct Admitted {
    pub(crate) call: Call,
    pub(crate) identity: Arc<Identity>,
}

impl Admitted {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Who calls.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// What the same caller answers to a server, where the answer came within this call: `method` is the question's,
    /// `result` the answer. It has yet to be validated.
    #[must_use]
    pub fn answering(&self, method: &str, result: Payload) -> Self {
        Self { call: self.call.derived(Form::Response, method, result), identity: self.identity.clone() }
    }

    /// The same caller's same call at a later moment, with a record of its own: for what is said on a stream that stays
    /// open for long after its call was admitted.
    #[must_use]
    pub fn later(&self, moment: Moment) -> Self {
        Self { call: self.call.later(moment), identity: self.identity.clone() }
    }
}

/// A call whose parameters every validator has accepted last, as they are now. A clone is the same call, so that a list
/// can be gathered from several upstreams.
#[derive(Debug, Clone)]
pub struct Validated {
    pub(crate) admitted: Arc<Admitted>,
}

impl Validated {
    /// That its caller is known.
    pub fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    /// The call, with the parameters that were accepted.
    pub fn call(&self) -> &Call {
        &self.admitted.call
    }

    /// Who calls.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.admitted.identity
    }
}

/// What the gate itself looks up at a server on behalf of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    Templates,
    /// `tasks/list`.
    Tasks,
}

impl Lookup {
    /// The method.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
            Self::Tasks => "tasks/list",
        }
    }
}

impl Validated {
    /// A listing that the gate asks for itself, for the caller of an admitted call and within its deadline. It carries
    /// nothing of the client's, only the server's own cursor, so there is nothing in it to validate.
    pub fn lookup(from: &Admitted, what: Lookup, cursor: Option<&str>) -> Self {
        let params = cursor.map_or_else(Payload::empty, |cursor| Payload::of(&serde_json::json!({ "cursor": cursor })));
        let call = from.call.derived(Form::Request, what.method(), params);
        Self { admitted: Arc::new(Admitted { call, identity: from.identity.clone() }) }
    }
}

impl Validated {
    /// The gate's own request in the course of one that was validated: what it carries was in the parameters that the
    /// validators accepted, or is the gate's own.
    pub fn in_course_of(from: &Self, method: &str, params: Payload) -> Self {
        let call = from.call().derived(Form::Request, method, params);
        Self { admitted: Arc::new(Admitted { call, identity: from.identity().clone() }) }
    }

    /// As [`Admitted::later`].
    #[must_use]
    pub fn later(&self, moment: Moment) -> Self {
        Self { admitted: Arc::new(self.admitted.later(moment)) }
    }
}

/// A call with the upstreams that may answer it, best first. Only this can be sent.
#[derive(Debug)]
pub struct Routed {
    pub(crate) validated: Validated,
    pub(crate) order: Vec<Arc<str>>,
    pub(crate) at: usize,
}

impl Routed {
    /// The call, with the parameters that were accepted.
    pub fn call(&self) -> &Call {
        self.validated.call()
    }

    /// Who calls.
    pub fn identity(&self) -> &Arc<Identity> {
        self.validated.identity()
    }

    /// The upstream that is to answer.
    pub fn upstream(&self) -> &Arc<str> {
        &self.order[self.at]
    }

    /// How many upstreams of the route come after this one.
    pub fn others(&self) -> usize {
        self.order.len() - 1 - self.at
    }
}

/// What a message to a client comes out of: the call that caused it, and who made that call.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    pub(crate) call: &'a Call,
    pub(crate) identity: &'a Identity,
}

impl Provenance<'_> {
    /// The record of the call.
    pub fn trail(&self) -> &Trail {
        self.call.trail()
    }
}

impl<'a> From<&'a Routed> for Provenance<'a> {
    fn from(routed: &'a Routed) -> Self {
        Self { call: routed.call(), identity: routed.identity() }
    }
}

impl<'a> From<&'a Admitted> for Provenance<'a> {
    fn from(admitted: &'a Admitted) -> Self {
        Self { call: &admitted.call, identity: &admitted.identity }
    }
}

impl<'a> From<&'a Validated> for Provenance<'a> {
    fn from(validated: &'a Validated) -> Self {
        Self { call: validated.call(), identity: validated.identity() }
    }
}

/// A message that every sanitizer has let pass. Only this can be written to a client.
#[derive(Debug, Clone)]
pub struct Sanitized {
    pub(crate) message: Message,
}

impl Sanitized {
    /// What kind of message it is.
    pub fn kind(&self) -> Kind {
        self.message.kind
    }

    /// The message's own method.
    pub fn method(&self) -> &str {
        &self.message.method
    }

    /// The upstream that it comes from.
    pub fn upstream(&self) -> Option<&Arc<str>> {
        self.message.upstream.as_ref()
    }

    /// The `result`, `error` or `params`.
    pub fn payload(&self) -> &Payload {
        &self.message.payload
    }

    /// The same message under the gate's own names: prefixes, ids, tokens, cursors, protocol fields. This is the one
    /// way to alter what was sanitized, and is for the gate's bookkeeping only; it must bring in no text of a server.
    #[must_use]
    pub fn renamed(mut self, rename: impl FnOnce(&Payload) -> Payload) -> Self {
        self.message.payload = rename(&self.message.payload);
        self
    }

    /// One message out of the sanitized parts of several upstreams, as a merged list is. `None` when there are none.
    pub fn merged(parts: Vec<Self>, merge: impl FnOnce(&[Self]) -> Payload) -> Option<Self> {
        let payload = merge(&parts);
        let mut first = parts.into_iter().next()?;
        first.message.payload = payload;
        first.message.upstream = None;
        Some(first)
    }
}
