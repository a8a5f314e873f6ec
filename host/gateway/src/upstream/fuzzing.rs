//! Doors for the fuzz targets (`tests/fuzz`) to code that servers' bytes reach, and nothing else: what they do is what
//! the links do. Production code has no business here.

use bytes::Bytes;
use http::HeaderMap;
use witgate_policy::{Payload, json};

use super::envelope;
use super::http::{header, sse};

/// The data of the server-sent events in a stream that comes in these pieces; `None` when one is longer than that.
pub fn events(pieces: &[&[u8]], max_bytes: usize) -> Option<Vec<Bytes>> {
    let mut parser = sse::Parser::new(max_bytes);
    let mut found = Vec::new();
    for piece in pieces {
        parser.push(piece).ok()?;
        found.extend(std::iter::from_fn(|| parser.next()));
    }
    Some(found)
}

/// How many messages a server's bytes are; `None` when they are refused.
pub fn messages(bytes: Bytes, limits: json::Limits) -> Option<usize> {
    envelope::decode(bytes, limits).ok().map(|messages| messages.len())
}

/// A request as a server gets it.
pub fn request(id: u64, method: &str, params: &Payload) -> String {
    envelope::request(id, method, params)
}

/// The headers with which a modern server gets it.
pub fn headers(method: &str, params: &Payload, tool: Option<&Payload>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    header::describe(&mut headers, method, params, tool);
    headers
}
