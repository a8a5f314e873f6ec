use wasmtime::component::{ComponentType, Lower, Resource};
use witgate_policy::{Answer, Call, Identity, Kind, Message, OutputSanitizer, SanitizeVerdict, Stage, answer};

use super::words;
use crate::bindings::sanitize::Sanitize;
use crate::bindings::sanitize::exports::witgate::sanitize::sanitizer as wit;
use crate::document::Document;
use crate::kind::Contract;
use crate::quarantine::Caller;
use crate::runner::Runner;

/// `message`, lent.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Head<'a> {
    kind: wit::Kind,
    method: &'a str,
    upstream: Option<&'a str>,
}

impl Contract for Sanitize {
    const KIND: Stage = Stage::Sanitize;
    const DECIDES: &'static str = "sanitize";
    type Told<'a> = (words::Call<'a>, words::Identity<'a>, Head<'a>, Resource<Document>);
    type Said = (wit::Verdict,);
}

impl OutputSanitizer for Runner<Sanitize> {
    fn sanitize<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        message: &'a Message,
    ) -> Answer<'a, SanitizeVerdict> {
        let caller = Caller::Known(identity);
        Box::pin(self.ask(
            caller,
            message.payload.len(),
            move |host| {
                let payload = host.document(message.payload.clone())?;
                Ok((words::call(call), words::identity(identity), head(message), payload))
            },
            |(said,)| answer::sanitize(verdict(said), self.shared.bounds.edits),
        ))
    }
}

fn head(message: &Message) -> Head<'_> {
    let kind = match message.kind {
        Kind::Result => wit::Kind::Result,
        Kind::Error => wit::Kind::Error,
        Kind::Notification => wit::Kind::Notification,
        Kind::ServerRequest => wit::Kind::ServerRequest,
        Kind::Listing => wit::Kind::Listing,
        Kind::InputRequired => wit::Kind::InputRequired,
    };
    Head { kind, method: &message.method, upstream: message.upstream.as_deref() }
}

fn verdict(verdict: wit::Verdict) -> SanitizeVerdict {
    match verdict {
        wit::Verdict::Pass => SanitizeVerdict::Pass,
        wit::Verdict::Edits(edits) => SanitizeVerdict::Edits(words::edits(edits)),
        wit::Verdict::Replace(text) => SanitizeVerdict::Replace(text),
        wit::Verdict::Withhold(refusal) => SanitizeVerdict::Withhold(words::refusal(refusal, Stage::Sanitize)),
    }
}
