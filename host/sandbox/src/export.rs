//! The two functions that the interface of a kind has: found once by their names, compared once with the types that the
//! adapter speaks, and then called as such.
//!
//! Comparing a function with a type takes about as long as a short call of it, and the outcome is the same for every
//! instance of one component: its functions are what its file says, and the one resource that they speak of is the
//! host's own. So it happens with the first instance, which is made when a plugin is loaded, and what is found for the
//! others is taken for granted. Wasmtime has no safe way to say so; this is one of the few modules of the crate
//! that hold unsafe code, and it is as long as it must be.

#![expect(unsafe_code, reason = "the types of functions are checked once for a component, not for each instance")]

use std::marker::PhantomData;
use std::sync::OnceLock;

use wasmtime::component::{ComponentExportIndex, Func, Instance, InstancePre, Resource, TypedFunc};
use wasmtime::{Store, format_err};

use crate::document::Document;
use crate::host::Host;
use crate::kind::Contract;
use crate::pace;
use crate::recycle;

/// What `configure` takes and gives.
type Configure = TypedFunc<(Resource<Document>,), (Result<(), String>,)>;

/// A component that is ready to be made, and where its functions are.
pub(crate) struct Exports<C> {
    pre: InstancePre<Host>,
    configure: ComponentExportIndex,
    decide: ComponentExportIndex,
    /// What readies its instances to be recycled, where the compiler saw that they can be.
    ready: Option<ComponentExportIndex>,
    /// Set when the functions of an instance were found to have the types of the kind.
    checked: OnceLock<()>,
    kind: PhantomData<fn() -> C>,
}

/// The functions of one instance. Their types were checked.
pub(crate) struct Guest<C> {
    configure: Func,
    decide: Func,
    instance: Instance,
    ready: Option<ComponentExportIndex>,
    kind: PhantomData<fn() -> C>,
}

impl<C: Contract> Exports<C> {
    /// Finds the functions by their names. `recyclable`: whether whoever compiled the component gave it tools; what it
    /// exports says nothing about that.
    pub(crate) fn find(pre: InstancePre<Host>, recyclable: bool) -> wasmtime::Result<Self> {
        let component = pre.component();
        let interface = component.get_export_index(None, C::INTERFACE);
        let interface = interface.ok_or_else(|| format_err!("it exports no interface `{}`", C::INTERFACE))?;
        let function = |name| {
            let found = component.get_export_index(Some(&interface), name);
            found.ok_or_else(|| format_err!("its `{}` has no function `{name}`", C::INTERFACE))
        };
        let (configure, decide) = (function("configure")?, function(C::DECIDES)?);
        let ready = component.get_export_index(None, recycle::READY).filter(|_| recyclable);
        Ok(Self { pre, configure, decide, ready, checked: OnceLock::new(), kind: PhantomData })
    }

    /// Whether its instances have what it takes to be put back.
    pub(crate) fn are_recyclable(&self) -> bool {
        self.ready.is_some()
    }

    /// Makes an instance in a store whose guests are stopped by the first deadline.
    pub(crate) fn make(&self, store: &mut Store<Host>) -> wasmtime::Result<Guest<C>> {
        let instance = self.pre.instantiate(&mut *store)?;
        self.guest(store, &instance)
    }

    /// Makes an instance in a store whose guests yield.
    pub(crate) async fn make_async(&self, store: &mut Store<Host>) -> wasmtime::Result<Guest<C>> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        self.guest(store, &instance)
    }

    fn guest(&self, store: &mut Store<Host>, instance: &Instance) -> wasmtime::Result<Guest<C>> {
        let function = |store: &mut Store<Host>, index: &ComponentExportIndex| {
            instance.get_func(store, index).ok_or_else(|| format_err!("`{}` exports no function", C::INTERFACE))
        };
        let (configure, decide) = (function(store, &self.configure)?, function(store, &self.decide)?);
        if self.checked.get().is_none() {
            configure.typed::<(Resource<Document>,), (Result<(), String>,)>(&*store)?;
            decide.typed::<C::Told<'static>, C::Said>(&*store)?;
            if let Some(ready) = self.ready {
                function(store, &ready)?.typed::<(u32,), (bool,)>(&*store)?;
            }
            let _ = self.checked.set(());
        }
        Ok(Guest { configure, decide, instance: *instance, ready: self.ready, kind: PhantomData })
    }
}

impl<C: Contract> Guest<C> {
    /// Readies it to be put back after each call; `false` where that cannot be.
    pub(crate) fn ready(&self, store: &mut Store<Host>) -> wasmtime::Result<bool> {
        let Some(function) = self.ready.and_then(|index| self.instance.get_func(&mut *store, index)) else {
            return Ok(false);
        };
        // SAFETY: as for `decide`; and no store has more instances than one (see `Runner::store`).
        unhurried(store, |store| unsafe { recycle::ready(store, function) })
    }

    /// Takes the settings, or says why not.
    pub(crate) fn configure(&self) -> Configure {
        // SAFETY: this is how `Exports::guest` found the function of an instance of the same component to be typed.
        unsafe { TypedFunc::new_unchecked(self.configure) }
    }

    /// Decides.
    pub(crate) fn decide<'a>(&self) -> TypedFunc<C::Told<'a>, C::Said> {
        // SAFETY: likewise; a lifetime is no part of what is compared.
        unsafe { TypedFunc::new_unchecked(self.decide) }
    }
}

/// Calls what is the host's own, straight and short: a machine that does other things meanwhile does not stop it, unless it
/// does for long.
fn unhurried<T>(
    store: &mut Store<Host>,
    call: impl FnOnce(&mut Store<Host>) -> wasmtime::Result<T>,
) -> wasmtime::Result<T> {
    // It takes microseconds. What takes longer than this is not held up, but stuck.
    const LONG_TICKS: u64 = 50;
    store.set_epoch_deadline(LONG_TICKS);
    let given = call(store);
    store.set_epoch_deadline(pace::TICKS);
    given
}
