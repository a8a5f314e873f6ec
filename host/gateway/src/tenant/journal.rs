//! One record for each message, whichever way it ends: answered, refused, or dropped on the way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use witgate_policy::{Call, Identity, Kind, Refusal, Sanitized, Trail};

use crate::record::{Record, Recorder, RefusalRecord, StepRecord, micros};

/// The upstreams that a message was sent to, in order; none are noted where nobody keeps the record.
#[derive(Debug, Clone, Default)]
pub(super) struct Visits(Option<Arc<Mutex<Vec<Arc<str>>>>>);

impl Visits {
    pub(super) fn push(&self, upstream: &Arc<str>) {
        if let Some(visits) = &self.0 {
            visits.lock().unwrap_or_else(PoisonError::into_inner).push(upstream.clone());
        }
    }

    fn take(&self) -> Vec<Arc<str>> {
        let visits = self.0.as_ref().map(|visits| visits.lock().unwrap_or_else(PoisonError::into_inner));
        visits.map(|mut visits| std::mem::take(&mut *visits)).unwrap_or_default()
    }
}

pub(super) struct Journal<'a> {
    recorder: &'a dyn Recorder,
    record: Option<Record>,
    trail: Trail,
    visits: Visits,
    /// Who calls, as soon as that is known.
    pub(super) identity: Option<Arc<Identity>>,
    started: Instant,
}

impl<'a> Journal<'a> {
    pub(super) fn open(recorder: &'a dyn Recorder, generation: u64, call: &Call) -> Self {
        // Who keeps nothing is spared its making.
        let wanted = recorder.keeps(true) || recorder.keeps(false);
        let record = wanted.then(|| Record {
            call: call.id().into(),
            generation,
            tenant: call.tenant().clone(),
            method: call.method().to_owned(),
            target: call.target().map(str::to_owned),
            revision: call.revision().as_str(),
            subject: None,
            upstreams: Vec::new(),
            outcome: "cancelled",
            refusal: None,
            plugins: Vec::new(),
            micros: 0,
        });
        let trail = call.trail().clone();
        let visits = Visits(record.is_some().then(Arc::default));
        Self { recorder, record, trail, visits, identity: None, started: Instant::now() }
    }

    pub(super) fn visits(&self) -> Visits {
        self.visits.clone()
    }

    pub(super) fn close(&mut self, answer: &Result<Sanitized, Refusal>) {
        let outcome = match answer.as_ref().map(Sanitized::kind) {
            Ok(Kind::Error) => "error",
            Ok(Kind::InputRequired) => "input-required",
            Ok(_) => "ok",
            Err(refusal) => refusal.reason.label(),
        };
        self.write(outcome, answer.as_ref().err());
    }

    pub(super) fn close_notification(&mut self, refusal: Option<&Refusal>) {
        self.write(refusal.map_or("ok", |refusal| refusal.reason.label()), refusal);
    }

    /// For what goes on from one generation to the next: a record when its caller is refused, and none else, since it is
    /// no message of its own.
    pub(super) fn close_renewal(&mut self, refusal: Option<&Refusal>) {
        match refusal {
            Some(_) => self.close_notification(refusal),
            None => self.record = None,
        }
    }

    /// For what a server says outside of calls: a record when a plugin had a say, and none else.
    pub(super) fn close_aside(
        &mut self,
        method: &str,
        upstream: Option<&Arc<str>>,
        refusal: Option<&Refusal>,
        identity: &Arc<Identity>,
    ) {
        if self.trail.steps().is_empty() {
            self.record = None;
        }
        if let Some(record) = &mut self.record {
            method.clone_into(&mut record.method);
            if let Some(upstream) = upstream {
                self.visits.push(upstream);
            }
        }
        self.identity = Some(identity.clone());
        self.close_notification(refusal);
    }

    fn write(&mut self, outcome: &'static str, refusal: Option<&Refusal>) {
        let Some(mut record) = self.record.take() else { return };
        if !self.recorder.keeps(matches!(outcome, "ok" | "input-required")) {
            return;
        }
        record.outcome = outcome;
        record.refusal = refusal.map(RefusalRecord::from);
        record.subject = self.identity.as_ref().map(|identity| identity.subject.clone());
        record.upstreams = self.visits.take();
        record.plugins = self.trail.steps().iter().map(StepRecord::from).collect();
        record.micros = micros(self.started.elapsed());
        self.recorder.record(&record);
    }
}

impl Drop for Journal<'_> {
    /// What was not closed was cancelled.
    fn drop(&mut self) {
        self.write("cancelled", None);
    }
}
