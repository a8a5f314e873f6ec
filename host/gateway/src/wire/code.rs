//! The JSON-RPC error codes that the gate itself writes.
//!
//! Those of JSON-RPC and of MCP with their specified meaning only; the gate's own lie outside the range that JSON-RPC
//! reserves (-32768 to -32000), as 2026-07-28 asks (basic, error codes), and end in the HTTP status that they are like.

/// Not JSON, or JSON that two parsers could read differently.
pub const PARSE_ERROR: i32 = -32700;
/// Not a JSON-RPC message, or one that does not belong here.
pub const INVALID_REQUEST: i32 = -32600;
/// Nothing behind the gate has this method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The parameters are at fault, or name what does not exist.
pub const INVALID_PARAMS: i32 = -32602;
/// No such resource; up to 2025-11-25 only.
pub const RESOURCE_NOT_FOUND: i32 = -32002;
/// HTTP headers and message disagree (2026-07-28).
pub const HEADER_MISMATCH: i32 = -32020;
/// The client did not declare what the request needs (2026-07-28).
pub const MISSING_CAPABILITY: i32 = -32021;
/// The message is of a revision that is not spoken here (2026-07-28).
pub const UNSUPPORTED_VERSION: i32 = -32022;
/// No usable proof of who is calling.
pub const UNAUTHENTICATED: i32 = -31401;
/// Known, but not allowed, or not with these scopes.
pub const FORBIDDEN: i32 = -31403;
/// No such session any more.
pub const SESSION_NOT_FOUND: i32 = -31404;
/// More bytes than are taken.
pub const TOO_LARGE: i32 = -31413;
/// A quota is used up.
pub const EXHAUSTED: i32 = -31429;
/// A policy, or the gate itself, failed.
pub const FAULT: i32 = -31500;
/// Nothing can answer now.
pub const UNAVAILABLE: i32 = -31503;
/// No answer in time.
pub const TIMEOUT: i32 = -31504;
