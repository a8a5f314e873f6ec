//! Pages of lists that a server said may be kept (2026-07-28, caching). Asked for again within their time, they come from
//! here: policies decide on each request and each answer as on any other, and only the way to the server is saved.
//!
//! Invariants:
//! - a page answers only what would have been sent to the same upstream with the same parameters, and says how much of
//!   its time is left;
//! - what the server does not call `public` is kept for the caller that it was sent to, with all that its identity says,
//!   and for nobody else; where a plugin shows the server who calls, it is not kept;
//! - what the gate hears of changes, a new connection, a tool that turned out to be another and a cursor that leads nowhere
//!   end what is kept of a server. What the gate itself goes by (`catalog`) never comes from here.

mod shelf;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::{Identity, Lookup, Payload, Routed};

use self::shelf::{Key, Page, ROOM, Shelf, lock, size, weight};
use super::attempt::{Cargo, Way};
use super::spec::Group;
use crate::upstream::{Reply, Upstream};
use crate::wire::{ClientFacts, OF_CLIENT};

/// Who asks with more than this, or is more than this, is asked for each time.
const KEY_BYTES: usize = 4 << 10;
/// A server that errs about its lists is believed for so long at most.
const LONGEST: Duration = Duration::from_hours(24);

/// Members of `_meta` by which a server tells requests apart, and nothing else.
const NEUTRAL: [&str; 3] = ["progressToken", "traceparent", "tracestate"];

/// What a list is asked for with when it goes on with answers, which belong to that request alone.
const ANSWERING: [&str; 2] = ["inputResponses", "requestState"];

/// What is kept for one tenant.
pub(super) struct Pages(Arc<Mutex<Shelf>>);

impl Default for Pages {
    fn default() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::new(&ROOM)));
        ROOM.register(&shelf);
        Self(shelf)
    }
}

impl Pages {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        lock(&self.0)
    }

    /// A group's servers turned out to say something else by now.
    pub(super) fn forget(&self, group: &Group) {
        self.mistaken(|key, _| group.upstream(&key.upstream).is_some());
    }

    fn mistaken(&self, is_gone: impl Fn(&Key, &Page) -> bool) {
        let mut shelf = self.shelf();
        shelf.mistakes += 1;
        shelf.without(is_gone);
    }
}

/// An attempt at a list: what answers it, and what may be kept of the answer.
pub(super) struct Keeping<'a> {
    pages: &'a Pages,
    upstream: &'a Upstream,
    /// The server's when the attempt began, and how often something was wrong: a change while the page comes makes it stale.
    version: u64,
    mistakes: u64,
    /// As if it were everybody's.
    key: Key,
    /// Where an answer may be the caller's own.
    caller: Option<Arc<Identity>>,
    /// Where the next page would begin.
    cursor: Option<String>,
    /// Whether it is a client's request.
    asked: bool,
}

impl<'a> Keeping<'a> {
    /// `None` for a call that is no list, or none that is kept.
    pub(super) fn of(way: &Way<'a>, routed: &Routed, group: &'a Group, cargo: &Cargo<'_>) -> Option<Box<Self>> {
        let what = match routed.call().method() {
            "tools/list" => Lookup::Tools,
            "prompts/list" => Lookup::Prompts,
            "resources/list" => Lookup::Resources,
            "resources/templates/list" => Lookup::Templates,
            _ => return None,
        };
        let params = telling(&cargo.params, way.client)?;
        let upstream = group.upstream(routed.upstream())?;
        let is_shown = way.tenant.spec().pipeline.has_credential(routed.upstream());
        let caller = routed.identity().clone();
        let pages = &way.tenant.pages;
        Some(Box::new(Self {
            pages,
            upstream,
            // The first contact counts as a change.
            version: upstream.list_version().max(1),
            mistakes: pages.shelf().mistakes,
            key: Key { upstream: routed.upstream().clone(), what, params, caller: None },
            caller: Some(caller).filter(|caller| !is_shown && size(caller) <= KEY_BYTES),
            cursor: cargo.params.string("/cursor").map(Cow::into_owned),
            asked: way.outlet.is_some(),
        }))
    }

    /// The page as it is to be told now.
    pub(super) fn page(&self) -> Option<Payload> {
        if !self.asked {
            return None;
        }
        let now = Instant::now();
        let (page, until) = {
            let mut shelf = self.pages.shelf();
            let own = self.caller.clone().map(|caller| self.key_of(Some(caller)));
            let mut keys = std::iter::once(self.key_of(None)).chain(own);
            keys.find_map(|key| {
                let kept = shelf.pages.get(&key)?;
                if kept.until > now && kept.version == self.version {
                    return Some((kept.payload.clone(), kept.until));
                }
                shelf.remove(&key);
                None
            })?
        };
        let left = u64::try_from(until.duration_since(now).as_millis()).unwrap_or(u64::MAX);
        Some(page.with("ttlMs", &Payload::of(&left)))
    }

    /// What the server has answered is kept as far as it said that one may.
    pub(super) fn answered(&self, reply: &Reply) {
        match reply {
            Reply::Result(page) => self.keep(page),
            Reply::Error(_) => self.refused(),
        }
    }

    fn keep(&self, page: &Payload) {
        let Some(time) = time(page) else { return };
        if self.version != self.upstream.list_version() {
            return;
        }
        let is_public = page.get("/cacheScope") == Some("\"public\"");
        let key = match &self.caller {
            _ if is_public => self.key_of(None),
            Some(caller) => self.key_of(Some(caller.clone())),
            None => return,
        };
        let since = Instant::now();
        // Not with the buffer that it came in.
        let page = Page { payload: page.detached(), since, until: since + time, version: self.version };
        if ROOM.is_full(weight(&key, &page)) {
            ROOM.sweep();
        }
        let mut shelf = self.pages.shelf();
        if shelf.mistakes == self.mistakes {
            shelf.keep(key, page);
        }
    }

