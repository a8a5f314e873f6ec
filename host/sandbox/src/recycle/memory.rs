//! What one plugin's instances are put back to: seen once, of the first that was made.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmtime::Store;

use crate::component::Compiled;
use crate::export::Guest;
use crate::host::Host;
use crate::kind::Contract;

use super::touch::Look;
use super::{Base, Image};

/// The image of one plugin.
pub(crate) struct Remembered {
    component: Arc<Compiled>,
    /// `None` in it: it was seen that they cannot be put back.
    image: OnceLock<Option<Arc<Image>>>,
}

impl Remembered {
    pub(crate) fn new(component: &Arc<Compiled>) -> Self {
        Self { component: component.clone(), image: OnceLock::new() }
    }

    /// What they are put back to, if it was seen and they can be.
    pub(crate) fn image(&self) -> Option<&Image> {
        self.image.get()?.as_deref()
    }

    /// Looks at an instance that is not configured yet; `None` when nothing is to be seen, or was seen before. An
    /// instance with which that fails is of no use.
    pub(crate) fn before<C: Contract>(
        &self,
        guest: &Guest<C>,
        store: &mut Store<Host>,
    ) -> wasmtime::Result<Option<Arc<Base>>> {
        if self.image.get().is_some() {
            return Ok(None);
        }
        let base = if let Some(base) = self.component.base.get() {
            base.clone()
        } else {
            let base = seen(guest, store, Base::of)?;
            self.component.base.get_or_init(|| base).clone()
        };
        if base.is_none() {
            let _ = self.image.set(None);
        }
        Ok(base)
    }

    /// Looks at it when it was configured. What else than its memory has changed cannot be put back.
    pub(crate) fn after<C: Contract>(
        &self,
        base: &Arc<Base>,
        guest: &Guest<C>,
        store: &mut Store<Host>,
    ) -> wasmtime::Result<()> {
        store.data_mut().end();
        let still = store.data().is_tidy() && guest.is_steady(store)?;
        let image = if still { seen(guest, store, |memory| Image::of(base, memory))? } else { None };
        let _ = self.image.set(image.map(|image| self.component.images.shared(image)));
        Ok(())
    }
}

fn seen<C: Contract, T: Send>(
    guest: &Guest<C>,
    store: &mut Store<Host>,
    see: impl Fn(&[u8]) -> Option<T> + Send + Sync,
) -> wasmtime::Result<Option<Arc<T>>> {
    let look = Look { see, seen: Mutex::default() };
    guest.again(store, &look)?;
    Ok(look.seen.into_inner().unwrap_or_else(PoisonError::into_inner).map(Arc::new))
}
