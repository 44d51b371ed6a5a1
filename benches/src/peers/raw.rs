//! The floor: a loop over boxed closures, for one thread, with nothing else around it.

use std::fmt;

use crate::event::{Event, Lane, slice_slot, slot};
use crate::peer::Emitter;

type Slot = Box<dyn Fn(&Event)>;
type SliceSlot = Box<dyn Fn(&[Event])>;

/// `Vec<Box<dyn Fn(&Event)>>`, the boxes allocated in a row, in the order of the calls.
///
/// The loop's code stands `MOVED` bytes behind where the compiler would have put it. Its place in a cache line shifts
/// the time of a callback by up to a quarter, and with it any ratio to this loop: the fastest placement of a run is its
/// *best layout*.
pub struct Raw<const MOVED: usize>(Vec<Slot>);

/// The same loop with the boxes in an order that has nothing to do with their addresses, as in a
/// process that has been running for a while.
pub struct Scattered(Raw<0>);

/// The raw loop over closures that take a whole slice.
pub struct Slices(Vec<SliceSlot>);

impl<const MOVED: usize> Emitter for Raw<MOVED> {
    const NAME: &'static str = match MOVED {
        0 => "raw loop",
        16 => "raw loop, moved by 16",
        32 => "raw loop, moved by 32",
        _ => "raw loop, moved by 48",
    };

    fn with_slots(slots: usize) -> Self {
        Self((0..slots).map(|_| Box::new(slot(Lane::next())) as _).collect())
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        place::<MOVED>();
        for slot in &self.0 {
            slot(event);
        }
    }

    /// The nested loop, slot by slot as the bus does it.
    #[inline(always)]
    fn emit_batch(&mut self, events: &[Event]) {
        for slot in &self.0 {
            place::<MOVED>();
            for event in events {
                slot(event);
            }
        }
    }
}

impl Emitter for Scattered {
    const NAME: &'static str = "raw loop, scattered boxes";

    fn with_slots(slots: usize) -> Self {
        let mut raw = Raw::with_slots(slots);
        // Fisher and Yates with a fixed sequence (Knuth's multiplier): the same order every run.
        let mut state = 1_u64;
        for last in (1..slots).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            raw.0.swap(last, (state >> 33) as usize % (last + 1));
        }
        Self(raw)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        self.0.emit(event);
    }
}

impl Emitter for Slices {
    const NAME: &'static str = "raw loop, slice slots";

    fn with_slots(slots: usize) -> Self {
        Self((0..slots).map(|_| Box::new(slice_slot(Lane::next())) as _).collect())
    }

    fn emit(&mut self, event: &Event) {
        self.emit_batch(std::slice::from_ref(event));
    }

    #[inline(always)]
    fn emit_batch(&mut self, events: &[Event]) {
        for slot in &self.0 {
            slot(events);
        }
    }
}

/// Moves the code that follows, by a few wide no-ops. Does nothing for 0, and on other machines than x86-64.
#[inline(always)]
fn place<const MOVED: usize>() {
    #[cfg(target_arch = "x86_64")]
    if MOVED != 0 {
        // SAFETY: no-ops touch neither registers nor memory.
        unsafe {
            std::arch::asm!(".nops {moved}", moved = const MOVED, options(nomem, nostack, preserves_flags));
        }
    }
}

impl<const MOVED: usize> fmt::Debug for Raw<MOVED> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} slots)", self.0.len())
    }
}
