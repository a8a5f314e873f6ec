//! What a guest's memory holds when nothing was asked of it yet.
//!
//! A call writes a handful of pages: the top of its stack, a little data, the heap. Which ones is found by looking: a page
//! that is not what it was is written again. The kernel could be asked instead, and was tried: its answer takes twice as
//! long, and makes all threads of the process meet. Pages that nobody ever wrote are all the same page to the processor,
//! so looking at them costs little.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Component;

use super::grip::Pristine;

/// What is compared, and put back, at once. As large as a page of the usual processors, so that what nobody wrote stays
/// unwritten.
const PAGE: usize = 4096;
/// A longer memory is not put back: to look through it takes as long as to make an instance.
const MOST_BYTES: usize = 512 << 10;
/// A plugin whose settings fill more pages than these is made anew for each call, since it would keep them twice.
const MOST_OWN: usize = 32;

static ZEROS: [u8; PAGE] = [0; PAGE];

/// How many components' instances are kept to be compared with, and a place to look at one of any other.
#[derive(Debug)]
pub(crate) struct Bases {
    kept: Arc<Semaphore>,
    looking: Mutex<()>,
}

impl Bases {
    /// Of further components copies are kept.
    const KEPT: u32 = 64;
    /// All that there may be at once.
    pub(crate) const INSTANCES: u32 = Self::KEPT + 1;

    pub(super) fn new(kept: u32) -> Self {
        Self { kept: Arc::new(Semaphore::new(kept as usize)), looking: Mutex::default() }
    }
}

impl Default for Bases {
    fn default() -> Self {
        Self::new(Self::KEPT)
    }
}

/// The memory of a component's instances before they are configured. All plugins of the component share it.
///
/// It is that of an instance which is never asked anything. What nobody ever wrote, where it is and where others are, is
/// then the same in the memory of the machine, so that to compare the two reads it once, and takes half the room in a
/// processor's cache.
pub(crate) enum Base {
    Instance { pristine: Pristine, _place: OwnedSemaphorePermit },
    Copy(Box<[u8]>),
}

impl Base {
    /// `None` for one of which no instance can be made.
    pub(crate) fn of(component: &Component, bases: &Bases) -> Option<Self> {
        let pristine = || match Pristine::new(component) {
            Ok(pristine) => pristine,
            Err(why) => {
                tracing::warn!(
                    why = format!("{why:#}"),
                    "instances of a component are made anew for each call, since there is none to compare them with"
                );
                None
            }
        };
        if let Ok(place) = bases.kept.clone().try_acquire_owned() {
            return Some(Self::Instance { pristine: pristine()?, _place: place });
        }
        let _looking = bases.looking.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self::copy(pristine()?.bytes()))
    }

    fn copy(memory: &[u8]) -> Self {
        let used = memory.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last / PAGE + 1) * PAGE);
        Self::Copy(memory.get(..used).unwrap_or(memory).into())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Instance { pristine, .. } => pristine.bytes(),
            Self::Copy(bytes) => bytes,
        }
    }
}

/// One page of it; behind its end all is empty.
fn page(bytes: &[u8], page: usize) -> &[u8] {
    bytes.get(page * PAGE..(page + 1) * PAGE).unwrap_or(&ZEROS)
}

/// The memory of a plugin's instances when they were configured.
pub(crate) struct Image {
    base: Arc<Base>,
    length: usize,
    /// The pages that are not the component's, in order.
    own: Vec<(usize, Box<[u8]>)>,
}

impl Image {
    /// Whether a memory is not too long to be compared after each call.
    pub(super) fn may_be_of(memory: &[u8]) -> bool {
        memory.len() <= MOST_BYTES
    }

    /// `None` when too much of the memory is the plugin's own.
    pub(crate) fn of(base: &Arc<Base>, memory: &[u8]) -> Option<Self> {
        let before = base.bytes();
        let differs = |(at, bytes): &(usize, &[u8])| *bytes != page(before, *at);
        let own = memory.chunks(PAGE).enumerate().filter(differs).map(|(page, bytes)| (page, bytes.into()));
        let own: Vec<(usize, Box<[u8]>)> = own.take(MOST_OWN + 1).collect();
        (own.len() <= MOST_OWN).then(|| Self { base: base.clone(), length: memory.len(), own })
    }

