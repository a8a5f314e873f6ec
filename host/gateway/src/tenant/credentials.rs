//! What upstreams are shown, kept for as long as it holds.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, fill};
use witgate_policy::{Credential, Reason, Refusal, Routed, Stage, Why};

use super::Tenant;
use crate::upstream::Upstream;

/// Headers with their secrets filled in; by default none.
#[derive(Clone, Default)]
pub(super) struct Headers(Option<Arc<[(String, Secret)]>>);

impl Deref for Headers {
    type Target = [(String, Secret)];

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Before it expires a credential is renewed by the next call that needs it.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// So many are kept; beyond it those that expire first are forgotten. One is a few hundred bytes.
const MOST_KEPT: usize = 10_000;

#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    upstream: Arc<str>,
    issuer: String,
    subject: String,
}

struct Kept {
    headers: Headers,
    until: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Credentials {
    kept: Mutex<HashMap<Key, Kept>>,
}

impl Credentials {
    /// The headers for a call. `why` is [`Why::Rejected`] when the upstream refused the last ones.
    pub(super) async fn headers(
        &self,
        tenant: &Tenant,
        routed: &Routed,
        upstream: &Upstream,
        why: Why,
    ) -> Result<Headers, Refusal> {
        if !tenant.spec().pipeline.has_credential(routed.upstream()) {
            return Ok(Headers::default());
        }
        let identity = routed.identity();
        let key = Key {
            upstream: routed.upstream().clone(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
        };
        let now = Instant::now();
        let (usable, why) = match (why, self.find(&key, now)) {
            (Why::Rejected, _) => (None, Why::Rejected),
            (_, Some((headers, true))) => return Ok(headers),
            (_, Some((headers, false))) => (Some(headers), Why::Expiring),
            (_, None) => (None, Why::First),
        };
        let fresh = match tenant.spec().pipeline.credential(routed, &upstream.facts(), why).await {
            Ok(credential) => filled(tenant, upstream, &credential).map(|headers| (headers, credential.expires_in)),
            Err(refusal) => Err(refusal),
        };
        match (fresh, usable) {
            (Ok((headers, expires_in)), _) => {
                self.keep(key, Kept { headers: headers.clone(), until: expires_in.map(|time| now + time) });
                Ok(headers)
            }
            // It still holds for a moment; the next call asks again.
            (Err(_), Some(usable)) => Ok(usable),
            (Err(refusal), None) => Err(refusal),
        }
    }

    /// What is kept and has not expired, and whether it will hold for a while.
    fn find(&self, key: &Key, now: Instant) -> Option<(Headers, bool)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { headers, until } = kept.get(key)?;
        until.is_none_or(|until| until > now).then(|| {
            let lasting = until.is_none_or(|until| until > now + RENEW_BEFORE);
            (headers.clone(), lasting)
        })
    }

    fn keep(&self, key: Key, value: Kept) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT && !kept.contains_key(&key) {
            let first =
                kept.iter().min_by_key(|(_, kept)| (kept.until.is_none(), kept.until)).map(|(key, _)| key.clone());
            first.map(|key| kept.remove(&key));
        }
        kept.insert(key, value);
    }
}

fn filled(tenant: &Tenant, upstream: &Upstream, credential: &Credential) -> Result<Headers, Refusal> {
    let origin: Option<Origin> = upstream.facts().origin.parse().ok();
    let secret = |plugin: &str, name: &str| tenant.spec().secrets.secret(plugin, name, origin.as_ref()?);
    let fill_one = |header: &witgate_policy::Header| {
        fill(&header.value, |name| secret(&header.plugin, name)).map(|value| (header.name.clone(), value)).map_err(
            |error| {
                let note = format!("plugin `{}`, header `{}`: {error}", header.plugin, header.name);
                let message = "the credentials for this upstream are not available";
                Refusal::new(Stage::Credential, Reason::Unavailable, message).noted(note)
            },
        )
    };
    credential.headers.iter().map(fill_one).collect::<Result<_, _>>().map(|headers| Headers(Some(headers)))
}