    /// The server gives no page. If a page that is kept leads here, the list begins anew.
    pub(super) fn refused(&self) {
        let Some(cursor) = self.cursor.as_deref() else { return };
        let is_of_list = |key: &Key| key.upstream == self.key.upstream && key.what == self.key.what;
        let leads = |(key, page): (&Key, &Page)| {
            is_of_list(key) && page.payload.string("/nextCursor").is_some_and(|next| *next == *cursor)
        };
        let leads = self.pages.shelf().pages.iter().any(leads);
        if leads {
            self.pages.mistaken(|key, _| is_of_list(key));
        }
    }

    fn key_of(&self, caller: Option<Arc<Identity>>) -> Key {
        Key { caller, ..self.key.clone() }
    }
}

/// How long a server lets a page be kept; `None` where it does not, or says nothing that this era knows.
fn time(page: &Payload) -> Option<Duration> {
    let is_page = page.get("/resultType") == Some("\"complete\"") && page.get("/isError") != Some("true");
    let ms = page.read::<u64>("/ttlMs").filter(|ms| is_page && *ms > 0)?;
    Some(Duration::from_millis(ms).min(LONGEST))
}

/// Of what is sent all by which a server may tell what to list; `None` where the answer is nobody else's.
fn telling(params: &Payload, client: &ClientFacts) -> Option<String> {
    let mut told = String::new();
    let mut tell = |place: &str, name: &str, value: &str| {
        // Writing to a string does not fail. Names are in quotes, so that no line is taken for another.
        let _ = writeln!(told, "{place} {name:?}:{value}");
        told.len() <= KEY_BYTES
    };
    let mut fits = true;
    for (name, value) in params.members() {
        if ANSWERING.contains(&&*name) {
            return None;
        }
        if name != "_meta" {
            fits &= tell("", &name, value);
            continue;
        }
        for (name, value) in params.slice(value).members() {
            if !NEUTRAL.contains(&&*name) && !OF_CLIENT.contains(&&*name) {
                fits &= tell("meta", &name, value);
            }
        }
    }
    fits &= tell("client", "revision", client.revision.as_str());
    fits &= tell("client", "capabilities", client.capabilities.as_str());
    fits &= tell("client", "info", client.info.as_ref().map_or("", Payload::as_str));
    fits.then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use witgate_policy::Revision;

    #[test]
    fn no_server_is_believed_for_ever() {
        #[track_caller]
        fn check(ttl: &str, want: Option<Duration>) {
            let page = Payload::parse_str(&format!(r#"{{"resultType": "complete", "ttlMs": {ttl}}}"#));
            assert_eq!(time(&page.expect("JSON")), want, "{ttl}");
        }
        check("1500", Some(Duration::from_millis(1500)));
        check("18446744073709551615", Some(LONGEST));
        for none in ["0", "-1", "1.5", "\"60000\"", "null", "18446744073709551616"] {
            check(none, None);
        }
        for other in [
            r#"{"ttlMs": 9}"#,
            r#"{"ttlMs": 9, "resultType": "input_required"}"#,
            r#"{"ttlMs": 9, "resultType": "complete", "isError": true}"#,
        ] {
            assert_eq!(time(&Payload::parse_str(other).expect("JSON")), None, "{other}");
        }
    }

    #[test]
    fn a_request_is_told_by_what_a_server_may_go_by() {
        #[track_caller]
        fn check(a: &str, b: &str, same: bool) {
            let client = ClientFacts {
                revision: Revision::V2026_07_28,
                info: None,
                capabilities: Payload::empty(),
                log_level: None,
                session: None,
            };
            let [a, b] = [a, b].map(|params| telling(&Payload::parse_str(params).expect("JSON"), &client));
            assert_eq!(a == b, same, "{a:?} {b:?}");
        }
        check("{}", r#"{"_meta":{"progressToken":7,"traceparent":"t"}}"#, true);
        check(r#"{"_meta":{"io.modelcontextprotocol/logLevel":"debug"}}"#, r#"{"_meta":{}}"#, true);
        check("{}", r#"{"cursor":"1"}"#, false);
        check("{}", r#"{"_meta":{"x":1}}"#, false);
        check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, false);
        check("{}", r#"{"requestState":"s"}"#, false);
        check(r#"{"cursor":"1"}"#, r#"{"_meta":{"cursor":"1"}}"#, false);
        check(r#"{"a":"\n \"b\":1"}"#, r#"{"a":"","b":1}"#, false);
        check("{}", r#"{"revision":"2026-07-28"}"#, false);
        let long = format!(r#"{{"_meta":{{"x":"{}"}}}}"#, "y".repeat(KEY_BYTES));
        check("{}", &long, false);
    }

    #[test]
    fn a_client_is_told_by_what_it_declares() {
        let client = |revision, capabilities: &str, name: &str| ClientFacts {
            revision,
            info: Some(Payload::of(&name)),
            capabilities: Payload::parse_str(capabilities).expect("JSON"),
            log_level: None,
            session: None,
        };
        let told = |client| telling(&Payload::empty(), &client).expect("a list");
        let usual = told(client(Revision::V2026_07_28, "{}", "c"));
        assert_ne!(usual, told(client(Revision::V2026_07_28, r#"{"roots":{}}"#, "c")));
        assert_ne!(usual, told(client(Revision::V2025_11_25, "{}", "c")));
        assert_ne!(usual, told(client(Revision::V2026_07_28, "{}", "d")));
    }
}
