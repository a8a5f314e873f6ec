//! The log levels that legacy clients wish for. Clients that share a connection share its level at the server, so the
//! server is told the most verbose wish of all live sessions; each client gets only the lines of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use serde_json::json;
use witgate_policy::{Kind, Payload, Reason, Refusal, Sanitized, Stage, Validated, Why};

use super::Tenant;
use super::attempt::Way;
use super::lasting::SessionKey;
use crate::upstream::{Event, Outgoing, Reply, Upstream};
use crate::wire::{ClientFacts, LOG_LEVELS, rank};

/// Sessions whose wish is remembered; beyond it a client gets the lines that its servers send.
const MOST: usize = 100_000;

/// The wishes, by tenant and session, as ranks.
#[derive(Debug, Default)]
pub(super) struct Levels(Mutex<HashMap<SessionKey, usize>>);

impl Levels {
    /// Remembers a wish, and gives back the most verbose one of the tenant.
    fn wish(&self, tenant: &Arc<str>, session: Option<&Arc<str>>, rank: usize) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = session {
            let key = (tenant.clone(), session.clone());
            if all.len() < MOST || all.contains_key(&key) {
                all.insert(key, rank);
            }
        }
        let of_tenant = all.iter().filter(|((of, _), _)| of == tenant).map(|(_, rank)| *rank);
        of_tenant.min().unwrap_or(rank).min(rank)
    }

    fn of(&self, tenant: &Arc<str>, session: &Arc<str>) -> Option<usize> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(tenant.clone(), session.clone())).copied()
    }

    /// The session is over.
    pub(super) fn end(&self, tenant: &Arc<str>, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(tenant.clone(), session.into()));
    }
}

impl Tenant {
    /// `logging/setLevel`: tells every server that has logs; one that cannot be told is not the client's concern.
    pub(super) async fn set_level(&self, validated: &Validated, way: &Way<'_>) -> Result<Sanitized, Refusal> {
        let level = validated.call().params().read::<String>("/level").unwrap_or_default();
        let Some(rank) = rank(&level) else {
            let message = format!("`params/level` is none of {}", LOG_LEVELS.join(", "));
            return Err(Refusal::new(Stage::Route, Reason::Invalid, message));
        };
        let most = self.spec.lasting.levels.wish(&self.spec.name, way.client.session.as_ref(), rank);
        let params = Payload::of(&json!({ "level": LOG_LEVELS[most] }));
        let told = Validated::in_course_of(validated, "logging/setLevel", params);
        let upstreams = self.spec.groups.iter().flat_map(|group| &group.upstreams);
        join_all(upstreams.map(|upstream| self.tell_level(&told, upstream, way))).await;
        self.say(validated, Kind::Result, Payload::empty()).await
    }

    async fn tell_level(&self, told: &Validated, upstream: &Arc<Upstream>, way: &Way<'_>) {
        let telling = async {
            let routed = self.spec.pipeline.route(told, &[upstream.candidate()]).await.map_err(|e| e.message)?;
            let headers = self.credentials.headers(self, &routed, upstream, Why::First).await.map_err(|e| e.message)?;
            let failed = |failed: crate::upstream::Failed| failed.failure.to_string();
            let facts = upstream.server(way.client, &headers).await.map_err(failed)?;
            // A modern server is told with each request.
            if facts.revision.is_modern() || !facts.has("/logging") {
                return Ok(());
            }
            let params = told.call().params().clone();
            let outgoing = Outgoing { client: way.client, params, tool: None, headers: &headers };
            let mut exchange = upstream.send(&routed, outgoing).await.map_err(failed)?;
            loop {
                match exchange.next().await.map_err(failed)? {
                    Event::Reply(Reply::Result(_)) => return Ok(()),
                    Event::Reply(Reply::Error(error)) => return Err(error.as_str().to_owned()),
                    _ => {}
                }
            }
        };
        if let Err(cause) = telling.await {
            tracing::debug!(upstream = %upstream.spec().id, cause, "was not told the log level");
        }
    }

    /// Whether a line that belongs to no call is one of those that a client wants.
    pub(super) fn wants_line(&self, client: &ClientFacts, params: &Payload) -> bool {
        let least = client.session.as_ref().and_then(|session| self.spec.lasting.levels.of(&self.spec.name, session));
        let level = params.read::<String>("/level").and_then(|level| rank(&level));
        least.zip(level).is_none_or(|(least, level)| level >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_verbose_wish_of_the_live_sessions_wins() {
        let levels = Levels::default();
        let (t, a, b): (Arc<str>, Arc<str>, Arc<str>) = ("t".into(), "a".into(), "b".into());
        assert_eq!(levels.wish(&t, Some(&a), 4), 4);
        assert_eq!(levels.wish(&t, Some(&b), 1), 1);
        assert_eq!(levels.wish(&"other".into(), None, 7), 7);
        assert_eq!(levels.wish(&t, Some(&a), 6), 1);
        levels.end(&t, "b");
        assert_eq!(levels.of(&t, &b), None);
        assert_eq!(levels.wish(&t, Some(&a), 6), 6);
    }
}
