use std::sync::Arc;

use serde::{Deserialize, Serialize};
use witgate_policy::{Kind, Message, Payload};

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindWord {
    #[default]
    Result,
    Error,
    Notification,
    ServerRequest,
    Listing,
    InputRequired,
}

/// The head of a message on its way out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MessageFacts {
    kind: KindWord,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
}

impl Default for MessageFacts {
    fn default() -> Self {
        Self { kind: KindWord::Result, method: "tools/call".to_owned(), upstream: Some("upstream".to_owned()) }
    }
}

impl MessageFacts {
    pub(crate) fn of(message: &Message) -> Self {
        let kind = match message.kind {
            Kind::Result => KindWord::Result,
            Kind::Error => KindWord::Error,
            Kind::Notification => KindWord::Notification,
            Kind::ServerRequest => KindWord::ServerRequest,
            Kind::Listing => KindWord::Listing,
            Kind::InputRequired => KindWord::InputRequired,
        };
        Self { kind, method: message.method.to_string(), upstream: message.upstream.as_deref().map(str::to_owned) }
    }

    pub(in crate::case) fn message(&self, payload: Payload) -> Message {
        let kind = match self.kind {
            KindWord::Result => Kind::Result,
            KindWord::Error => Kind::Error,
            KindWord::Notification => Kind::Notification,
            KindWord::ServerRequest => Kind::ServerRequest,
            KindWord::Listing => Kind::Listing,
            KindWord::InputRequired => Kind::InputRequired,
        };
        let upstream: Option<Arc<str>> = self.upstream.as_deref().map(Into::into);
        Message { kind, method: self.method.as_str().into(), upstream, payload }
    }
}
