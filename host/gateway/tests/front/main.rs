//! The fronts, with real connections on one side and plugins and servers that are closures on the other.

mod asks;
mod batch;
mod http;
mod listen;
mod rejects;
mod resume;
mod session;
mod stdio;
mod strict;
mod support;
