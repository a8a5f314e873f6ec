//! One connection's exchange desk: what its server asks, and says outside of calls, finds somebody here or is answered by
//! the gate; what a client answers finds its way back.
//!
//! A request goes to the call whose stream brought it; else to the latest call under way, since a legacy server does not
//! say for which one it asks; else to whoever listens to the connection. All of them are one client, because a
//! connection that others share declares nothing that a server could ask for.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use witgate_policy::Payload;

use super::ask::{self, Unasked, is_declared, is_id};
use super::audience::{Audience, Declared};
use super::connection::Order;
use super::crowd::{Crowd, Ear};
use super::inlet::Inlet;
use super::{Ask, Reply};

/// Requests of one server without an answer: more than a person answers.
const OPEN: usize = 64;

/// Says a line to the server. `sure`: it may wait for room, and must not be lost.
pub(crate) type Voice = Box<dyn Fn(String, bool) + Send + Sync>;

/// The desk of one connection.
pub(crate) struct Board {
    audience: Audience,
    declared: Declared,
    /// Those of the audience; those of everybody, which a modern server's connection is for.
    crowds: [Arc<Crowd>; 2],
    modern: AtomicBool,
    voice: Voice,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The calls under way, where they can be asked.
    calls: BTreeMap<u64, Inlet>,
    /// Who was asked, by the server's id.
    open: HashMap<String, Taker>,
}

/// Who takes a request.
enum Taker {
    Call(u64, Inlet),
    Watch(Weak<Ear>),
}

