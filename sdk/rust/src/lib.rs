//! What a [Witgate](https://github.com/witgate/witgate) plugin in Rust starts from.
//!
//! A plugin is a WebAssembly component that Witgate asks for one kind of decision. Here it is a type: [`Plugin`] makes
//! it from its settings, a trait for each kind makes the decision, and [`export!`] makes the component of it.
//!
//! | kind | trait | decides |
//! |---|---|---|
//! | `auth` | [`auth::Authenticator`] | who is calling |
//! | `credential` | [`credential::Provider`] | what an upstream is shown |
//! | `validate` | [`validate::Validator`] | whether, and with which arguments, a call goes in |
//! | `route` | [`route::Router`] | which upstream answers |
//! | `retry` | [`retry::Strategy`] | what happens after a failed attempt |
//! | `sanitize` | [`sanitize::Sanitizer`] | what comes out |
//!
//! A whole plugin, which keeps some tools for callers with a scope:
//!
//! ```
//! use serde::Deserialize;
//! use witgate_sdk::validate::{Validator, Verdict};
//! use witgate_sdk::{Call, Document, Identity, Plugin, Refusal};
//!
//! /// Settings: `{"tools": ["delete_*"], "scope": "admin"}`
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Guarded {
//!     tools: Vec<witgate_sdk::Glob>,
//!     scope: String,
//! }
//!
//! impl Plugin for Guarded {
//!     type Settings = Self;
//!     fn configure(settings: Self) -> Result<Self, String> {
//!         Ok(settings)
//!     }
//! }
//!
//! impl Validator for Guarded {
//!     fn validate(&self, call: &Call, caller: &Identity, _: Option<&Document>, _: &Document) -> Verdict {
//!         let tool = call.target.as_deref().unwrap_or_default();
//!         if self.tools.iter().any(|glob| glob.matches(tool)) && !caller.has_scope(&self.scope) {
//!             return Refusal::forbidden("this tool needs a scope that you do not have").into();
//!         }
//!         Verdict::Accept
//!     }
//! }
//!
//! witgate_sdk::export!(Guarded as validate);
//! ```
//!
//! Its `Cargo.toml` says `[lib] crate-type = ["cdylib"]` and depends on `serde` and this crate; then
//! `cargo build --release --target wasm32-wasip2` (or `wasm32-unknown-unknown` with `wasm-component-ld` as its linker)
//! makes the component.
//!
//! Its tests are plain `cargo test`, with neither host nor Wasm: a [`Document`] can be made from text, a [`Call`] and
//! an [`Identity`] from `Default`, [`configure`] takes settings as the host would give them, and [`counter::Memory`]
//! counts in the host's stead.
//!
//! A component for `wasm32-unknown-unknown` gets an allocator that suits short calls. One that brings its own leaves out
//! the feature `heap`.
//!
//! Invariants: nothing here imports what a plugin did not ask for (no WASI; `witgate:counter` only by those who use
//! [`counter::Host`]); a decision without settings is impossible; wrong settings are an error that names the setting.

// The bindings' macros name this crate, so that they work from inside and outside.
extern crate self as witgate_sdk;

#[doc(hidden)]
pub mod bindings;
pub mod counter;
mod document;
mod export;
mod glob;
#[cfg(any(
    test,
    all(target_arch = "wasm32", target_os = "unknown", not(target_feature = "atomics"), feature = "heap")
))]
mod heap;
pub mod json;
mod key;
mod kinds;
mod plugin;
pub mod time;
mod types;

#[doc(hidden)]
pub use wit_bindgen;

pub use document::Document;
pub use glob::Glob;
pub use key::Key;
pub use kinds::{auth, credential, retry, route, sanitize, validate};
pub use plugin::{Plugin, configure};
pub use types::{Call, Claim, Edit, Finding, Identity, Refusal, RefusalCode};

#[doc(hidden)]
pub use plugin::Slot;

/// The first plugin of the project's README, held to what compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
