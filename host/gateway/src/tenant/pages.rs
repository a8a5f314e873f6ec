//! Pages of lists that a server said may be kept (2026-07-28, caching). Asked for again within their time, they come from
//! here: policies decide on each request as on any other, and only the way to the server is saved.
//!
//! Invariants:
//! - a page answers only what would have been sent to the same upstream with the same parameters, and says how much of
//!   its time is left;
//! - what the server calls `private`, or says nothing of, is kept for the caller that it was sent to, with all that its
//!   identity says, and for nobody else;
//! - `list_changed`, a connection that was lost, and a tool that turns out to be another end what is kept of a server.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use witgate_policy::{Identity, Lookup, Payload, Routed};

use super::attempt::{Cargo, Way};
use super::spec::Group;
use crate::upstream::Upstream;
use crate::wire::{ClientFacts, OF_CLIENT};

/// Bytes that are kept for a tenant. Beyond them the older half goes.
const MOST_BYTES: usize = 16 << 20;
/// What a page takes beside its text and its key's.
const EACH_BYTES: usize = 512;
/// No page takes more of them than this.
const PAGE_BYTES: usize = MOST_BYTES / 4;
/// A server that errs about its lists is believed for so long at most.
const LONGEST: Duration = Duration::from_hours(24);

/// Members of `_meta` by which a server tells requests apart, and nothing else.
const NEUTRAL: [&str; 4] = ["progressToken", "traceparent", "tracestate", "baggage"];

/// What a list is asked for with when it goes on with answers, which belong to that request alone.
const ANSWERING: [&str; 2] = ["inputResponses", "requestState"];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    upstream: Arc<str>,
    what: Lookup,
    /// The parameters that may matter, and what is told of the client.
    params: String,
    /// Whose it is; `None` for everybody's.
    caller: Option<Arc<Identity>>,
}

struct Page {
    payload: Payload,
    since: Instant,
    until: Instant,
    version: u64,
}

#[derive(Default)]
struct Shelf {
    pages: HashMap<Key, Page>,
    bytes: usize,
}

impl Shelf {
    fn remove(&mut self, key: &Key) {
        if let Some((key, page)) = self.pages.remove_entry(key) {
            self.bytes -= weight(&key, &page);
        }
    }

    fn keep(&mut self, key: Key, page: Page) {
        self.remove(&key);
        self.bytes += weight(&key, &page);
        self.pages.insert(key, page);
        if self.bytes <= MOST_BYTES {
            return;
        }
        let now = Instant::now();
        self.without(|_, page| page.until <= now);
        if self.bytes > MOST_BYTES {
            let mut ages: Vec<_> = self.pages.values().map(|page| page.since).collect();
            let middle = (ages.len() - 1) / 2;
            let middle = *ages.select_nth_unstable(middle).1;
            self.without(|_, page| page.since <= middle);
        }
    }

    fn without(&mut self, is_gone: impl Fn(&Key, &Page) -> bool) {
        let bytes = &mut self.bytes;
        self.pages.retain(|key, page| {
            let gone = is_gone(key, page);
            *bytes -= if gone { weight(key, page) } else { 0 };
            !gone
        });
    }
}

fn weight(key: &Key, page: &Page) -> usize {
    page.payload.len() + key.params.len() + EACH_BYTES
}

/// What is kept for one tenant.
#[derive(Default)]
pub(super) struct Pages(Mutex<Shelf>);

impl Pages {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group's servers turned out to say something else by now.
    pub(super) fn forget(&self, group: &Group) {
        self.shelf().without(|key, _| group.upstream(&key.upstream).is_some());
    }
}

/// An attempt at a list: what answers it, and what may be kept of the answer.
pub(super) struct Keeping<'a> {
    pages: &'a Pages,
    upstream: &'a Upstream,
    /// The server's when the attempt began: a change while the page comes makes it stale.
    version: u64,
    /// As if it were everybody's.
    key: Key,
    caller: Arc<Identity>,
}

