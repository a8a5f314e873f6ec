use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytestring::ByteString;

use crate::json::Payload;
use crate::trail::Trail;

/// A revision of the Model Context Protocol that the gate speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05.
    V2024_11_05,
    /// 2025-03-26.
    V2025_03_26,
    /// 2025-06-18.
    V2025_06_18,
    /// 2025-11-25, the last with a handshake.
    V2025_11_25,
    /// 2026-07-28, the first without sessions.
    V2026_07_28,
}

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// As it is written in a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text)
    }

    /// Stateless, with the version in every request's `_meta` (2026-07-28 and later).
    pub const fn is_modern(self) -> bool {
        matches!(self, Self::V2026_07_28)
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What form of message a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Awaits an answer.
    Request,
    /// Awaits none.
    Notification,
    /// Answers a request of a server; `method` is that request's.
    Response,
}

/// What the decoder knows of a message; [`Call::new`] makes a call of it.
#[derive(Debug)]
pub struct Draft {
    /// The gate's own id, unique.
    pub id: Arc<str>,
    /// The tenant whose endpoint was addressed.
    pub tenant: Arc<str>,
    /// The form of the message.
    pub form: Form,
    /// The MCP method.
    pub method: ByteString,
    /// The message's `params`, `{}` when it has none.
    pub params: Payload,
    /// The client's revision.
    pub revision: Revision,
    /// A well-formed W3C `traceparent`.
    pub traceparent: Option<String>,
    /// Seconds since the Unix epoch.
    pub unix_time_s: u32,
    /// When the call must have ended.
    pub deadline: Instant,
    /// 32 random bits.
    pub chance: u32,
}

/// When something happens, and what is drawn for it.
#[derive(Debug, Clone)]
pub struct Moment {
    /// An id of the gate's own, unique.
    pub id: Arc<str>,
    /// Seconds since the Unix epoch.
    pub unix_time_s: u32,
    /// When it must have ended.
    pub deadline: Instant,
    /// 32 random bits.
    pub chance: u32,
}

/// One message of a client, decoded strictly, judged by nobody yet.
#[derive(Debug)]
pub struct Call {
    draft: Draft,
    target: Option<ByteString>,
    trail: Trail,
    deadline: Deadline,
}

/// When a call must have ended. A clone is the same deadline, which moves when a person is asked.
#[derive(Debug, Clone)]
pub struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    fn new(at: Instant) -> Self {
        Self(Arc::new(Mutex::new(at)))
    }

    /// The moment, as it is now.
    pub fn at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it to a later moment; never to an earlier one.
    pub fn extend(&self, to: Instant) {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *at = to.max(*at);
    }
}

impl Call {
    /// Takes what was decoded. The target is read from the parameters, so that the two cannot disagree.
    pub fn new(draft: Draft) -> Self {
        let target = target_of(draft.form, &draft.method, &draft.params);
        let deadline = Deadline::new(draft.deadline);
        Self { draft, target, trail: Trail::default(), deadline }
    }

    /// The gate's own id of this message.
    pub fn id(&self) -> &str {
        &self.draft.id
    }

    /// The tenant whose endpoint was addressed.
    pub fn tenant(&self) -> &Arc<str> {
        &self.draft.tenant
    }

    /// The form of the message.
    pub fn form(&self) -> Form {
        self.draft.form
    }

    /// The MCP method.
    pub fn method(&self) -> &str {
        &self.draft.method
    }

    /// The same, sharing its bytes.
    pub fn shared_method(&self) -> ByteString {
        self.draft.method.clone()
    }

    /// The tool, prompt or resource that is addressed, as the client writes it.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The message's `params`.
    pub fn params(&self) -> &Payload {
        &self.draft.params
    }

    /// The client's revision.
    pub fn revision(&self) -> Revision {
        self.draft.revision
    }

    /// W3C Trace Context.
    pub fn traceparent(&self) -> Option<&str> {
        self.draft.traceparent.as_deref()
    }

    /// Seconds since the Unix epoch at which the message was taken.
    pub fn unix_time_s(&self) -> u32 {
        self.draft.unix_time_s
    }

    /// When the call must have ended.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// What is left until the deadline; zero when it has passed.
    pub fn time_left(&self) -> Duration {
        self.deadline.at().saturating_duration_since(Instant::now())
    }

    /// 32 random bits, the same for every hook of this message.
    pub fn chance(&self) -> u32 {
        self.draft.chance
    }

    /// The record of who decided what; a clone is the same record.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Another call in the course of this one, the gate's own or an answer that came with it: same id, deadline and
    /// record.
    pub(crate) fn derived(&self, form: Form, method: &str, params: Payload) -> Self {
        let draft = Draft {
            id: self.draft.id.clone(),
            tenant: self.draft.tenant.clone(),
            form,
            method: method.into(),
            params,
            revision: self.draft.revision,
            traceparent: self.draft.traceparent.clone(),
            unix_time_s: self.draft.unix_time_s,
            deadline: self.draft.deadline,
            chance: self.draft.chance,
        };
        let target = target_of(form, method, &draft.params);
        Self { target, trail: self.trail.clone(), draft, deadline: self.deadline.clone() }
    }

    /// The same call at another moment, with a record of its own.
    pub(crate) fn later(&self, moment: Moment) -> Self {
        let Moment { id, unix_time_s, deadline, chance } = moment;
        let draft = Draft {
            id,
            tenant: self.draft.tenant.clone(),
            form: self.draft.form,
            method: self.draft.method.clone(),
            params: self.draft.params.clone(),
            revision: self.draft.revision,
            traceparent: self.draft.traceparent.clone(),
            unix_time_s,
            deadline,
            chance,
        };
        Self { draft, target: self.target.clone(), trail: Trail::default(), deadline: Deadline::new(deadline) }
    }

    /// Other parameters, with the target that they name.
    pub(crate) fn set_params(&mut self, params: Payload) {
        self.target = target_of(self.draft.form, &self.draft.method, &params);
        self.draft.params = params;
    }
}

/// What a method addresses, read from its parameters. An answer addresses nothing.
pub fn target_of(form: Form, method: &str, params: &Payload) -> Option<ByteString> {
    if form == Form::Response {
        return None;
    }
    let pointers: &[&str] = match method {
        "tools/call" | "prompts/get" => &["/name"],
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => &["/uri"],
        "completion/complete" => &["/ref/name", "/ref/uri"],
        "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => &["/taskId"],
        _ => &[],
    };
    pointers.iter().find_map(|pointer| params.shared_string(pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_moves_forward_only_and_for_all_who_hold_it() {
        let now = Instant::now();
        let (deadline, second) = (Deadline::new(now), Duration::from_secs(1));
        let same = deadline.clone();
        same.extend(now + second);
        same.extend(now);
        assert_eq!(deadline.at(), now + second);
    }

    #[test]
    fn target_is_what_the_parameters_name() {
        #[track_caller]
        fn check(method: &str, params: &str, want: Option<&str>) {
            let params = Payload::parse_str(params).expect("test JSON");
            assert_eq!(target_of(Form::Request, method, &params).as_deref(), want, "{method}");
            assert_eq!(target_of(Form::Response, method, &params), None, "{method}");
        }
        check("tools/call", r#"{"name":"a\u0062"}"#, Some("ab"));
        check("resources/read", r#"{"uri":"file:///x","name":"n"}"#, Some("file:///x"));
        check("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"t://{x}"}}"#, Some("t://{x}"));
        check("tools/call", r#"{"name":7}"#, None);
        check("tools/list", r#"{"name":"x"}"#, None);
    }
}
