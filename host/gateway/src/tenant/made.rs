//! Who made which task (2025-11-25, tasks). A server cannot tell the clients of one connection apart, so the gate does: a
//! list of tasks has the caller's own, and how a task stands is told where it was made. The same the other way: which
//! server made a task of a client.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use witgate_policy::Identity;

/// Tasks that are remembered; beyond it the oldest goes, and is found only by who has its id. Each takes a few hundred
/// bytes.
const MOST: usize = 50_000;

/// Where a task was made: for whom, and in which session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Maker {
    issuer: String,
    subject: String,
    session: Option<Arc<str>>,
}

impl Maker {
    pub(super) fn new(identity: &Identity, session: Option<&Arc<str>>) -> Self {
        Self { issuer: identity.issuer.clone(), subject: identity.subject.clone(), session: session.cloned() }
    }

    /// Whether it is the same caller; of callers without a name, the same session.
    fn is(&self, other: &Self) -> bool {
        let nobody = Self::new(&Identity::anonymous(), self.session.as_ref()) == *self;
        (&self.issuer, &self.subject) == (&other.issuer, &other.subject) && (!nobody || self.session == other.session)
    }
}

/// A task by its tenant, its server and what that calls it.
type Own = (Arc<str>, Arc<str>, String);

/// A client's task by its tenant, its session and what the client calls it.
type Theirs = (Arc<str>, Arc<str>, String);

/// The tasks of all tenants.
#[derive(Debug, Default)]
pub(super) struct Made {
    by: Mutex<Shelf<Own, Maker>>,
    at: Mutex<Shelf<Theirs, Arc<str>>>,
}

impl Made {
    /// A server made a task for somebody.
    pub(super) fn note(&self, (tenant, upstream, own): (&Arc<str>, &Arc<str>, &str), maker: Maker) {
        lock(&self.by).keep((tenant.clone(), upstream.clone(), own.to_owned()), maker);
    }

    /// Whether a server's task is of this caller.
    pub(super) fn is_of(&self, (tenant, upstream, own): (&Arc<str>, &Arc<str>, &str), caller: &Maker) -> bool {
        let by = lock(&self.by);
        by.find(&(tenant.clone(), upstream.clone(), own.to_owned())).is_some_and(|maker| maker.is(caller))
    }

    /// Whether a server's task was made in this session.
    pub(super) fn is_in(&self, (tenant, upstream, own): (&Arc<str>, &Arc<str>, &str), session: &Arc<str>) -> bool {
        let by = lock(&self.by);
        let maker = by.find(&(tenant.clone(), upstream.clone(), own.to_owned()));
        maker.is_some_and(|maker| maker.session.as_ref() == Some(session))
    }

    /// A client made a task for a server.
    pub(super) fn lend(&self, (tenant, session, theirs): (&Arc<str>, &Arc<str>, &str), upstream: &Arc<str>) {
        lock(&self.at).keep((tenant.clone(), session.clone(), theirs.to_owned()), upstream.clone());
    }

    /// The server that a client's task is for.
    pub(super) fn lent(&self, (tenant, session, theirs): (&Arc<str>, &Arc<str>, &str)) -> Option<Arc<str>> {
        lock(&self.at).find(&(tenant.clone(), session.clone(), theirs.to_owned())).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bounded map, of which the oldest goes.
#[derive(Debug)]
struct Shelf<K, V> {
    all: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { all: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Shelf<K, V> {
    fn keep(&mut self, key: K, value: V) {
        if self.all.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    fn find(&self, key: &K) -> Option<&V> {
        self.all.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(subject: &str, session: &str) -> Maker {
        let identity = Identity { subject: subject.into(), ..Identity::anonymous() };
        Maker::new(&identity, Some(&session.into()))
    }

    #[test]
    fn a_task_is_its_maker_s() {
        #[track_caller]
        fn check(made: &Made, own: (&str, &str, &str), caller: &Maker, want: bool) {
            assert_eq!(made.is_of((&own.0.into(), &own.1.into(), own.2), caller), want, "{own:?} {caller:?}");
        }
        let made = Made::default();
        let (t, u): (Arc<str>, Arc<str>) = ("t".into(), "u".into());
        let nobody = &Identity::anonymous().subject;
        made.note((&t, &u, "1"), maker("ada", "a"));
        made.note((&t, &u, "2"), maker(nobody, "a"));
        check(&made, ("t", "u", "1"), &maker("ada", "b"), true);
        check(&made, ("t", "u", "1"), &maker("bob", "a"), false);
        check(&made, ("t", "v", "1"), &maker("ada", "a"), false);
        check(&made, ("s", "u", "1"), &maker("ada", "a"), false);
        check(&made, ("t", "u", "3"), &maker("ada", "a"), false);
        check(&made, ("t", "u", "2"), &maker(nobody, "a"), true);
        check(&made, ("t", "u", "2"), &maker(nobody, "b"), false);
        assert!(made.is_in((&t, &u, "1"), &"a".into()) && !made.is_in((&t, &u, "1"), &"b".into()));
        // A server that began anew gave the id to somebody else.
        made.note((&t, &u, "1"), maker("bob", "b"));
        check(&made, ("t", "u", "1"), &maker("ada", "a"), false);
    }

    #[test]
    fn the_oldest_goes() {
        let mut shelf = Shelf::default();
        (0..=MOST).for_each(|task| shelf.keep(task, ()));
        assert_eq!((shelf.all.len(), shelf.find(&0), shelf.find(&1)), (MOST, None, Some(&())));
    }
}
