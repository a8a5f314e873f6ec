//! A legacy client's answer to what a server asked it, on its way back.

use bytestring::ByteString;
use serde::Deserialize;
use serde_json::value::RawValue;
use witgate_policy::{Payload, Stage};

use super::job::Job;
use crate::tenant::Asks;
use crate::upstream::Reply;
use crate::wire::{Denial, RequestId, code};

/// An answer to an open question.
pub(super) struct Answer<'a> {
    asks: &'a Asks,
    id: &'a RequestId,
    body: Body,
    /// The question's method.
    pub(super) method: ByteString,
}

enum Body {
    Result(Payload),
    Error(Payload),
}

impl<'a> Answer<'a> {
    /// Of the message; `None` when it answers nothing that is still open.
    pub(super) fn of(asks: &'a Asks, id: &'a RequestId, message: &Payload) -> Option<Self> {
        #[derive(Deserialize)]
        struct Response<'a> {
            #[serde(borrow)]
            result: Option<&'a RawValue>,
            error: Option<&'a RawValue>,
        }
        let method = asks.asked(id)?;
        let response: Response<'_> = message.deserialize().ok()?;
        let body = match (response.result, response.error) {
            (Some(result), _) => Body::Result(message.part(result)),
            (None, Some(error)) => Body::Error(message.part(error)),
            (None, None) => return None,
        };
        Some(Self { asks, id, body, method })
    }

    /// As validators see it: the `result`, or the error as a member.
    pub(super) fn params(&self) -> Payload {
        match &self.body {
            Body::Result(result) => result.clone(),
            Body::Error(error) => Payload::parse_str(&format!(r#"{{"error":{}}}"#, error.as_str()))
                .unwrap_or_else(|_| Payload::of(&serde_json::json!({ "error": {} }))),
        }
    }

    /// Has it judged, and gives it to whoever asked. A refused one ends the question with an error, unless it came from
    /// somebody else: then the question stays open.
    pub(super) async fn deliver(self, job: Job) -> Result<(), Denial> {
        let (reply, told) = match job.response().await {
            Ok(params) => (self.reply(params), Ok(())),
            Err((refusal, denial)) if refusal.stage == Stage::Auth => return Err(denial),
            Err((_, denial)) => (refused(), Err(denial)),
        };
        if let Some(question) = self.asks.take(self.id) {
            question.deliver(reply);
        }
        told
    }

    fn reply(&self, params: Payload) -> Reply {
        match &self.body {
            Body::Result(_) => Reply::Result(params),
            Body::Error(error) => Reply::Error(crate::wire::part(&params, "/error").unwrap_or_else(|| error.clone())),
        }
    }
}

fn refused() -> Reply {
    let message = "the gateway refused the client's answer";
    Reply::Error(Payload::of(&serde_json::json!({ "code": code::FORBIDDEN, "message": message })))
}
