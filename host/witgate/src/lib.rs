//! The binary's rooms: the command line, generations and their reload, telemetry.
//!
//! A configuration file becomes a [`Config`](witgate_config::Config) of real types; that and the plugins become a
//! generation of the gateway; a changed file becomes the next one. `main.rs` only starts [`cli`].

mod case;
pub mod cli;
pub mod confine;
pub mod control;
pub mod generation;
pub mod import;
mod recording;
pub mod reload;
pub mod surroundings;
pub mod telemetry;
