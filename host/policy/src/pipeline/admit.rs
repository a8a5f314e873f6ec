use std::sync::Arc;

use crate::call::Call;
use crate::evidence::Admitted;
use crate::identity::{Identity, Presented};
use crate::refusal::{Reason, Refusal};
use crate::trail::Stage;
use crate::verdict::{AuthVerdict, Challenge};

use super::{Pipeline, ask, name};

const STAGE: Stage = Stage::Auth;

impl Pipeline {
    /// Finds out who is calling: the first auth plugin that does not abstain decides; when all abstain the caller is
    /// challenged.
    pub async fn admit(&self, call: Call, presented: &Presented) -> Result<Admitted, Refusal> {
        if self.auth.is_empty() {
            return Ok(Admitted { call, identity: Identity::nobody() });
        }
        for hook in &self.auth {
            if !hook.when.holds(call.method(), call.target(), None) {
                continue;
            }
            let answer = hook.plugin.authenticate(&call, presented);
            let verdict = ask(STAGE, hook, call.trail(), answer, |verdict| match verdict {
                AuthVerdict::Allow(_) => "allow",
                AuthVerdict::Challenge(_) => "challenge",
                AuthVerdict::Deny(_) => "deny",
                AuthVerdict::Abstain => "abstain",
            })
            .await?;
            match verdict {
                None | Some(AuthVerdict::Abstain) => {}
                Some(AuthVerdict::Allow(identity)) => return Ok(Admitted { call, identity: Arc::new(identity) }),
                Some(AuthVerdict::Challenge(challenge)) => return Err(challenged(challenge).by(STAGE, name(hook))),
                Some(AuthVerdict::Deny(refusal)) => return Err(refusal.by(STAGE, name(hook))),
            }
        }
        Err(challenged(Challenge { scheme: "Bearer".into(), error: None, description: None, scope: None }))
    }
}

fn challenged(challenge: Challenge) -> Refusal {
    let insufficient = challenge.error.as_deref() == Some("insufficient_scope");
    let (reason, message) = if insufficient {
        (Reason::InsufficientScope, "the credentials do not carry the scope that this needs")
    } else if challenge.error.is_some() {
        (Reason::Unauthenticated, "the credentials were not accepted")
    } else {
        (Reason::Unauthenticated, "credentials are needed")
    };
    let message = challenge.description.clone().unwrap_or_else(|| message.to_owned());
    Refusal { challenge: Some(challenge), ..Refusal::new(STAGE, reason, message) }
}
