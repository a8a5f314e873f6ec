//! One trait for each kind of decision, with the words that only that kind uses.

/// Decides who is calling.
pub mod auth {
    use crate::{Call, Plugin, Refusal};

    pub use crate::bindings::auth::exports::witgate::auth::authenticator::{
        Certificate, Challenge, Header, Peer, Verdict,
    };

    /// An auth plugin. Asked once for every message; the first of the chain that does not abstain decides.
    pub trait Authenticator: Plugin {
        /// `headers` are those that the operator lets through, with names in lower case.
        fn authenticate(&self, call: &Call, headers: &[Header], peer: &Peer) -> Verdict;
    }

    impl From<Challenge> for Verdict {
        fn from(challenge: Challenge) -> Self {
            Self::Challenge(challenge)
        }
    }

    impl From<Refusal> for Verdict {
        fn from(refusal: Refusal) -> Self {
            Self::Deny(refusal)
        }
    }
}

/// Decides what an upstream is shown.
pub mod credential {
    use crate::{Identity, Plugin, Refusal};

    pub use crate::bindings::credential::exports::witgate::credential::provider::{
        Credential, Header, Occasion, Upstream, Why,
    };

    /// A credential plugin. Asked when a call is about to be sent and no answer holds.
    pub trait Provider: Plugin {
        /// A header's value may hold `${secret:NAME}`. An error refuses the call.
        fn provide(&self, upstream: &Upstream, caller: &Identity, occasion: &Occasion) -> Result<Credential, Refusal>;
    }
}

/// Decides whether, and with which arguments, a call goes in.
pub mod validate {
    use crate::{Call, Document, Edit, Identity, Plugin, Refusal};

    pub use crate::bindings::validate::exports::witgate::validate::validator::Verdict;

    /// A validate plugin. Asked for every message of an admitted client, answers to what a server asked among them, and
    /// again after any edit: given its own output, it accepts.
    pub trait Validator: Plugin {
        /// `tool` is the called tool's definition, for `tools/call` only; `params` is the message's `params`. An answer
        /// has the method of its question (`elicitation/create`, …), and as `params` its result, or `{"error": …}`.
        fn validate(&self, call: &Call, caller: &Identity, tool: Option<&Document>, params: &Document) -> Verdict;
    }

    impl From<Refusal> for Verdict {
        fn from(refusal: Refusal) -> Self {
            Self::Refuse(refusal)
        }
    }

    /// No edits, nothing changed: accepted.
    impl From<Vec<Edit>> for Verdict {
        fn from(edits: Vec<Edit>) -> Self {
            if edits.is_empty() { Self::Accept } else { Self::Edits(edits) }
        }
    }

    /// For a check that is written with `?`.
    impl From<Result<(), Refusal>> for Verdict {
        fn from(checked: Result<(), Refusal>) -> Self {
            checked.map_or_else(Self::Refuse, |()| Self::Accept)
        }
    }
}

/// Decides which upstream answers.
pub mod route {
    use crate::{Call, Identity, Plugin, Refusal};

    pub use crate::bindings::route::exports::witgate::route::router::{Candidate, Circuit, Verdict};

    /// A route plugin. Asked for every validated call; the first of the chain that does not abstain decides.
    pub trait Router: Plugin {
        /// There is at least one candidate; `call.chance` is for weighing.
        fn route(&self, call: &Call, caller: &Identity, candidates: &[Candidate]) -> Verdict;
    }

    impl From<Refusal> for Verdict {
        fn from(refusal: Refusal) -> Self {
            Self::Refuse(refusal)
        }
    }
}

/// Decides what happens after a failed attempt.
pub mod retry {
    use crate::{Call, Plugin};

    pub use crate::bindings::retry::exports::witgate::retry::strategy::{
        Again, Attempt, Decision, Destination, Failure, RpcError,
    };

    /// A retry plugin. Asked after each failed attempt while time is left; the first that does not give up decides.
    pub trait Strategy: Plugin {
        /// `attempt.chance` is for jitter.
        fn decide(&self, call: &Call, attempt: &Attempt) -> Decision;
    }
}

/// Decides what comes out.
pub mod sanitize {
    use crate::{Call, Document, Edit, Identity, Plugin, Refusal};

    pub use crate::bindings::sanitize::exports::witgate::sanitize::sanitizer::{Kind, Message, Verdict};

    /// A sanitize plugin. Asked for every message on its way to a client.
    pub trait Sanitizer: Plugin {
        /// `call` is the client's message that led to this one: for what a server says outside of any call, the one
        /// with which the client began to listen.
        fn sanitize(&self, call: &Call, caller: &Identity, message: &Message, payload: &Document) -> Verdict;
    }

    impl From<Refusal> for Verdict {
        fn from(refusal: Refusal) -> Self {
            Self::Withhold(refusal)
        }
    }

    /// No edits, nothing changed: passed.
    impl From<Vec<Edit>> for Verdict {
        fn from(edits: Vec<Edit>) -> Self {
            if edits.is_empty() { Self::Pass } else { Self::Edits(edits) }
        }
    }
}
