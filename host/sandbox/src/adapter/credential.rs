use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{ComponentType, Lower};
use witgate_policy::{
    Answer, Credential, CredentialProvider, Header, Identity, Occasion, Refusal, Stage, UpstreamFacts, Why, answer,
};

use super::words;
use crate::bindings::credential::Credential as Guest;
use crate::bindings::credential::exports::witgate::credential::provider as wit;
use crate::bindings::wit::Refusal as Told;
use crate::kind::Contract;
use crate::quarantine::Caller;
use crate::runner::Runner;

/// `upstream`, lent.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Upstream<'a> {
    id: &'a str,
    origin: &'a str,
    labels: Vec<words::Claim<'a>>,
}

impl Contract for Guest {
    const KIND: Stage = Stage::Credential;
    const DECIDES: &'static str = "provide";
    type Told<'a> = (Upstream<'a>, words::Identity<'a>, wit::Occasion);
    type Said = (Result<wit::Credential, Told>,);
}

impl CredentialProvider for Runner<Guest> {
    fn provide<'a>(
        &'a self,
        upstream: &'a UpstreamFacts,
        identity: &'a Identity,
        occasion: &'a Occasion,
    ) -> Answer<'a, Result<Credential, Refusal>> {
        let caller = Caller::Known(identity);
        let told = || Upstream { id: &upstream.id, origin: &upstream.origin, labels: words::claims(&upstream.labels) };
        Box::pin(self.ask(
            caller,
            0,
            move |_| Ok((told(), words::identity(identity), circumstances(occasion))),
            |(said,)| answer::credential(verdict(said, &self.shared.space.plugin)),
        ))
    }
}

fn circumstances(occasion: &Occasion) -> wit::Occasion {
    let why = match occasion.why {
        Why::First => wit::Why::First,
        Why::Expiring => wit::Why::Expiring,
        Why::Rejected => wit::Why::Rejected,
    };
    wit::Occasion {
        tenant: occasion.tenant.to_string(),
        why,
        unix_time_s: occasion.unix_time_s,
        deadline_ms: words::millis(occasion.time_left),
    }
}

/// The headers carry the plugin's name, since it decides which secrets they may name.
fn verdict(verdict: Result<wit::Credential, Told>, plugin: &Arc<str>) -> Result<Credential, Refusal> {
    let wit::Credential { headers, expires_in_s } =
        verdict.map_err(|refusal| words::refusal(refusal, Stage::Credential))?;
    let header = |wit::Header { name, value }| Header { name, value, plugin: plugin.clone() };
    let expires_in = expires_in_s.map(|seconds| Duration::from_secs(seconds.into()));
    Ok(Credential { headers: headers.into_iter().map(header).collect(), expires_in })
}
