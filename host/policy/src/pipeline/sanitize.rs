use crate::answer;
use crate::evidence::{Provenance, Sanitized};
use crate::fault::Fault;
use crate::hook::{Hook, OutputSanitizer};
use crate::json::Payload;
use crate::refusal::Refusal;
use crate::trail::Stage;
use crate::verdict::{Kind, Message, SanitizeVerdict};

use super::items::Page;
use super::{Pipeline, ask, faulted, name};

const STAGE: Stage = Stage::Sanitize;

/// What one sanitizer made of one payload.
pub(super) enum Cleaned {
    /// This, which may be what it was.
    Passed(Payload),
    /// Nothing: it is not to be seen.
    Withheld(Refusal),
}

impl Pipeline {
    /// Lets every sanitizer clean a message, each what the one before left. A refusal withholds it; of a listing, what
    /// is withheld is only what no smaller part of it can do without.
    pub async fn sanitize(&self, from: Provenance<'_>, mut message: Message) -> Result<Sanitized, Refusal> {
        for hook in &self.sanitize {
            if !hook.when.holds(&message.method, from.call.target(), message.upstream.as_deref()) {
                continue;
            }
            message.payload = match self.clean(hook, from, &message).await? {
                Cleaned::Passed(payload) => payload,
                Cleaned::Withheld(refusal) if message.kind == Kind::Listing => {
                    self.clean_items(hook, from, &message, refusal).await?
                }
                Cleaned::Withheld(refusal) => return Err(refusal),
            };
        }
        Ok(Sanitized { message })
    }

    /// Asks one sanitizer, and does what it says. An error is a fault that counts.
    async fn clean(
        &self,
        hook: &Hook<dyn OutputSanitizer>,
        from: Provenance<'_>,
        message: &Message,
    ) -> Result<Cleaned, Refusal> {
        let call = from.call;
        let unchanged = || Cleaned::Passed(message.payload.clone());
        let answer = hook.plugin.sanitize(call, from.identity, message);
        let verdict = ask(STAGE, hook, call.trail(), answer, |verdict| match verdict {
            SanitizeVerdict::Pass => "pass",
            SanitizeVerdict::Edits(_) => "edit",
            SanitizeVerdict::Replace(_) => "replace",
            SanitizeVerdict::Withhold(_) => "withhold",
        })
        .await?;
        let changed = match verdict {
            None | Some(SanitizeVerdict::Pass) => return Ok(unchanged()),
            Some(SanitizeVerdict::Withhold(refusal)) => return Ok(Cleaned::Withheld(refusal.by(STAGE, name(hook)))),
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
            Ok(payload) => Ok(Cleaned::Passed(payload)),
            Err(fault) => faulted(STAGE, hook, call.trail(), &fault).map(|()| unchanged()),
        }
    }

    /// A listing that was withheld loses only the items that are withheld alone too, unless the page without any item is
    /// withheld as well: then the reason is in the rest, and nothing of it is to be seen.
    async fn clean_items(
        &self,
        hook: &Hook<dyn OutputSanitizer>,
        from: Provenance<'_>,
        message: &Message,
        refusal: Refusal,
    ) -> Result<Payload, Refusal> {
        let Some(page) = Page::of(&message.method, &message.payload) else { return Err(refusal) };
        let part = |payload| Message { payload, ..message.clone() };
        let rest = match self.clean(hook, from, &part(page.without_items())).await? {
            Cleaned::Passed(rest) => rest,
            Cleaned::Withheld(_) => return Err(refusal),
        };
        let mut kept = Vec::new();
        for item in page.items() {
            if let Cleaned::Passed(single) = self.clean(hook, from, &part(page.only(item))).await? {
                kept.extend(page.items_of(&single));
            }
        }
        page.with(&rest, &kept).ok_or(refusal)
    }
}