impl Board {
    pub(crate) fn new(order: &Order, voice: Voice) -> Arc<Self> {
        Arc::new(Self {
            audience: order.audience.clone(),
            declared: order.declared.clone(),
            crowds: [order.crowd.clone(), order.anyone.clone()],
            modern: AtomicBool::new(false),
            voice,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is declared in its name.
    pub(crate) fn declared(&self) -> &Declared {
        &self.declared
    }

    /// The server is a modern one: the connection is for everybody, and nobody is asked on it.
    pub(crate) fn is_modern(&self) {
        self.modern.store(true, Relaxed);
    }

    /// Whether the server can ask somebody here.
    pub(crate) fn is_own(&self) -> bool {
        self.audience != Audience::Anyone && !self.modern.load(Relaxed)
    }

    fn crowd(&self) -> &Crowd {
        let own = matches!(self.audience, Audience::Session(_)) && self.is_own();
        &self.crowds[usize::from(!own)]
    }

    /// A call is under way.
    pub(crate) fn enter(&self, call: u64, inlet: &Inlet) {
        if self.is_own() {
            self.state().calls.insert(call, inlet.clone());
        }
    }

    /// A call has its answer: nothing more is asked of it.
    pub(crate) fn answered(&self, call: u64) {
        if self.is_own() {
            self.state().calls.remove(&call);
        }
    }

    /// Nobody waits for a call any more, nor will answer what it was asked.
    pub(crate) fn leave(&self, call: u64) {
        if self.is_own() {
            let mut state = self.state();
            state.calls.remove(&call);
            state.open.retain(|_, taker| !matches!(taker, Taker::Call(id, _) if *id == call));
        }
    }

    /// The server asks; `by`: on the stream of this call.
    pub(crate) fn ask(self: &Arc<Self>, id: &Payload, method: &str, params: &Payload, by: Option<u64>) {
        if method == "ping" && is_id(id) {
            return (self.voice)(ask::pong(id), false);
        }
        if let Err(why) = self.pass(id, method, params, by) {
            (self.voice)(ask::refusal(id, why), false);
        }
    }

    fn pass(self: &Arc<Self>, id: &Payload, method: &str, params: &Payload, by: Option<u64>) -> Result<(), Unasked> {
        if !is_id(id) {
            return Err(Unasked::Id);
        }
        if !self.is_own() || !is_declared(&self.declared.capabilities, method, params) {
            return Err(Unasked::Undeclared);
        }
        let mut state = self.state();
        if state.open.len() >= OPEN || state.open.contains_key(id.as_str()) {
            return Err(Unasked::Nobody);
        }
        let ask = Ask(id.clone());
        let taker = match state.call(by) {
            Some((call, inlet)) => {
                let taken = inlet.ask(ask, method.to_owned(), params.clone());
                taken.then_some(Taker::Call(call, inlet))
            }
            None => self.crowd().ask(self, &ask, method, params).map(Taker::Watch),
        };
        state.open.insert(id.as_str().to_owned(), taker.ok_or(Unasked::Nobody)?);
        Ok(())
    }

    /// Takes a notification that belongs to no request of the gate's. Says whether it found somebody.
    pub(crate) fn note(&self, method: &str, params: &Payload) -> bool {
        if self.tell(method, params) {
            return true;
        }
        let modern = self.modern.load(Relaxed);
        if method == "notifications/cancelled" || modern || self.audience == Audience::Anyone {
            return false;
        }
        // A log line is more likely to be about what runs.
        if self.note_call(method, params) {
            return true;
        }
        let listens = matches!(self.audience, Audience::Session(_)) && self.crowd().listens(modern);
        if listens {
            self.crowd().tell(modern, method, params);
        }
        listens
    }

    /// Takes what is for those who listen to the connection. Says whether it was, and somebody does.
    pub(crate) fn tell(&self, method: &str, params: &Payload) -> bool {
        if method == "notifications/cancelled" {
            return self.withdraw(params);
        }
        let modern = self.modern.load(Relaxed);
        // A lease is one call's, but what it tells of lists is true for others too.
        let leased = !modern && matches!(self.audience, Audience::Lease(_));
        let theirs = if leased { method.ends_with("/list_changed") } else { is_standing(method) };
        let told = theirs && self.crowd().listens(modern);
        if told {
            self.crowd().tell(modern, method, params);
        }
        told
    }

    fn note_call(&self, method: &str, params: &Payload) -> bool {
        let inlet = self.state().call(None);
        inlet.is_some_and(|(_, inlet)| inlet.note(method.to_owned(), params.clone()))
    }

    /// The server takes a request back.
    fn withdraw(&self, params: &Payload) -> bool {
        let Some(id) = params.get("/requestId") else { return false };
        let Some(taker) = self.state().open.remove(id) else { return false };
        let Ok(id) = Payload::parse_str(id) else { return false };
        match taker {
            Taker::Call(_, inlet) => inlet.withdraw(Ask(id)),
            Taker::Watch(ear) => ear.upgrade().map(|ear| ear.withdraw(&Ask(id))).is_some(),
        }
    }

    /// Somebody answers, who was asked: a call, or a listener.
    pub(crate) fn answer(&self, call: Option<u64>, ask: &Ask, answer: Reply) {
        let mut state = self.state();
        let asked = match (state.open.get(ask.0.as_str()), call) {
            (Some(Taker::Call(id, _)), Some(call)) => *id == call,
            (Some(Taker::Watch(_)), None) => true,
            _ => false,
        };
        if asked {
            state.open.remove(ask.0.as_str());
            drop(state);
            (self.voice)(ask::answer(ask, answer), true);
        }
    }

    /// A listener is gone: what it was asked is answered by the gate.
    pub(crate) fn abandon(&self, ear: &Arc<Ear>) {
        let gone = |taker: &Taker| matches!(taker, Taker::Watch(weak) if std::ptr::eq(weak.as_ptr(), Arc::as_ptr(ear)));
        let mut state = self.state();
        let ids: Vec<String> = state.open.iter().filter(|(_, taker)| gone(taker)).map(|(id, _)| id.clone()).collect();
        for id in &ids {
            state.open.remove(id);
        }
        drop(state);
        for id in ids.iter().filter_map(|id| Payload::parse_str(id).ok()) {
            (self.voice)(ask::refusal(&id, Unasked::Nobody), true);
        }
    }

    /// Whether somebody listens to what the server says outside of calls.
    pub(crate) fn is_heard(&self) -> bool {
        self.crowd().listens(self.modern.load(Relaxed))
    }

    /// Says something to the server, which may be lost.
    pub(crate) fn say(&self, line: String) {
        (self.voice)(line, false);
    }

    /// The connection is gone.
    pub(crate) fn close(&self) {
        let open = std::mem::take(&mut self.state().open);
        for (id, taker) in open {
            if let (Taker::Watch(ear), Ok(id)) = (taker, Payload::parse_str(&id)) {
                ear.upgrade().inspect(|ear| ear.withdraw(&Ask(id)));
            }
        }
        self.lapse();
    }

    /// Something may have been missed.
    pub(crate) fn lapse(&self) {
        if !matches!(self.audience, Audience::Lease(_)) {
            self.crowd().lapse(self.modern.load(Relaxed));
        }
    }
}

impl State {
    /// The call that brought a request, or the latest.
    fn call(&self, by: Option<u64>) -> Option<(u64, Inlet)> {
        let by = by.and_then(|id| self.calls.get_key_value(&id));
        by.or_else(|| self.calls.last_key_value()).map(|(id, inlet)| (*id, inlet.clone()))
    }
}

/// Whether a notification is for all who share a connection.
fn is_standing(method: &str) -> bool {
    method.ends_with("/list_changed")
        || method.starts_with("notifications/tasks")
        || ["notifications/resources/updated", "notifications/elicitation/complete"].contains(&method)
}
