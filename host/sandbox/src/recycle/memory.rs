//! What one plugin's instances are put back to: seen once, of the first that was made.

use std::sync::{Arc, OnceLock};

use wasmtime::Store;

use crate::component::Compiled;
use crate::export::Guest;
use crate::host::Host;
use crate::kind::Contract;

use super::{Base, Bases, Image, memory};

/// The image of one plugin.
pub(crate) struct Remembered {
    component: Arc<Compiled>,
    bases: Arc<Bases>,
    /// `None` in it: it was seen that they cannot be put back.
    image: OnceLock<Option<Arc<Image>>>,
}

impl Remembered {
    pub(crate) fn new(component: &Arc<Compiled>, bases: &Arc<Bases>) -> Self {
        Self { component: component.clone(), bases: bases.clone(), image: OnceLock::new() }
    }

    /// What they are put back to, if it was seen and they can be.
    pub(crate) fn image(&self) -> Option<&Image> {
        self.image.get()?.as_deref()
    }

    /// Readies an instance that was just configured to be put back, and looks at the first. What else than its memory has
    /// changed cannot be put back. An instance with which that fails is of no use.
    pub(crate) fn ready<C: Contract>(&self, guest: &Guest<C>, store: &mut Store<Host>) -> wasmtime::Result<()> {
        if self.image.get().is_some_and(Option::is_none) {
            return Ok(());
        }
        store.data_mut().end();
        let still = store.data().is_tidy() && guest.ready(store)?;
        self.image.get_or_init(|| if still { self.see(store) } else { None });
        Ok(())
    }

    fn see(&self, store: &mut Store<Host>) -> Option<Arc<Image>> {
        let memory = memory(store).filter(|memory| Image::may_be_of(memory))?;
        let base = self.component.base.get_or_init(|| Base::of(&self.component.code, &self.bases).map(Arc::new));
        let image = Image::of(base.as_ref()?, memory)?;
        Some(self.component.images.shared(Arc::new(image)))
    }
}
