use bytestring::ByteString;

use crate::evidence::{Provenance, Sanitized};
use crate::json::Payload;
use crate::refusal::Refusal;
use crate::trail::Stage;
use crate::verdict::{Message, SanitizeVerdict};

use super::{Pipeline, ask, bad_verdict, name};

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
                    Err(format!("{} edits, {} are allowed", edits.len(), self.bounds.sanitize_edits))
                }
                Some(SanitizeVerdict::Edits(edits)) => {
                    message.payload.edit(&edits, self.bounds.document).map_err(|e| e.to_string())
                }
                Some(SanitizeVerdict::Replace(text)) => {
                    Payload::parse(ByteString::from(text), self.bounds.document).map_err(|e| e.to_string())
                }
            };
            let changed = changed.and_then(|payload| {
                if payload.is_object() { Ok(payload) } else { Err("the message is no longer an object".into()) }
            });
            match changed {
                Ok(payload) => message.payload = payload,
                Err(what) => bad_verdict(STAGE, hook, call.trail(), what)?,
            }
        }
        Ok(Sanitized { message })
    }
}
