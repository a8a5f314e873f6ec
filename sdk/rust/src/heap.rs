//! The memory that a guest allocates.
//!
//! A call begins with a dozen short texts that the host lowers into the guest, and each of them is allocated, and freed
//! when the call ends. Short pieces are kept in lists here, one for each of some sizes, and given out again by them: nothing
//! is searched for, split or joined. They come from what the linker left between a module's data and the end of its first
//! memory, which the standard library's allocator leaves alone: it begins with 64 KiB of its own, and since the host looks at
//! all of a guest's memory after each call, that would cost every call. An instance whose memory grew within a call is not
//! even looked at but made anew.
//!
//! So long pieces, a document and what is made of it, come from there too as long as there is room: from its end, while short
//! ones come from its beginning. The last that was given out can be given back and can grow, and once all are back there is
//! as much room as in the beginning. What finds no room is the standard library's. So an instance that is kept needs of each
//! short size what its greediest call needs, and of the rest no more than the leftover above what it would need without this.
//!
//! Only for `wasm32-unknown-unknown`: with WASI there is a C library, whose allocator takes the leftover itself.

#![expect(unsafe_code, reason = "an allocator is handed memory, by the linker and by the other one")]
#![expect(clippy::cast_ptr_alignment, reason = "each piece is aligned to the unit")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;

/// What every piece is a multiple of, and aligned to.
const UNIT: usize = 16;
/// Up to here there is a list for each multiple of the unit.
const FINE: usize = 1 << 10;
/// Beyond, one for each of these, and what is longer is not short.
const COARSE: usize = 1 << 8;
const SHORT: usize = 2 << 10;
const LISTS: usize = FINE / UNIT + (SHORT - FINE) / COARSE;
/// What is asked for when the linker's leftover is used up.
const MORE: Layout = match Layout::from_size_align(8 << 10, UNIT) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

#[cfg(target_os = "unknown")]
mod guest {
    use std::ptr::with_exposed_provenance_mut;

    use super::{Heap, UNIT};

    #[global_allocator]
    static HEAP: Heap = Heap::new(leftover);

    /// The engine's page. A leftover of as much is not touched: other versions of the standard library's allocator begin
    /// with it, and none begins with less.
    const PAGE: usize = 64 << 10;

    unsafe extern "C" {
        /// Where the module's own data ends: the linker's.
        static mut __heap_base: u8;
        /// Where the memory that it starts with ends: the linker's.
        static mut __heap_end: u8;
    }

    /// What the linker left.
    fn leftover() -> (*mut u8, usize) {
        let (base, end) = ((&raw mut __heap_base).expose_provenance(), (&raw mut __heap_end).addr());
        let start = base.next_multiple_of(UNIT);
        let length = end.saturating_sub(start);
        (with_exposed_provenance_mut(start), if length < PAGE { length / UNIT * UNIT } else { 0 })
    }
}

pub(crate) struct Heap {
    /// Short pieces that were freed: each holds the place of the next.
    free: [Cell<*mut u8>; LISTS],
    leftover: Cell<Leftover>,
    /// Where short pieces come from when that is used up, and how much is left of it.
    more: Cell<(*mut u8, usize)>,
    /// Where the leftover begins, a multiple of the unit, and how long it is.
    find: fn() -> (*mut u8, usize),
}

/// First what was given out in short pieces, then what was not given out, then the long pieces.
#[derive(Clone, Copy)]
struct Leftover {
    /// Nothing before it was looked for.
    start: *mut u8,
    room: usize,
    /// From the end of the room to here.
    end: *mut u8,
    /// How many long pieces there are.
    long: usize,
}

impl Leftover {
    /// Where the room ends, and the last long piece begins.
    fn last(&self) -> *mut u8 {
        self.start.wrapping_add(self.room)
    }

