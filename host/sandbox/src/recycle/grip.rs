//! Where a guest's memory is.
//!
//! Wasmtime hands a component's memory to nobody but to what lowers a value into it, and such a thing is unsafe to write,
//! since a value that is lowered wrongly would be believed. This one is lowered as the number 0, and notes on the way
//! where the memory is. There it stays as long as its store lives, for the pool never moves one, and nothing at all moves
//! one that does not grow. So it is noted once for an instance, and not looked for after each call, which would take as
//! long as a small decision.

#![expect(unsafe_code, reason = "the one way to a component's memory is to lower a value; this one is a number")]

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use wasmtime::Store;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::{Component, ComponentType, Linker, Lower, TypedFunc};

use crate::host::Host;

use super::READY;

/// Where the memory of an instance is, and how long it was then.
#[derive(Debug)]
pub(crate) struct Grip {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: it is a place. Who may read or write there is said where that is done.
unsafe impl Send for Grip {}
// SAFETY: likewise.
unsafe impl Sync for Grip {}

/// A `u32` that notes where the memory is of the function that it is given to; the function has to have one.
struct Touch<'a>(&'a Mutex<Option<Grip>>);

// SAFETY: in all that matters it is a `u32`: what it lowers to, its form, and the type that it is checked against.
unsafe impl ComponentType for Touch<'_> {
    type Lower = <u32 as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <u32 as ComponentType>::ABI;
    const MAY_REQUIRE_REALLOC: bool = false;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        u32::typecheck(ty, types)
    }
}

// SAFETY: it is lowered by a `u32`; that it looks where the memory is changes nothing.
unsafe impl Lower for Touch<'_> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        let memory = cx.as_slice_mut();
        let length = memory.len();
        let grip = NonNull::new(memory.as_mut_ptr()).map(|start| Grip { start, length });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = grip;
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

/// What [`READY`] takes and gives.
type Ready<'a> = TypedFunc<(Touch<'a>,), (bool,)>;

/// Calls the tool; where its memory is when it says `true`.
fn call<'a, T>(
    store: &mut Store<T>,
    ready: &Ready<'a>,
    seen: &'a Mutex<Option<Grip>>,
) -> wasmtime::Result<Option<Grip>> {
    let (ready,) = ready.call(store, (Touch(seen),))?;
    Ok(seen.lock().unwrap_or_else(PoisonError::into_inner).take().filter(|_| ready))
}

/// Readies an instance to be put back after each call, if its numbers are as they were in the beginning: these it puts
/// back itself from now on, and its [`memory`] is found. Whether they are.
///
/// # Safety
///
/// The function is of the store's only instance, and takes and gives what a [`READY`] does.
pub(crate) unsafe fn ready(store: &mut Store<Host>, ready: wasmtime::component::Func) -> wasmtime::Result<bool> {
    let seen = Mutex::default();
    // SAFETY: as was asked for; what notes the place is lowered as the `u32` that the function takes.
    let grip = call(store, &unsafe { TypedFunc::new_unchecked(ready) }, &seen)?;
    let found = grip.is_some();
    store.data_mut().hold(grip);
    Ok(found)
}

/// The memory of a store's instance that was readied; `None` for any other, and for one that has grown since.
pub(crate) fn memory(store: &mut Store<Host>) -> Option<&mut [u8]> {
    let host = store.data();
    let Grip { start, length } = *host.grip()?;
    // It has one memory, which is all that the store's limiter counts.
    if host.account.memory_bytes() != length {
        return None;
    }
    // SAFETY: the store lives, and this is where the memory of its instance was, for its `Host` stays in it. The memory
    // has not grown since, so it is there, and as long as that. The store is borrowed as long as the slice is, so that no
    // guest runs meanwhile, and nobody else gets at its memory.
    Some(unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), length) })
}

/// An instance that nobody asks anything, and whose memory nobody writes: as it was when it was made.
pub(crate) struct Pristine {
    grip: Grip,
    /// Keeps the memory.
    _store: Store<()>,
}

impl Pristine {
    /// Makes one; `None` when it has no memory that can be kept. It runs nothing but the tool, for it has no start
    /// function, and so what it imports need not be there.
    pub(super) fn new(component: &Component) -> wasmtime::Result<Option<Self>> {
        let mut linker = Linker::new(component.engine());
        linker.define_unknown_imports_as_traps(component)?;
        let mut store = Store::new(component.engine(), ());
        // The tool takes a few instructions.
        store.set_epoch_deadline(u64::from(u32::MAX));
        let instance = linker.instantiate(&mut store, component)?;
        let seen = Mutex::default();
        let ready: Ready<'_> = instance.get_typed_func(&mut store, READY)?;
        let grip = call(&mut store, &ready, &seen)?;
        Ok(grip.map(|grip| Self { grip, _store: store }))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the store lives as long as the slice, and this is where the memory of its instance is, for nothing was
        // called since, nor can be: nobody has the store. So nobody writes there either.
        unsafe { std::slice::from_raw_parts(self.grip.start.as_ptr(), self.grip.length) }
    }
}
