//! The allocator of the addon: the system's, but for large blocks, which are kept for a while and given out again.
//!
//! A run over a million bars takes a dozen columns of 8 MB. The system hands each of them out as pages that it clears on
//! first touch and takes back at the end, which costs several times what the run itself does. Here a block that was
//! freed serves the next request of its size; what lies unused for some seconds goes back to the system. On Linux the
//! system is asked for huge pages, of which a column needs four and not two thousand.

#![expect(unsafe_code, reason = "an allocator deals in raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

/// Blocks smaller than this are the system's affair: it keeps them itself. Of larger ones it gives pages back at once, and
/// to get them again takes microseconds a page.
const LARGE: usize = 1 << 14;
/// The alignment that the system gives without being asked; blocks that need more are its affair too.
const ALIGNMENT: usize = 16;
/// The size of a huge page, and the least size of a block that is made of them.
const HUGE: usize = 1 << 21;
/// The most that is kept, bytes: the columns of two runs over a million bars.
const MOST_BYTES: usize = 192 << 20;
/// The most blocks that are kept.
const MOST_BLOCKS: usize = 256;
/// How long nothing large is asked for until all is given back; as this is looked at no more often, up to twice as long.
const IDLE: Duration = Duration::from_secs(5);

#[global_allocator]
static ALLOCATOR: Keeper = Keeper;

static KEPT: Mutex<Kept> =
    Mutex::new(Kept { blocks: [Block { start: 0, size: 0 }; MOST_BLOCKS], count: 0, bytes: 0 });
/// Whether freed blocks are kept: from the first large block on until nothing large was asked for in a while.
static KEEPING: AtomicBool = AtomicBool::new(false);
/// Whether somebody waits to give all back.
static WAITING: AtomicBool = AtomicBool::new(false);
/// Counts the large blocks that were asked for.
static ASKED: AtomicU64 = AtomicU64::new(0);

struct Keeper;

#[derive(Clone, Copy)]
struct Block {
    start: usize,
    size: usize,
}

/// The blocks that are kept, the one freed first in front.
struct Kept {
    blocks: [Block; MOST_BLOCKS],
    count: usize,
    bytes: usize,
}

impl Kept {
    /// Takes out the block of a size that was freed last.
    fn take(&mut self, size: usize) -> Option<Block> {
        let kept = self.blocks.get(..self.count)?;
        let at = kept.iter().rposition(|block| block.size == size)?;
        self.remove(at)
    }

    fn remove(&mut self, at: usize) -> Option<Block> {
        let block = *self.blocks.get(at).filter(|_| at < self.count)?;
        self.blocks.copy_within(at + 1..self.count, at);
        self.count -= 1;
        self.bytes -= block.size;
        Some(block)
    }

    /// Keeps a block; where there is no room for it, takes out another one to make some, and returns the block itself if
    /// there never will be.
    fn put(&mut self, block: Block) -> Option<Block> {
        if block.size > MOST_BYTES {
            return Some(block);
        }
        if self.count == MOST_BLOCKS || self.bytes + block.size > MOST_BYTES {
            return self.remove(0);
        }
        let place = self.blocks.get_mut(self.count)?;
        *place = block;
        self.count += 1;
        self.bytes += block.size;
        None
    }
}

fn kept() -> MutexGuard<'static, Kept> {
    // Nothing panics while the list is locked; if anything did, the list would still be whole.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a block; returns one that had to make room for it, which may be itself. Unless it is, the block is not kept yet.
fn keep(block: Block) -> Option<Block> {
    kept().put(block)
}

fn oldest() -> Option<Block> {
    kept().remove(0)
}

/// Returns the size that a large block is given, so that blocks of nearly the same size can stand in for each other: at
/// most an eighth more, or the rest of a huge page, which costs nothing until it is touched. Nothing for a block that is
/// not ours.
fn whole(layout: Layout) -> Option<Layout> {
    let size = layout.size();
    if size < LARGE || layout.align() > ALIGNMENT {
        return None;
    }
    let alignment = alignment(size);
    let step = (1_usize << (size.ilog2() - 3)).max(alignment);
    Layout::from_size_align(size.checked_next_multiple_of(step)?, alignment).ok()
}

/// Returns what a large block of a size is aligned to.
const fn alignment(size: usize) -> usize {
    if cfg!(target_os = "linux") && size >= HUGE { HUGE } else { ALIGNMENT }
}

/// Gets a block from the system.
///
/// # Safety
/// That of [`GlobalAlloc::alloc`].
unsafe fn fresh(whole: Layout) -> *mut u8 {
    // SAFETY: the caller's promises are those that the system asks for.
    let start = unsafe { System.alloc(whole) };
    #[cfg(target_os = "linux")]
    if whole.size() >= HUGE && !start.is_null() {
        // SAFETY: the block is this large and begins on a page. It is advice: whether it is taken changes no content.
        unsafe { libc::madvise(start.cast(), whole.size(), libc::MADV_HUGEPAGE) };
    }
    start
}

fn recycled(size: usize) -> Option<*mut u8> {
    ASKED.fetch_add(1, Relaxed);
    KEEPING.store(true, Relaxed);
    kept().take(size).map(|block| block.start as *mut u8)
}

