//! Upstreams, each test against a server that it plays itself.

mod builtin;
mod http;
mod level;
mod own;
mod pipe;
mod stdio;
mod support;
mod watch;
