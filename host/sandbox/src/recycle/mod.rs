//! A fresh instance without making one: an instance that has answered is put back to where it was when it had just been
//! configured, and serves the next call of its plugin.
//!
//! To make an instance and to end it takes several times as long as most decisions. But all that a small guest can change
//! is one memory and a few numbers, which are put back in a fraction of that. The next call finds every byte as a new
//! instance would have it, so this is no reuse: nothing that one call left can be seen by another. What is put back is
//! the state after `configure`, so settings are read once and not for each call.
//!
//! ```text
//! prepare(weight, component)  before it is compiled, by whoever compiles: looks through all of it, and adds the tools
//! Base::of(component)         of an instance that nobody configures, once for a component
//! ready(store)                of an instance that was just configured: its calls put back its numbers from now on
//! Image::of(base, memory)     of a plugin's first instance
//! Image::lay(memory)          after each call
//! ```
//!
//! Numbers are put back by the guest itself ([`tools`]), behind what a call runs last: the function that frees the answer,
//! or the one that gave it. The host puts back the memory, of which it knows where it is ([`grip`]), so that
//! nothing has to be called for it.
//!
//! Only components are recycled of which it was seen that there is nothing else to put back (all others are made anew
//! for each call): one module with one memory, instantiated once, whose globals that change are numbers; no code that
//! changes tables or drops segments, no start function, no resources, tasks or modules but its own; and nothing that
//! came to WebAssembly later than what was looked at here ([`KNOWN`]). And only plugins
//! that were linked with nothing but the contract's types, after calls that were made at once, ended with an answer that
//! was accepted, left no document undropped and dropped the last that they were given first, so that the host's table of
//! handles is as it was, too. A memory that has grown is not put back.
//!
//! Invariants:
//! - what a call can see of earlier ones is what is in the image: nothing;
//! - all of the memory is looked at, and no assumption is made of what a guest writes;
//! - with whatever function of a guest a call may end, its numbers are put back behind it, and never in the middle of a
//!   call: a component is not recycled when one of those is not the module's own, or may be called at other times;
//! - a component has tools when whoever compiled it says so, never because of what it exports;
//! - no component has a name that begins as those of the tools do, whatever else it is: it is refused before it is
//!   compiled, and again when it was;
//! - where the tools are is counted by the validator that the compiler counts with.

mod component;
mod grip;
mod image;
#[cfg(test)]
mod judged;
mod memory;
mod module;
#[cfg(test)]
mod tests;
mod tools;

use std::borrow::Cow;

use wasmparser::WasmFeatures;

use crate::engine::Weight;

pub(crate) use grip::{Grip, memory, ready};
pub(crate) use image::{Base, Bases, Image, Images};
pub(crate) use memory::Remembered;

/// Goes up with every change of what is recycled, or of the tools: what an earlier judge let pass is judged again.
pub(crate) const REVISION: u32 = 3;

/// How the names of the tools begin, which no component may have itself.
const OWN: &str = "witgate-recycle";
/// `func(place: u32) -> bool`: whether all numbers are as they were in the beginning; if so, they are put back after each
/// call from now on. Its argument is how the host sees where the memory is.
pub(crate) const READY: &str = "witgate-recycle-ready";

/// What of WebAssembly a component may use that is recycled. What came later, as structs, exceptions, threads or a second
/// memory, may be changed in ways that nobody looks for here.
const KNOWN: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::COMPONENT_MODEL)
    .difference(WasmFeatures::GC_TYPES);

/// Why a component gets no tools.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    /// It has more to put back, or may have.
    #[error("{0}")]
    Form(&'static str),
    /// It cannot be read, or uses what is not [`KNOWN`]: whoever compiles it will say so better, or compile it.
    #[error(transparent)]
    Unread(#[from] wasmparser::BinaryReaderError),
}

/// A component as it is to be compiled.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) component: Cow<'a, [u8]>,
    /// Whether its instances can be recycled: it was given the tools.
    pub(crate) recyclable: bool,
}

/// The component that is to be compiled: with tools where it can be recycled, else as it is. The error is why it cannot
/// be used at all.
pub(crate) fn prepare(weight: Weight, component: &[u8]) -> Result<Prepared<'_>, String> {
    // Of one that cannot be read the compiler says why; one that it reads otherwise is looked at again when it has.
    if let Ok(names) = component::names(component) {
        names.into_iter().try_for_each(may_be_named)?;
    }
    if weight == Weight::Light {
        match component::with_tools(component) {
            Ok(with_tools) => return Ok(Prepared { component: Cow::Owned(with_tools), recyclable: true }),
            Err(why) => tracing::debug!(%why, "a component is not recycled"),
        }
    }
    Ok(Prepared { component: Cow::Borrowed(component), recyclable: false })
}

/// Whether something that a component imports or exports may have this name; the error says why not.
pub(crate) fn may_be_named(name: &str) -> Result<(), String> {
    // Names that differ only in case are one name to a validator.
    match name.get(..OWN.len()) {
        Some(begin) if begin.eq_ignore_ascii_case(OWN) => {
            Err(format!("it names something `{name}`; names that begin with `{OWN}` are the host's"))
        }
        _ => Ok(()),
    }
}