// SAFETY: a block comes from the system with the layout `whole` makes of the one asked for, and that is the layout it
// goes back with; while it is kept, nobody else has it. All else is the system allocator's own work.
unsafe impl GlobalAlloc for Keeper {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(whole) = whole(layout) else {
            // SAFETY: the caller's promises are those that the system asks for.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: the size is that of the layout asked for or more, so it is not 0.
        recycled(whole.size()).unwrap_or_else(|| unsafe { fresh(whole) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(whole) = whole(layout) else {
            // SAFETY: the caller's promises are those that the system asks for.
            return unsafe { System.alloc_zeroed(layout) };
        };
        match recycled(whole.size()) {
            Some(start) => {
                // SAFETY: the block is as large as `whole`, which is no smaller than the layout.
                unsafe { start.write_bytes(0, layout.size()) };
                start
            }
            // SAFETY: the size is that of the layout asked for or more, so it is not 0.
            None => unsafe { System.alloc_zeroed(whole) },
        }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        let Some(whole) = whole(layout) else {
            // SAFETY: the caller's promises are those that the system asks for.
            return unsafe { System.dealloc(start, layout) };
        };
        let block = Block { start: start as usize, size: whole.size() };
        if !KEEPING.load(Relaxed) {
            return give_back(block);
        }
        while let Some(other) = keep(block) {
            give_back(other);
            if other.start == block.start {
                return;
            }
        }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(new) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
        match (whole(layout), whole(new)) {
            // SAFETY: the caller's promises are those that the system asks for.
            (None, None) => unsafe { System.realloc(start, layout, size) },
            (Some(old), Some(new)) if old.size() == new.size() => start,
            (_, _) => {
                // SAFETY: `new` is a valid layout of more than 0 bytes, as the caller promises of `size`.
                let moved = unsafe { self.alloc(new) };
                if !moved.is_null() {
                    // SAFETY: both blocks hold at least this much and are not the same; the old one is the caller's.
                    unsafe {
                        moved.copy_from_nonoverlapping(start, layout.size().min(size));
                        self.dealloc(start, layout);
                    }
                }
                moved
            }
        }
    }
}

fn give_back(block: Block) {
    if let Ok(layout) = Layout::from_size_align(block.size, alignment(block.size)) {
        // SAFETY: every kept block came from the system with this layout, and left the list before.
        unsafe { System.dealloc(block.start as *mut u8, layout) };
    }
}

/// Gives all kept blocks back to the system, and keeps none until something large is asked for again.
pub fn release() {
    KEEPING.store(false, Relaxed);
    while let Some(block) = oldest() {
        give_back(block);
    }
}

/// Gives all back once nothing large was asked for in a while.
pub fn release_when_idle(runtime: &Handle) {
    if !KEEPING.load(Relaxed) || WAITING.swap(true, Relaxed) {
        return;
    }
    runtime.spawn(async {
        loop {
            let asked = ASKED.load(Relaxed);
            tokio::time::sleep(IDLE).await;
            if ASKED.load(Relaxed) == asked {
                break;
            }
        }
        WAITING.store(false, Relaxed);
        release();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_by_an_eighth_or_a_huge_page_and_small_ones_not_at_all() {
        let whole_size =
            |size| whole(Layout::from_size_align(size, 8).unwrap()).map(|whole| whole.size());
        assert_eq!(whole_size(LARGE - 1), None);
        assert_eq!(whole_size(LARGE), Some(LARGE));
        for size in [LARGE + 1, HUGE - 1, HUGE + 1, 8_000_000, 123_456_789] {
            let rounded = whole_size(size).unwrap();
            let most = if size < HUGE { size / 8 } else { (size / 8).max(HUGE) };
            assert!(rounded >= size && rounded - size <= most, "{size} became {rounded}");
            assert_eq!(whole_size(rounded), Some(rounded));
        }
        assert!(whole(Layout::from_size_align(8_000_000, 64).unwrap()).is_none());
    }

    #[test]
    fn the_oldest_blocks_make_room_and_one_too_large_is_not_kept() {
        let block = |start, size| Block { start, size };
        let mut list = Kept { blocks: [block(0, 0); MOST_BLOCKS], count: 0, bytes: 0 };
        assert_eq!(list.put(block(1, MOST_BYTES + 1)).unwrap().start, 1);
        assert!(list.put(block(2, MOST_BYTES / 2)).is_none());
        assert!(list.put(block(3, MOST_BYTES / 2)).is_none());
        assert_eq!(list.put(block(4, LARGE)).unwrap().start, 2);
        assert!(list.put(block(4, LARGE)).is_none());
        assert_eq!((list.count, list.bytes), (2, MOST_BYTES / 2 + LARGE));
        assert!(list.take(MOST_BYTES).is_none());
        assert_eq!(list.take(LARGE).unwrap().start, 4);
        assert_eq!(list.take(MOST_BYTES / 2).unwrap().start, 3);
        assert!(list.take(MOST_BYTES / 2).is_none() && list.bytes == 0);
    }

    #[test]
    fn values_survive_growing_and_shrinking_and_zeroed_memory_is_zero() {
        for round in 0..3_u32 {
            let mut values: Vec<u32> = Vec::new();
            for value in 0..3_000_000 {
                values.push(value + round);
            }
            values.truncate(1_000_000);
            values.shrink_to_fit();
            values.extend(0..500_000);
            assert!((0..1_000_000).all(|at| values[at as usize] == at + round));
            values.fill(u32::MAX);
            drop(values);
            assert!(vec![0_u32; 1_500_000].iter().all(|value| *value == 0));
        }
        release();
        assert_eq!(vec![7_u8; LARGE].len(), LARGE);
    }
}
