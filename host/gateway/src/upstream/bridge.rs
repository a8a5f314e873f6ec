use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use witgate_policy::json::{Edit, Limits};
use witgate_policy::{Payload, Revision};

use super::{Failed, Outgoing, meta};
use crate::wire::ClientFacts;

/// Makes params right for a server, and remembers whether it could.
pub(crate) struct Bridge<'a> {
    params: &'a Payload,
    client: &'a ClientFacts,
    limits: Limits,
    pub(crate) failed: AtomicBool,
}

impl<'a> Bridge<'a> {
    pub(crate) fn new(limits: Limits, outgoing: &'a Outgoing<'_>) -> Self {
        Self { params: &outgoing.params, client: outgoing.client, limits, failed: AtomicBool::new(false) }
    }

    /// Without a progress token: nobody is told of the progress of what all share.
    pub(crate) fn plain(&self, revision: Revision) -> Result<Payload, Failed> {
        let params = self.params(revision, None)?;
        if meta::token(&params).is_none() {
            return Ok(params);
        }
        let edit = Edit { pointer: "/_meta/progressToken".to_owned(), value: None };
        params.edit(&[edit], self.limits).map_err(|e| Failed::not_sent(e.to_string()))
    }

    pub(crate) fn params(&self, revision: Revision, token: Option<u64>) -> Result<Payload, Failed> {
        meta::bridge(self.params, self.client, revision, token, self.limits).map_err(|e| {
            self.failed.store(true, Relaxed);
            Failed::not_sent(format!("`_meta` cannot be made right for the server: {e}"))
        })
    }
}