    /// Whether it is one of the long pieces here.
    fn has(&self, piece: *mut u8) -> bool {
        (self.last()..self.end).contains(&piece)
    }
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

/// What a long piece measures. The size of a layout is far from the largest number.
fn long(layout: Layout) -> usize {
    layout.size().next_multiple_of(UNIT)
}

impl Heap {
    const fn new(find: fn() -> (*mut u8, usize)) -> Self {
        let leftover = Leftover { start: null_mut(), room: 0, end: null_mut(), long: 0 };
        let free = [const { Cell::new(null_mut()) }; LISTS];
        Self { free, leftover: Cell::new(leftover), more: Cell::new((null_mut(), 0)), find }
    }

    fn leftover(&self) -> Leftover {
        let leftover = self.leftover.get();
        if !leftover.start.is_null() {
            return leftover;
        }
        let (start, room) = (self.find)();
        Leftover { start, room, end: start.wrapping_add(room), long: 0 }
    }

    /// A short piece that was never given out.
    #[cold]
    fn fresh(&self, size: usize) -> *mut u8 {
        let leftover = self.leftover();
        if size <= leftover.room {
            let piece = leftover.start;
            self.leftover.set(Leftover { start: piece.wrapping_add(size), room: leftover.room - size, ..leftover });
            return piece;
        }
        let (mut piece, mut left) = self.more.get();
        if left < size {
            // SAFETY: the layout is not empty.
            piece = unsafe { System.alloc(MORE) };
            if piece.is_null() {
                return piece;
            }
            left = MORE.size();
        }
        self.more.set((piece.wrapping_add(size), left - size));
        piece
    }

    /// A long piece.
    unsafe fn take(&self, layout: Layout) -> *mut u8 {
        let (leftover, size) = (self.leftover(), long(layout));
        if layout.align() > UNIT || size > leftover.room {
            // SAFETY: as the caller says.
            return unsafe { System.alloc(layout) };
        }
        let leftover = Leftover { room: leftover.room - size, long: leftover.long + 1, ..leftover };
        self.leftover.set(leftover);
        leftover.last()
    }

    /// Frees a long piece.
    unsafe fn give(&self, piece: *mut u8, layout: Layout) {
        let mut leftover = self.leftover.get();
        if !leftover.has(piece) {
            // SAFETY: as the caller says; it came from there.
            return unsafe { System.dealloc(piece, layout) };
        }
        leftover.long -= 1;
        if leftover.long == 0 {
            leftover.room = leftover.end.addr() - leftover.start.addr();
        } else if piece == leftover.last() {
            leftover.room += long(layout);
        }
        self.leftover.set(leftover);
    }

