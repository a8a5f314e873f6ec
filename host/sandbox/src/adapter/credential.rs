use std::sync::Arc;
use std::time::Duration;

use witgate_policy::{
    Answer, Credential, CredentialProvider, Fault, Header, Identity, Occasion, Refusal, Stage, UpstreamFacts, Why,
};

use super::{check, words};
use crate::bindings::credential::Credential as Guest;
use crate::bindings::credential::exports::witgate::credential::provider as wit;
use crate::runner::Runner;

impl CredentialProvider for Runner<Guest> {
    fn provide<'a>(
        &'a self,
        upstream: &'a UpstreamFacts,
        identity: &'a Identity,
        occasion: &'a Occasion,
    ) -> Answer<'a, Result<Credential, Refusal>> {
        let upstream = wit::Upstream {
            id: upstream.id.to_string(),
            origin: upstream.origin.clone(),
            labels: words::claims(&upstream.labels),
        };
        let identity = words::identity(identity);
        let occasion = circumstances(occasion);
        Box::pin(self.ask(
            0,
            move |guest, store| {
                Box::pin(async move {
                    guest.witgate_credential_provider().call_provide(store, &upstream, &identity, &occasion).await
                })
            },
            |verdict| match verdict {
                Ok(shown) => Ok(Ok(credential(shown, &self.shared.space.plugin)?)),
                Err(refusal) => Ok(Err(words::refusal(refusal, Stage::Credential)?)),
            },
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
fn credential(shown: wit::Credential, plugin: &Arc<str>) -> Result<Credential, Fault> {
    check::count("the headers", shown.headers.len(), check::HEADERS)?;
    let header = |header: wit::Header| -> Result<Header, Fault> {
        Ok(Header {
            name: check::token("a header's name", header.name)?,
            value: check::field_value("a header's value", header.value)?,
            plugin: plugin.clone(),
        })
    };
    Ok(Credential {
        headers: shown.headers.into_iter().map(header).collect::<Result<_, _>>()?,
        expires_in: shown.expires_in_s.map(|seconds| Duration::from_secs(seconds.into())),
    })
}
