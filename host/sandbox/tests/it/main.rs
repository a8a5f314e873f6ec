//! The sandbox against guests that mean harm, and against the standard plugins. No HTTP.

mod bench;
mod calls;
mod cancel;
mod deep;
mod environment;
mod faults;
mod files;
mod grants;
mod haste;
mod limits;
mod loading;
mod network;
mod probe;
mod reuse;
mod standard;
mod world;
