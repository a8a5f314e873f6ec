use std::sync::Arc;

use crate::call::Call;
use crate::evidence::{Admitted, Validated};
use crate::fault::Fault;
use crate::hook::Answer;
use crate::json::Payload;
use crate::refusal::{Reason, Refusal};
use crate::trail::Stage;
use crate::verdict::ValidateVerdict;

use super::{Pipeline, ask, faulted, name};

const STAGE: Stage = Stage::Validate;

/// Who knows the tools' definitions.
pub trait ToolBook: Send + Sync {
    /// The definition of the tool that a `tools/call` names, as its upstream lists it. A refusal when there is no such
    /// tool or its upstream cannot be asked. Asked only when a validator will look at it.
    fn tool<'a>(&'a self, admitted: &'a Admitted) -> Answer<'a, Option<Payload>, Refusal>;
}

impl Pipeline {
    /// Lets every validator judge the parameters. An edit starts the round again, so that in the end all have accepted
    /// the same bytes; a round that does not settle within [`Bounds::rounds`](super::Bounds) is the last editor's fault.
    pub async fn validate(&self, mut admitted: Admitted, tools: &dyn ToolBook) -> Result<Validated, Refusal> {
        for _ in 0..=self.bounds.rounds {
            match self.validate_once(&mut admitted, tools).await? {
                Round::Settled => return Ok(Validated { admitted: Arc::new(admitted) }),
                Round::Edited => {}
            }
        }
        let refusal = Refusal::new(STAGE, Reason::Fault, "the policies of this gateway disagree on this message");
        Err(refusal.noted(format!("validators still edited after {} rounds", self.bounds.rounds)))
    }

    async fn validate_once(&self, admitted: &mut Admitted, tools: &dyn ToolBook) -> Result<Round, Refusal> {
        let applies = |call: &Call, at: usize| self.validate[at].when.holds(call.method(), call.target(), None);
        let call = &admitted.call;
        let wanted = call.method() == "tools/call" && (0..self.validate.len()).any(|at| applies(call, at));
        let tool = if wanted { tools.tool(admitted).await? } else { None };
        let Admitted { call, identity } = admitted;
        for (at, hook) in self.validate.iter().enumerate() {
            if !applies(call, at) {
                continue;
            }
            let trail = call.trail().clone();
            let answer = hook.plugin.validate(call, identity, tool.as_ref());
            let verdict = ask(STAGE, hook, &trail, answer, |verdict| match verdict {
                ValidateVerdict::Accept => "accept",
                ValidateVerdict::Edits(_) => "edit",
                ValidateVerdict::Refuse(_) => "refuse",
            })
            .await?;
            let edits = match verdict {
                None | Some(ValidateVerdict::Accept) => continue,
                Some(ValidateVerdict::Refuse(refusal)) => return Err(refusal.by(STAGE, name(hook))),
                Some(ValidateVerdict::Edits(edits)) if edits.is_empty() => continue,
                Some(ValidateVerdict::Edits(edits)) => edits,
            };
            let edited = if edits.len() > self.bounds.validate_edits {
                Err(format!("{} edits, {} are allowed", edits.len(), self.bounds.validate_edits))
            } else {
                call.params().edit(&edits, self.bounds.document).map_err(|e| e.to_string()).and_then(|params| {
                    if params.is_object() { Ok(params) } else { Err("params are not an object".into()) }
                })
            };
            match edited {
                Ok(params) if params == *call.params() => {}
                Ok(params) => {
                    call.set_params(params);
                    return Ok(Round::Edited);
                }
                Err(what) => faulted(STAGE, hook, &trail, &Fault::BadVerdict(what))?,
            }
        }
        Ok(Round::Settled)
    }
}

/// How a round of validators ended.
enum Round {
    /// All accepted the parameters as they are.
    Settled,
    /// One changed them.
    Edited,
}
