use witgate_policy::{Answer, Call, Identity, InputValidator, Payload, Stage, ValidateVerdict, answer};

use super::words;
use crate::bindings::validate::Validate;
use crate::bindings::validate::exports::witgate::validate::validator as wit;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl InputValidator for Runner<Validate> {
    fn validate<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        tool: Option<&'a Payload>,
    ) -> Answer<'a, ValidateVerdict> {
        let caller = Caller::Known(identity);
        let (tool, params) = (tool.cloned(), call.params().clone());
        let (call, identity) = (words::call(call), words::identity(identity));
        let document_bytes = params.len() + tool.as_ref().map_or(0, Payload::len);
        Box::pin(self.ask(
            caller,
            document_bytes,
            move |guest, store| {
                Box::pin(async move {
                    let tool = tool.map(|tool| store.data_mut().document(tool)).transpose()?;
                    let params = store.data_mut().document(params)?;
                    guest.witgate_validate_validator().call_validate(store, &call, &identity, tool, params).await
                })
            },
            |said| answer::validate(verdict(said), self.shared.bounds.edits),
        ))
    }
}

fn verdict(verdict: wit::Verdict) -> ValidateVerdict {
    match verdict {
        wit::Verdict::Accept => ValidateVerdict::Accept,
        wit::Verdict::Edits(edits) => ValidateVerdict::Edits(words::edits(edits)),
        wit::Verdict::Refuse(refusal) => ValidateVerdict::Refuse(words::refusal(refusal, Stage::Validate)),
    }
}
