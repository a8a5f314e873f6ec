use std::time::Duration;

use witgate_policy::json::Limits;

/// The least that hyper takes for its buffer.
pub(super) const LEAST_HEADER_BYTES: usize = 8192;

/// What one HTTP front allows. The defaults are safe on loopback and for strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Threads that serve connections, each of which stays with its thread; 0: they are served by the runtime that calls
    /// [`serve`](super::serve).
    pub workers: usize,
    /// The names (`host` or `host:port`) that clients may address, against DNS rebinding; `*` allows any. Empty: the
    /// names of the loopback interface when bound to it, otherwise any.
    pub hosts: Vec<String>,
    /// The origins (`https://app.example`, `http://localhost:3000`) of web pages that may send messages; `*` allows any.
    /// Empty: pages of this machine.
    pub origins: Vec<String>,
    /// What a message may be at most, in bytes.
    pub body_bytes: usize,
    /// What large messages (beyond 64 KiB) may be together while they are worked on, in bytes.
    pub bodies_bytes: usize,
    /// What the headers of a request may be at most, in bytes; at least 8 KiB.
    pub header_bytes: usize,
    /// How long a client may take to send its headers, and to begin its next request.
    pub header_time: Duration,
    /// How long a client may take to send a body.
    pub body_time: Duration,
    /// Connections at once; further ones wait to be accepted.
    pub connections: usize,
    /// Sessions of legacy clients. Of the caller that has most of them, the one that was idle for longest makes place.
    pub sessions: usize,
    /// How long a session may be idle before it ends.
    pub session_idle: Duration,
    /// What is kept of the streams of all sessions for clients that come back after their connection broke, in bytes;
    /// one session may take a quarter of it.
    pub events_bytes: usize,
    /// How long it is kept.
    pub events_age: Duration,
    /// How long a client may read nothing of what is written to it before its connection ends.
    pub write_time: Duration,
    /// How often an idle stream of events shows that it is alive.
    pub keep_alive: Duration,
    /// How long what is under way may take to end when the gate stops.
    pub drain: Duration,
}

impl Default for Options {
    /// A body as large as the strict parser takes, and sixteen of them at once. Half a minute for what a client has
    /// ready; a day for a session, since desktop clients sleep overnight; five minutes to come back to a stream, in which
    /// a laptop has found its next network; 15 seconds between signs of life, below the 60 of common proxies.
    fn default() -> Self {
        Self {
            workers: 0,
            hosts: Vec::new(),
            origins: Vec::new(),
            body_bytes: Limits::default().bytes,
            bodies_bytes: 256 << 20,
            header_bytes: 32 << 10,
            header_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            connections: 4096,
            sessions: 10_000,
            session_idle: Duration::from_hours(24),
            events_bytes: 64 << 20,
            events_age: Duration::from_mins(5),
            write_time: Duration::from_mins(1),
            keep_alive: Duration::from_secs(15),
            drain: Duration::from_secs(30),
        }
    }
}

impl Options {
    pub(super) fn limits(&self) -> Limits {
        Limits { bytes: self.body_bytes, ..Limits::default() }
    }
}
