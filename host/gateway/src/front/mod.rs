//! Where clients come in: bytes to messages, sessions, and the answers' way back.
//!
//! Both fronts turn a message into a job for a tenant and write what comes of it; what it means is the tenant's
//! concern. A front refuses by itself only what is no message, is not meant for here, or does not say what it has to
//! ([`Reject`](crate::wire::Reject)). Invariants:
//!
//! - everything that a client sends or holds is bounded: bytes, time, connections, sessions, requests under way;
//! - a legacy client's disconnect ends nothing but its connection; a modern client's cancels its request;
//! - no lock is held across an await, and none is shared by all messages.

mod answers;
mod crew;
mod flights;
pub mod http;
mod job;
mod standing;
pub mod stdio;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A name for a legacy client's session, which says nothing of its id and no other session of this process has.
fn session_name(front: &str) -> Arc<str> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("{front}-{}", LAST.fetch_add(1, Ordering::Relaxed) + 1).into()
}
