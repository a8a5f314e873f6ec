//! Plugins' requests against real servers, a real DNS and real certificates.

mod bounds;
mod grants;
mod log;
mod names;
mod secrets;
mod tls;
mod world;
