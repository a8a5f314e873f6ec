//! The fronts, with real connections on one side and plugins and servers that are closures on the other.

mod http;
mod rejects;
mod session;
mod stdio;
mod support;
