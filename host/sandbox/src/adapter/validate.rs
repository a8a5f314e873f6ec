use wasmtime::component::Resource;
use witgate_policy::{Answer, Call, Identity, InputValidator, Payload, Stage, ValidateVerdict, answer};

use super::words;
use crate::bindings::validate::Validate;
use crate::bindings::validate::exports::witgate::validate::validator as wit;
use crate::document::Document;
use crate::kind::Contract;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl Contract for Validate {
    const KIND: Stage = Stage::Validate;
    const DECIDES: &'static str = "validate";
    type Told<'a> = (words::Call<'a>, words::Identity<'a>, Option<Resource<Document>>, Resource<Document>);
    type Said = (wit::Verdict,);
}

impl InputValidator for Runner<Validate> {
    fn validate<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        tool: Option<&'a Payload>,
    ) -> Answer<'a, ValidateVerdict> {
        let caller = Caller::Known(identity);
        let document_bytes = call.params().len() + tool.map_or(0, Payload::len);
        Box::pin(self.ask(
            caller,
            document_bytes,
            move |host| {
                let tool = tool.map(|tool| host.document(tool.clone())).transpose()?;
                let params = host.document(call.params().clone())?;
                Ok((words::call(call), words::identity(identity), tool, params))
            },
            |(said,)| answer::validate(verdict(said), self.shared.bounds.edits),
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
