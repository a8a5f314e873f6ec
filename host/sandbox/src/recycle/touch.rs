//! How the host gets at a guest's memory: while it lowers an argument, as it does for every string that it hands over.
//!
//! Wasmtime hands a component's memory to nobody but to what lowers a value into it, and such a thing is unsafe to write,
//! since a value that is lowered wrongly would be believed. This one is lowered as the number 0, and touches the memory
//! as a slice on the way.

#![expect(unsafe_code, reason = "the one way to a component's memory is to lower a value; this one is a number")]

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::{ComponentType, Lower};

use super::image::Image;

/// Something that is done with a memory.
pub(crate) trait Hand: Send + Sync {
    /// Does it.
    fn touch(&self, memory: &mut [u8]);
}

/// Looks at a memory.
pub(super) struct Look<F, T> {
    pub(super) see: F,
    pub(super) seen: Mutex<Option<T>>,
}

impl<T: Send, F: Fn(&[u8]) -> Option<T> + Send + Sync> Hand for Look<F, T> {
    fn touch(&self, memory: &mut [u8]) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (self.see)(memory);
    }
}

/// Puts a memory back.
pub(crate) struct Lay<'a> {
    pub(crate) image: &'a Image,
    pub(crate) done: AtomicBool,
}

impl Hand for Lay<'_> {
    fn touch(&self, memory: &mut [u8]) {
        self.done.store(self.image.lay(memory).is_some(), Ordering::Relaxed);
    }
}

/// A `u32` that touches the memory of the function that it is given to; the function has to have one.
pub(crate) struct Touch<'a, H>(pub(crate) &'a H);

// SAFETY: in all that matters it is a `u32`: what it lowers to, its form, and the type that it is checked against.
unsafe impl<H: Hand> ComponentType for Touch<'_, H> {
    type Lower = <u32 as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <u32 as ComponentType>::ABI;
    const MAY_REQUIRE_REALLOC: bool = false;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        u32::typecheck(ty, types)
    }
}

// SAFETY: it is lowered by a `u32`, after the memory was touched, which is safe: it is a slice of bytes, and those are
// the guest's to begin with.
unsafe impl<H: Hand> Lower for Touch<'_, H> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        self.0.touch(cx.as_slice_mut());
        0_u32.linear_lower_to_flat(cx, ty, dst)
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        0_u32.linear_lower_to_memory(cx, ty, offset)
    }
}