    /// Whether both put back the same. Images of one component have one base.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.base, &other.base) && self.length == other.length && self.own == other.own
    }

    /// Makes a memory what it was. `None` when it has grown, which cannot be undone.
    pub(crate) fn lay(&self, memory: &mut [u8]) -> Option<()> {
        if memory.len() != self.length {
            return None;
        }
        let before = self.base.bytes();
        let mut own = self.own.iter().peekable();
        for (at, bytes) in memory.chunks_mut(PAGE).enumerate() {
            let was = own.next_if(|(own, _)| *own == at).map_or(page(before, at), |(_, bytes)| bytes);
            if *bytes != *was {
                bytes.copy_from_slice(was);
            }
        }
        Some(())
    }
}

/// The images of one component. Tenants with the same settings have the same: it is kept once.
#[derive(Default)]
pub(crate) struct Images(Mutex<Vec<Weak<Image>>>);

/// Of more, each is kept for itself: to look through them would take too long.
const MOST_SHARED: usize = 64;

impl Images {
    /// One that is equal, if there is one. Two that come at the same time may both be kept.
    pub(super) fn shared(&self, image: Arc<Image>) -> Arc<Image> {
        // Compared without the lock: others of the component may be loading.
        if let Some(equal) = self.there().into_iter().find(|there| there.is(&image)) {
            return equal;
        }
        let mut there = self.lock();
        if there.len() < MOST_SHARED {
            there.push(Arc::downgrade(&image));
        }
        image
    }

    fn there(&self) -> Vec<Arc<Image>> {
        let mut there = self.lock();
        there.retain(|image| image.strong_count() > 0);
        there.iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Image>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_becomes_what_it_was() {
        let mut memory = vec![0; 40 * PAGE];
        memory[3 * PAGE + 5] = 7;
        let base = Arc::new(Base::copy(&memory));
        assert_eq!(base.bytes().len(), 4 * PAGE);
        memory[PAGE] = 1;
        memory[3 * PAGE] = 2;
        memory[20 * PAGE] = 3;
        let was = memory.clone();
        let image = Image::of(&base, &memory).expect("little");
        assert_eq!(image.own.iter().map(|(page, _)| *page).collect::<Vec<_>>(), [1, 3, 20]);
        for byte in [0, PAGE, 2 * PAGE - 1, 3 * PAGE + 5, 20 * PAGE, 40 * PAGE - 1] {
            memory[byte] ^= 0xff;
            assert_eq!(image.lay(&mut memory), Some(()));
            assert!(memory == was, "byte {byte}");
        }
        memory.fill(0xff);
        assert_eq!(image.lay(&mut memory), Some(()));
        assert!(memory == was);
    }

    #[test]
    fn equal_images_are_kept_once() {
        let mut memory = vec![0; 4 * PAGE];
        let base = Arc::new(Base::copy(&memory));
        let images = Images::default();
        memory[PAGE] = 1;
        let mut image = |byte| {
            memory[PAGE] = byte;
            images.shared(Arc::new(Image::of(&base, &memory).expect("little")))
        };
        let (first, equal, other) = (image(1), image(1), image(2));
        assert!(Arc::ptr_eq(&first, &equal) && !Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn what_has_grown_is_left_alone_and_what_is_large_is_not_kept() {
        let mut memory = vec![0; 100 * PAGE];
        let image = Image::of(&Arc::new(Base::copy(&memory)), &memory).expect("little");
        assert_eq!(image.lay(&mut memory[..99 * PAGE]), None);
        memory.fill(1);
        assert!(Image::of(&image.base, &memory).is_none());
        assert!(Image::may_be_of(&vec![0; MOST_BYTES]) && !Image::may_be_of(&vec![0; MOST_BYTES + 1]));
    }
}
