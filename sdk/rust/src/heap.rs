//! The memory that a guest allocates.
//!
//! A call begins with a dozen short texts that the host lowers into the guest, and each of them is allocated, and freed
//! when the call ends. Short pieces are kept in lists here, one for each of some sizes, and given out again by them: nothing
//! is searched for, split or joined. They come from what the linker left between a module's data and the end of its first
//! memory, which the standard library's allocator leaves alone: it begins with 64 KiB of its own, and since the host looks at
//! all of a guest's memory after each call, that would cost every call.
//!
//! All that is longer is the standard library's. So an instance that is kept needs of each short size what its greediest
//! call needs, and of the rest no more than without this.
//!
//! Only for `wasm32-unknown-unknown`: with WASI there is a C library, whose allocator takes the leftover itself.

#![expect(unsafe_code, reason = "an allocator is handed memory, by the linker and by the other one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{null_mut, with_exposed_provenance_mut};

#[global_allocator]
static HEAP: Heap = Heap { free: [const { Cell::new(null_mut()) }; LISTS], rest: Cell::new(Rest::Unseen) };

/// What every short piece is a multiple of, and aligned to.
const UNIT: usize = 16;
/// Up to here there is a list for each multiple of the unit.
const FINE: usize = 1 << 10;
/// Beyond, one for each of these, and what is longer is not short.
const COARSE: usize = 1 << 8;
const SHORT: usize = 2 << 10;
const LISTS: usize = FINE / UNIT + (SHORT - FINE) / COARSE;
/// The engine's page. A leftover of as much is not touched: other versions of the standard library's allocator begin with
/// it, and none begins with less.
const PAGE: usize = 64 << 10;
/// What is asked for when the linker's leftover is used up.
const MORE: Layout = match Layout::from_size_align(8 << 10, UNIT) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

unsafe extern "C" {
    /// Where the module's own data ends: the linker's.
    static mut __heap_base: u8;
    /// Where the memory that it starts with ends: the linker's.
    static mut __heap_end: u8;
}

struct Heap {
    /// Pieces that were freed: each holds the place of the next.
    free: [Cell<*mut u8>; LISTS],
    /// What was never given out.
    rest: Cell<Rest>,
}

#[derive(Clone, Copy)]
enum Rest {
    /// The linker's leftover, all of it.
    Unseen,
    /// So many bytes from here.
    From(*mut u8, usize),
}

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

/// The list of a short piece, and what its pieces measure.
fn list(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size();
    if layout.align() > UNIT || size > SHORT {
        return None;
    }
    if size <= FINE {
        let units = size.div_ceil(UNIT).max(1);
        return Some((units - 1, units * UNIT));
    }
    let steps = (size - FINE).div_ceil(COARSE);
    Some((FINE / UNIT + steps - 1, FINE + steps * COARSE))
}

impl Heap {
    /// A piece that was never given out.
    #[cold]
    fn fresh(&self, size: usize) -> *mut u8 {
        let (mut start, mut left) = match self.rest.get() {
            Rest::From(start, left) => (start, left),
            Rest::Unseen => {
                let (base, end) = ((&raw mut __heap_base).expose_provenance(), (&raw mut __heap_end).addr());
                let start = base.next_multiple_of(UNIT);
                let left = end.saturating_sub(start);
                (with_exposed_provenance_mut(start), if left < PAGE { left } else { 0 })
            }
        };
        if left < size {
            // SAFETY: the layout is not empty.
            start = unsafe { System.alloc(MORE) };
            if start.is_null() {
                return start;
            }
            left = MORE.size();
        }
        self.rest.set(Rest::From(start.wrapping_add(size), left - size));
        start
    }
}

// SAFETY: a short piece is given out once until it is freed, is as long as its list says, which is no less than was asked
// for, and aligned to the unit; what is not short is the other allocator's from beginning to end, which only size and
// alignment decide.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((list, size)) = list(layout) else {
            // SAFETY: as the caller says.
            return unsafe { System.alloc(layout) };
        };
        let free = &self.free[list];
        let first = free.get();
        if first.is_null() {
            return self.fresh(size);
        }
        // SAFETY: a piece in a list holds the place of the next.
        free.set(unsafe { first.cast::<*mut u8>().read() });
        first
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let Some((list, _)) = list(layout) else {
            // SAFETY: as the caller says; it came from there.
            return unsafe { System.dealloc(piece, layout) };
        };
        // SAFETY: it is nobody's any more, and a unit long at least.
        unsafe { piece.cast::<*mut u8>().write(self.free[list].get()) };
        self.free[list].set(piece);
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        // SAFETY: the size is not zero and fits, as the caller says.
        let wanted = unsafe { Layout::from_size_align_unchecked(new, layout.align()) };
        match (list(layout), list(wanted)) {
            (None, None) => {
                // SAFETY: as the caller says; it came from there.
                return unsafe { System.realloc(piece, layout, new) };
            }
            (Some((old, _)), Some((new, _))) if old == new => return piece,
            _ => {}
        }
        // SAFETY: as the caller says.
        let moved = unsafe { self.alloc(wanted) };
        if !moved.is_null() {
            // SAFETY: both are as long as that, and apart; the old one is the caller's to free.
            unsafe {
                piece.copy_to_nonoverlapping(moved, layout.size().min(new));
                self.dealloc(piece, layout);
            }
        }
        moved
    }
}
