use witgate_policy::{Answer, Call, Identity, Kind, Message, OutputSanitizer, SanitizeVerdict, Stage, answer};

use super::words;
use crate::bindings::sanitize::Sanitize;
use crate::bindings::sanitize::exports::witgate::sanitize::sanitizer as wit;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl OutputSanitizer for Runner<Sanitize> {
    fn sanitize<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        message: &'a Message,
    ) -> Answer<'a, SanitizeVerdict> {
        let caller = Caller::Known(identity);
        let (call, identity) = (words::call(call), words::identity(identity));
        let payload = message.payload.clone();
        let head = head(message);
        Box::pin(self.ask(
            caller,
            payload.len(),
            move |guest, store| {
                Box::pin(async move {
                    let payload = store.data_mut().document(payload)?;
                    guest.witgate_sanitize_sanitizer().call_sanitize(store, &call, &identity, &head, payload).await
                })
            },
            |said| answer::sanitize(verdict(said), self.shared.bounds.edits),
        ))
    }
}

fn head(message: &Message) -> wit::Message {
    let kind = match message.kind {
        Kind::Result => wit::Kind::Result,
        Kind::Error => wit::Kind::Error,
        Kind::Notification => wit::Kind::Notification,
        Kind::ServerRequest => wit::Kind::ServerRequest,
        Kind::Listing => wit::Kind::Listing,
        Kind::InputRequired => wit::Kind::InputRequired,
    };
    wit::Message { kind, method: message.method.clone(), upstream: message.upstream.as_ref().map(ToString::to_string) }
}

fn verdict(verdict: wit::Verdict) -> SanitizeVerdict {
    match verdict {
        wit::Verdict::Pass => SanitizeVerdict::Pass,
        wit::Verdict::Edits(edits) => SanitizeVerdict::Edits(words::edits(edits)),
        wit::Verdict::Replace(text) => SanitizeVerdict::Replace(text),
        wit::Verdict::Withhold(refusal) => SanitizeVerdict::Withhold(words::refusal(refusal, Stage::Sanitize)),
    }
}
