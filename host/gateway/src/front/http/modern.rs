//! Requests of 2026-07-28 and later: each says everything itself, and its connection is its life.

use std::pin::pin;

use bytestring::ByteString;
use http::{Response, StatusCode};
use witgate_policy::{Payload, Revision};

use super::answer::{Answers, Pending, Running, Working};
use super::exchange::{Asked, Entry, Front};
use super::reply::{self, Body};
use crate::front::job::SUBSCRIPTION;
use crate::tenant::Outlet;
use crate::wire::{ClientFacts, Meta, Mismatch, Reject, check_headers, lasting, version_header};

impl Front {
    pub(super) async fn modern_request(&self, entry: Entry, asked: Asked, client: ClientFacts) -> Response<Body> {
        let revision = client.revision;
        let lasts = asked.lasts();
        let mut job = self.job(&entry, (asked.method, asked.params), client, None);
        job.inbound.id = Some(asked.id.clone());
        let (outlet, said) = Outlet::new(None);
        let id = asked.id;
        let working: Working = if lasts {
            let work = job.subscription(None, outlet, self.crew.stop());
            Box::pin(async move { Answers::One(Some(id), work.await) })
        } else {
            Box::pin(async move {
                // Where it is, since to await it otherwise would move it, and it is large.
                let run = pin!(job.run(outlet));
                Answers::One(Some(id), run.await)
            })
        };
        let running = Running::new(working, None, &self.crew);
        let (wants, keep_alive) = (entry.wants, self.options.keep_alive);
        Pending { revision, wants, keep_alive, running, said }.respond().await
    }

    /// The core protocol has none over HTTP; extensions may.
    pub(super) async fn modern_notification(
        &self,
        entry: Entry,
        method: ByteString,
        params: Payload,
    ) -> Response<Body> {
        let client = Meta::of(&params).of_notification();
        match self.job(&entry, (method, params), client, None).notification().await {
            Ok(_) => reply::empty(StatusCode::ACCEPTED),
            Err(denial) => reply::denial(None, &denial),
        }
    }
}

impl Asked {
    /// Whether its answer does not come on its own.
    fn lasts(&self) -> bool {
        self.method == SUBSCRIPTION
    }
}

/// Holds the headers against the message (2026-07-28, streamable HTTP, server validation), and takes the client's facts.
pub(super) fn agreed(entry: &Entry, asked: &mut Asked) -> Result<ClientFacts, Reject> {
    if asked.lasts() {
        asked.params = lasting(&asked.params)?;
        asked.method = ByteString::from_static(SUBSCRIPTION);
        if !entry.wants.events {
            return Err(Reject::NoEvents);
        }
    }
    let meta = Meta::of(&asked.params);
    let header = version_header(&entry.headers)?;
    if let Some(unknown) = header.filter(|version| !meta.names_version() && Revision::parse(version).is_none()) {
        return Err(Reject::Version { requested: unknown.to_owned() });
    }
    let version = meta.version()?;
    match header {
        None => return Err(Mismatch::Missing("MCP-Protocol-Version".into()).into()),
        Some(header) if header != version => {
            return Err(Mismatch::different("MCP-Protocol-Version", header, &version).into());
        }
        Some(_) => {}
    }
    let client = meta.client()?;
    check_headers(&entry.headers, &asked.method, &asked.params, true)?;
    Ok(client)
}
