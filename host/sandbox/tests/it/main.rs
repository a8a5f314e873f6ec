//! The sandbox against guests that mean harm, and against the standard plugins. No HTTP.

mod bench;
mod calls;
mod cancel;
mod faults;
mod grants;
mod limits;
mod loading;
mod reuse;
mod standard;
mod world;
