use crate::answer;
use crate::evidence::{Provenance, Sanitized};
use crate::fault::Fault;
use crate::refusal::Refusal;
use crate::trail::Stage;
use crate::verdict::{Message, SanitizeVerdict};

use super::{Pipeline, ask, faulted, name};

const STAGE: Stage = Stage::Sanitize;

impl Pipeline {
    /// Lets every sanitizer clean a message, each what the one before left. A refusal withholds it.
    pub async fn sanitize(&self, from: Provenance<'_>, mut message: Message) -> Result<Sanitized, Refusal> {
        let call = from.call;
        for hook in &self.sanitize {
            if !hook.when.holds(&message.method, call.target(), message.upstream.as_deref()) {
                continue;
            }
            let answer = hook.plugin.sanitize(call, from.identity, &message);
            let verdict = ask(STAGE, hook, call.trail(), answer, |verdict| match verdict {
                SanitizeVerdict::Pass => "pass",
                SanitizeVerdict::Edits(_) => "edit",
                SanitizeVerdict::Replace(_) => "replace",
                SanitizeVerdict::Withhold(_) => "withhold",
            })
            .await?;
            let changed = match verdict {
                None | Some(SanitizeVerdict::Pass) => continue,
                Some(SanitizeVerdict::Withhold(refusal)) => return Err(refusal.by(STAGE, name(hook))),
                Some(SanitizeVerdict::Edits(edits)) if edits.len() > self.bounds.sanitize_edits => {
                    let most = self.bounds.sanitize_edits;
                    Err(Fault::BadVerdict(format!("{} edits, {most} are allowed", edits.len())))
                }
                Some(SanitizeVerdict::Edits(edits)) => match message.payload.edit(&edits, self.bounds.document) {
                    Ok(payload) if payload.is_object() => Ok(payload),
                    Ok(_) => Err(Fault::BadVerdict("the message is no longer an object".into())),
                    Err(e) => Err(Fault::BadVerdict(e.to_string())),
                },
                Some(SanitizeVerdict::Replace(text)) => answer::object("the replacement", text, self.bounds.document),
            };
            match changed {
                Ok(payload) => message.payload = payload,
                Err(fault) => faulted(STAGE, hook, call.trail(), &fault)?,
            }
        }
        Ok(Sanitized { message })
    }
}
