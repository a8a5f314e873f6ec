use std::sync::Arc;
use std::time::Duration;

use witgate_policy::{
    Answer, Credential, CredentialProvider, Header, Identity, Occasion, Refusal, Stage, UpstreamFacts, Why, answer,
};

use super::words;
use crate::bindings::credential::Credential as Guest;
use crate::bindings::credential::exports::witgate::credential::provider as wit;
use crate::bindings::wit::Refusal as Told;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl CredentialProvider for Runner<Guest> {
    fn provide<'a>(
        &'a self,
        upstream: &'a UpstreamFacts,
        identity: &'a Identity,
        occasion: &'a Occasion,
    ) -> Answer<'a, Result<Credential, Refusal>> {
        let caller = Caller::Known(identity);
        let upstream = wit::Upstream {
            id: upstream.id.to_string(),
            origin: upstream.origin.clone(),
            labels: words::claims(&upstream.labels),
        };
        let identity = words::identity(identity);
        let occasion = circumstances(occasion);
        Box::pin(self.ask(
            caller,
            0,
            move |guest, store| {
                Box::pin(async move {
                    guest.witgate_credential_provider().call_provide(store, &upstream, &identity, &occasion).await
                })
            },
            |said| answer::credential(verdict(said, &self.shared.space.plugin)),
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
