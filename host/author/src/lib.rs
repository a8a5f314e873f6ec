//! What helps an author of plugins, without a sandbox to run them in.
//!
//! ```text
//! Language::all()                          the languages that a plugin can be begun in: sdk/<language>
//! scaffold::create(folder, manifest, …)    a new project: template, contract, cases
//! Project::open(folder)                    one that is there: plugin.toml
//! build::build(project, say)               runs the language's own tools, and makes plugin.wasm
//! bindings, component                      what the tools of some languages cannot do by themselves
//! ```
//!
//! All that is needed is in the program: the templates and the contract were embedded when it was built. What differs
//! from language to language is data, in `sdk/<language>/language.toml`; nothing here names one.
//!
//! Invariants: nothing is written over; a program that is missing is named with how to get it, all of them at once.

pub mod bindings;
pub mod build;
pub mod component;
pub mod contract;
mod crates;
mod error;
mod files;
mod hidden;
mod language;
mod noop;
pub mod project;
pub mod scaffold;

pub use error::Error;
pub use files::File;
pub use language::Language;
pub use noop::noop;
pub use project::{Manifest, Project};
