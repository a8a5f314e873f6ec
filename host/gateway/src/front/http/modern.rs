//! Requests of 2026-07-28 and later: each says everything itself, and its connection is its life.

use http::{Response, StatusCode};
use witgate_policy::{Payload, Revision};

use super::answer::{Answers, Pending, Running};
use super::exchange::{Asked, Entry, Front};
use super::reply::{self, Body};
use crate::front::job::SUBSCRIPTION;
use crate::tenant::Outlet;
use crate::wire::{ClientFacts, Meta, Mismatch, Reject, check_headers, lasting, version_header};

impl Front {
    pub(super) async fn modern_request(&self, entry: Entry, mut asked: Asked) -> Result<Response<Body>, Reject> {
        let lasts = asked.method == SUBSCRIPTION;
        if lasts {
            asked.params = lasting(&asked.params)?;
        }
        let client = agreed(&entry, &asked)?;
        let revision = client.revision;
        if lasts && !entry.wants.events {
            return Err(Reject::NoEvents);
        }
        let mut job = self.job(&entry, (asked.method, asked.params), client, None);
        job.inbound.id = Some(asked.id.clone());
        let (outlet, said) = Outlet::new(None);
        let work = if lasts { job.subscription(None, outlet, self.crew.stop()) } else { job.request(None, outlet) };
        let id = asked.id;
        let working = Box::pin(async move { Answers { all: vec![(Some(id), work.await)], batch: false } });
        let running = Running::new(working, None, &self.crew);
        let (wants, keep_alive) = (entry.wants, self.options.keep_alive);
        Ok(Pending { revision, wants, keep_alive, running, said }.respond().await)
    }

    /// The core protocol has none over HTTP; extensions may.
    pub(super) async fn modern_notification(&self, entry: Entry, method: String, params: Payload) -> Response<Body> {
        let client = Meta::of(&params).of_notification();
        match self.job(&entry, (method, params), client, None).notification().await {
            Ok(_) => reply::empty(StatusCode::ACCEPTED),
            Err(denial) => reply::denial(None, &denial),
        }
    }
}

/// Holds the headers against the message (2026-07-28, streamable HTTP, server validation), and takes the client's facts.
fn agreed(entry: &Entry, asked: &Asked) -> Result<ClientFacts, Reject> {
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
