//! A fresh instance without making one: an instance that has answered is put back to where it was when it had just been
//! configured, and serves the next call of its plugin.
//!
//! To make an instance and to end it takes several times as long as most decisions. But all that a small guest can change
//! is one memory and a few numbers, which are put back in a fraction of that. The next call finds every byte as a new
//! instance would have it, so this is no reuse: nothing that one call left can be seen by another. What is put back is
//! the state after `configure`, so settings are read once and not for each call.
//!
//! ```text
//! with_tools(component)     before it is compiled, by whoever compiles: looks through all of it, and adds two functions
//! Base::of(memory)          of a component's first instance, before it is configured
//! Image::of(base, memory)   of a plugin's first instance, when it was
//! Image::lay(memory)        after each call
//! ```
//!
//! Only components are recycled of which it was seen that there is nothing else to put back (all others are made anew
//! for each call): one module with one memory, instantiated once, whose globals that change are numbers; no code that
//! changes tables or drops segments, no start function, no resources, tasks or modules but its own. And only plugins
//! that were linked with nothing but the contract's types, after calls that were made at once, ended with an answer that
//! was accepted, left no document undropped and dropped the last that they were given first, so that the host's table of
//! handles is as it was, too. A memory that has grown is not put back.
//!
//! Invariants:
//! - what a call can see of earlier ones is what is in the image: nothing;
//! - all of the memory is looked at, and no assumption is made of what a guest writes;
//! - no component gets far with functions that are named as the tools are: it is refused before it is compiled.

mod component;
mod image;
mod memory;
mod module;
#[cfg(test)]
mod tests;
mod touch;

use std::borrow::Cow;

pub(crate) use image::{Base, Image, Images};
pub(crate) use memory::Remembered;
pub(crate) use touch::{Hand, Lay, Touch};

/// How the names of the tools begin, which no component may have itself.
pub(crate) const OWN: &str = "witgate-recycle";
/// `func() -> bool`: whether all numbers are as they were in the beginning.
pub(crate) const STEADY: &str = "witgate-recycle-steady";
/// `func(place: u32)`: puts them back. Its argument is how the host gets at the memory.
pub(crate) const AGAIN: &str = "witgate-recycle-again";

/// Why a component gets no tools.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    /// It has more to put back, or may have.
    #[error("{0}")]
    Form(&'static str),
    /// It cannot be read: whoever compiles it will say so better.
    #[error(transparent)]
    Unread(#[from] wasmparser::BinaryReaderError),
    /// It has a name that is not its own to give.
    #[error("it exports `{0}`; names that begin with `{OWN}` are the host's")]
    Name(String),
}

/// The component that is to be compiled: with tools where it can be recycled, else as it is. The error is why it cannot
/// be used at all.
pub(crate) fn with_tools(component: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    match component::with_tools(component) {
        Ok(with_tools) => Ok(Cow::Owned(with_tools)),
        Err(why @ Unfit::Name(_)) => Err(why.to_string()),
        Err(why) => {
            tracing::debug!(%why, "a component is not recycled");
            Ok(Cow::Borrowed(component))
        }
    }
}