impl<'a> Keeping<'a> {
    /// `None` for a call that is no list.
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
        Some(Box::new(Self {
            pages: &way.tenant.pages,
            upstream,
            version: upstream.list_version(),
            key: Key { upstream: routed.upstream().clone(), what, params, caller: None },
            caller: routed.identity().clone(),
        }))
    }

    /// The page as it is to be told now.
    pub(super) fn page(&mut self) -> Option<Payload> {
        let now = Instant::now();
        let mut shelf = self.pages.shelf();
        let mut page = None;
        for caller in [None, Some(self.caller.clone())] {
            self.key.caller = caller;
            match shelf.pages.get(&self.key) {
                Some(kept) if kept.until > now && kept.version == self.version => {
                    page = Some((kept.payload.clone(), kept.until));
                    break;
                }
                Some(_) => shelf.remove(&self.key),
                None => {}
            }
        }
        drop(shelf);
        let (page, until) = page?;
        let left = u64::try_from(until.duration_since(now).as_millis()).unwrap_or(u64::MAX);
        Some(page.with("ttlMs", &Payload::of(&left)))
    }

    /// Keeps what the server has answered, as far as it said that one may.
    pub(super) fn keep(mut self, page: &Payload) {
        let Some(time) = time(page).filter(|_| page.len() <= PAGE_BYTES) else { return };
        // The first answer may have been the first contact, which counts as a change.
        let version = if self.version == 0 { self.upstream.list_version() } else { self.version };
        let is_public = page.get("/cacheScope") == Some("\"public\"");
        self.key.caller = (!is_public).then_some(self.caller);
        let since = Instant::now();
        // Not with the buffer that it came in.
        let page = Page { payload: page.detached(), since, until: since + time, version };
        self.pages.shelf().keep(self.key, page);
    }
}

/// How long a server lets a page be kept; `None` where it does not.
fn time(page: &Payload) -> Option<Duration> {
    let ms = page.read::<u64>("/ttlMs").filter(|ms| *ms > 0)?;
    Some(Duration::from_millis(ms).min(LONGEST))
}

/// Of what is sent all by which a server may tell what to list; `None` where the answer is nobody else's.
fn telling(params: &Payload, client: &ClientFacts) -> Option<String> {
    let mut told = String::new();
    let mut tell = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(told, "{name:?}:{value}");
    };
    for (name, value) in params.members() {
        if ANSWERING.contains(&&*name) {
            return None;
        }
        if name != "_meta" {
            tell(&name, value);
            continue;
        }
        for (name, value) in params.slice(value).members() {
            if !NEUTRAL.contains(&&*name) && !OF_CLIENT.contains(&&*name) {
                tell(&name, value);
            }
        }
    }
    tell("revision", client.revision.as_str());
    tell("capabilities", client.capabilities.as_str());
    tell("client", client.info.as_ref().map_or("", Payload::as_str));
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use witgate_policy::Revision;

    fn page(bytes: usize, since: Instant, lives: Duration) -> Page {
        Page { payload: Payload::of(&"x".repeat(bytes - 2)), since, until: since + lives, version: 1 }
    }

    fn key(number: usize) -> Key {
        Key { upstream: "a".into(), what: Lookup::Tools, params: format!("{number:04}"), caller: None }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_goes_first_and_then_what_is_older() {
        let hour = Duration::from_hours(1);
        let mut shelf = Shelf::default();
        let bytes = PAGE_BYTES - EACH_BYTES - 4;
        for number in 0..4 {
            let lives = if number == 1 { Duration::from_mins(1) } else { hour };
            shelf.keep(key(number), page(bytes, Instant::now(), lives));
            tokio::time::advance(Duration::from_secs(20)).await;
        }
        let there =
            |shelf: &Shelf| (0..10).filter(|number| shelf.pages.contains_key(&key(*number))).collect::<Vec<_>>();
        assert_eq!((there(&shelf), shelf.bytes), (vec![0, 1, 2, 3], MOST_BYTES));
        shelf.keep(key(7), page(bytes, Instant::now(), hour));
        assert_eq!(there(&shelf), [0, 2, 3, 7], "the second's time was over");
        tokio::time::advance(Duration::from_secs(20)).await;
        shelf.keep(key(8), page(bytes, Instant::now(), hour));
        assert_eq!(there(&shelf), [7, 8]);
        shelf.keep(key(8), page(10, Instant::now(), hour));
        assert_eq!(shelf.bytes, PAGE_BYTES + 10 + 4 + EACH_BYTES);
        shelf.without(|key, _| key.params != "0008");
        assert_eq!((there(&shelf), shelf.bytes), (vec![8], 10 + 4 + EACH_BYTES));
    }

    #[test]
    fn no_server_is_believed_for_ever() {
        #[track_caller]
        fn check(ttl: &str, want: Option<Duration>) {
            let page = Payload::parse_str(&format!(r#"{{"ttlMs": {ttl}}}"#)).expect("JSON");
            assert_eq!(time(&page), want, "{ttl}");
        }
        check("1500", Some(Duration::from_millis(1500)));
        check("18446744073709551615", Some(LONGEST));
        for none in ["0", "-1", "1.5", "\"60000\"", "null", "18446744073709551616"] {
            check(none, None);
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