    /// A long piece with another length that is long too, or null where that needs another place.
    unsafe fn stretch(&self, piece: *mut u8, layout: Layout, wanted: Layout) -> *mut u8 {
        let leftover = self.leftover.get();
        if !leftover.has(piece) {
            // SAFETY: as the caller says; it came from there.
            return unsafe { System.realloc(piece, layout, wanted.size()) };
        }
        let (old, new) = (long(layout), long(wanted));
        if new <= old {
            return piece;
        }
        if piece != leftover.last() || new - old > leftover.room {
            return null_mut();
        }
        let leftover = Leftover { room: leftover.room - (new - old), ..leftover };
        self.leftover.set(leftover);
        // SAFETY: what is before the piece was nobody's, and the piece is as long as that.
        unsafe { piece.copy_to(leftover.last(), layout.size()) };
        leftover.last()
    }
}

// SAFETY: a piece is given out once until it is freed, is as long as was asked for at least, and aligned to the unit; what
// is neither short nor in the leftover is the other allocator's from beginning to end. Size and alignment decide what is
// short, its place what is in the leftover.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((list, size)) = list(layout) else {
            // SAFETY: as the caller says.
            return unsafe { self.take(layout) };
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
            // SAFETY: as the caller says.
            return unsafe { self.give(piece, layout) };
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
                // SAFETY: as the caller says.
                let stretched = unsafe { self.stretch(piece, layout, wanted) };
                if !stretched.is_null() {
                    return stretched;
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    const LEFTOVER: usize = 20 << 10;

    /// A leftover that is the test's own.
    fn leftover() -> (*mut u8, usize) {
        let memory = Box::leak(vec![0_u128; LEFTOVER / UNIT].into_boxed_slice());
        (memory.as_mut_ptr().cast(), LEFTOVER)
    }

    struct Piece {
        at: *mut u8,
        layout: Layout,
        holds: u8,
    }

    impl Piece {
        fn new(heap: &Heap, size: usize, holds: u8) -> Self {
            let layout = Layout::from_size_align(size, 8).expect("a layout");
            // SAFETY: the layout is not empty, and the piece as long as that.
            let at = unsafe { heap.alloc(layout) };
            assert!(!at.is_null() && at.addr().is_multiple_of(8));
            // SAFETY: it is as long as that.
            unsafe { at.write_bytes(holds, size) };
            Self { at, layout, holds }
        }

        fn check(&self) {
            // SAFETY: all of it was written.
            let bytes = unsafe { std::slice::from_raw_parts(self.at, self.layout.size()) };
            assert!(bytes.iter().all(|byte| *byte == self.holds), "another piece wrote into it");
        }

        fn resize(&mut self, heap: &Heap, size: usize) {
            let kept = size.min(self.layout.size());
            // SAFETY: it is one of this heap, and the size is not zero.
            self.at = unsafe { heap.realloc(self.at, self.layout, size) };
            self.layout = Layout::from_size_align(size, 8).expect("a layout");
            // SAFETY: it is as long as that.
            unsafe { self.at.add(kept).write_bytes(self.holds, size - kept) };
        }

        fn free(self, heap: &Heap) {
            self.check();
            // SAFETY: it is one of this heap, and gone.
            unsafe { heap.dealloc(self.at, self.layout) };
        }
    }

    #[test]
    fn pieces_keep_to_themselves() {
        let heap = Heap::new(leftover);
        let mut pieces: Vec<Piece> = Vec::new();
        let mut state = 7_u32;
        let mut chance = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from(state >> 8).expect("a number") % below
        };
        for turn in 0..2_000_u32 {
            let size = 1 + if chance(3) == 0 { chance(9 << 10) } else { chance(300) };
            let at = chance(pieces.len() + 1);
            match chance(5) {
                0 | 1 if pieces.len() < 40 => pieces.push(Piece::new(&heap, size, turn.to_le_bytes()[0])),
                2 if at < pieces.len() => pieces[at].resize(&heap, size),
                _ if at < pieces.len() => pieces.swap_remove(at).free(&heap),
                _ => {}
            }
            pieces.iter().for_each(Piece::check);
        }
    }

    #[test]
    fn what_comes_back_is_given_out_again() {
        let heap = Heap::new(leftover);
        let room = || heap.leftover().room;
        let short = Piece::new(&heap, 100, 1);
        assert_eq!(room(), LEFTOVER - 112);
        let (first, second, mut last) =
            (Piece::new(&heap, 3000, 2), Piece::new(&heap, 4000, 3), Piece::new(&heap, 5000, 4));
        let full = room();
        last.resize(&heap, 6000);
        last.check();
        assert_eq!(room(), full - (6000 - 5008), "it grew where it was");
        let too_long = Piece::new(&heap, LEFTOVER, 5);
        assert_eq!(room(), full - (6000 - 5008));
        last.free(&heap);
        assert_eq!(room(), full + 5008);
        first.free(&heap);
        assert_eq!(room(), full + 5008, "a piece is before it");
        second.free(&heap);
        too_long.free(&heap);
        assert_eq!(room(), LEFTOVER - 112);
        short.free(&heap);
        Piece::new(&heap, 100, 6).free(&heap);
        assert_eq!(room(), LEFTOVER - 112);
    }
}
