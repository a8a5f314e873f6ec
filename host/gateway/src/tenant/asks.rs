//! What a client is asked, and its answers, which come in with requests of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytestring::ByteString;
use tokio::sync::mpsc;
use witgate_policy::json::Edit;
use witgate_policy::{Payload, Sanitized};

use super::outlet::{Outlet, Said};
use super::shape::edited;
use crate::upstream::Reply;
use crate::wire::RequestId;

/// Questions that one client may have open: more than a person answers.
const OPEN: usize = 64;

/// Progress that a client reports on one question and nobody took yet.
const PROGRESS: usize = 16;

/// Where a request names its progress token.
const TOKEN: &str = "/_meta/progressToken";

impl Outlet {
    /// Asks the client, with the gate's id in place of the server's progress token. `None` when it cannot be asked, or
    /// has too many questions open. Dropping what comes back withdraws the question.
    pub async fn ask(&self, request: Sanitized) -> Option<Asking> {
        let asks = self.asks.clone()?;
        let method = ByteString::from(request.method());
        let (id, heard) = asks.enter(method)?;
        let token = request.payload().get(TOKEN).map(str::to_owned);
        let request = match &token {
            Some(_) => request.renamed(|params| edited(params, &[Edit::set(TOKEN, id.to_string())])),
            None => request,
        };
        let asking = Asking { id, token, heard, outlet: self.clone(), asks, answered: false };
        self.wait_to_say(Said::Ask { id, request }).await.then_some(asking)
    }
}

/// What a client says of a question.
#[derive(Debug, Clone)]
pub enum Told {
    /// `notifications/progress`, with the server's own token.
    Progress(Payload),
    /// Its answer, which validators have accepted. Nothing comes after it.
    Answer(Reply),
}

/// A question under way; withdrawn when dropped before its answer.
#[derive(Debug)]
pub struct Asking {
    id: i64,
    token: Option<String>,
    heard: mpsc::Receiver<Told>,
    outlet: Outlet,
    asks: Arc<Asks>,
    answered: bool,
}

impl Asking {
    /// What the client says next; `None` when it never will. Cancel safe.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            let told = self.heard.recv().await;
            self.answered |= matches!(told, None | Some(Told::Answer(_)));
            match (told, &self.token) {
                (Some(Told::Progress(params)), Some(token)) => {
                    return Some(Told::Progress(edited(&params, &[Edit::set("/progressToken", token)])));
                }
                // The server did not ask for any.
                (Some(Told::Progress(_)), None) => {}
                (told, _) => return told,
            }
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.answered && self.asks.state().open.remove(&self.id).is_some() {
            self.outlet.try_say(Said::Withdrawn { id: self.id });
        }
    }
}

/// The open questions of one legacy client.
#[derive(Debug, Default)]
pub struct Asks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: HashMap<i64, Open>,
    last: i64,
}

#[derive(Debug)]
struct Open {
    method: ByteString,
    told: mpsc::Sender<Told>,
}

/// A question that its client has answered; whoever holds this delivers the answer.
#[derive(Debug)]
pub struct Answered {
    method: ByteString,
    told: mpsc::Sender<Told>,
}

impl Answered {
    /// The method of the question.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Gives the answer to whoever asked.
    pub fn deliver(self, answer: Reply) {
        // There is always room: progress leaves one place free.
        let _ = self.told.try_send(Told::Answer(answer));
    }
}

impl Asks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, method: ByteString) -> Option<(i64, mpsc::Receiver<Told>)> {
        let mut state = self.state();
        if state.open.len() >= OPEN {
            return None;
        }
        state.last += 1;
        let id = state.last;
        let (told, heard) = mpsc::channel(PROGRESS + 1);
        state.open.insert(id, Open { method, told });
        Some((id, heard))
    }

    /// The method of the open question that an answer names.
    pub fn asked(&self, id: &RequestId) -> Option<ByteString> {
        let RequestId::Number(id) = id else { return None };
        self.state().open.get(id).map(|open| open.method.clone())
    }

    /// Takes out the question that an answer names; `None` when there is no such question any more.
    pub fn take(&self, id: &RequestId) -> Option<Answered> {
        let RequestId::Number(id) = id else { return None };
        self.state().open.remove(id).map(|Open { method, told }| Answered { method, told })
    }

    /// Passes on the progress that a client reports on a question. Lost when nobody keeps up.
    pub fn progress(&self, params: &Payload) {
        let Some(id) = params.read::<i64>("/progressToken") else { return };
        if let Some(open) = self.state().open.get(&id)
            && open.told.capacity() > 1
        {
            let _ = open.told.try_send(Told::Progress(params.clone()));
        }
    }

    /// Whether a question is open.
    pub fn is_idle(&self) -> bool {
        self.state().open.is_empty()
    }
}
