//! Numbers for immortal things: from a 32-bit number to its thing in two loads, growing without moving anything.

use crate::sync::{AtomicPtr, AtomicU32, Ordering, const_unless_loom, immortal};
use std::ptr;

/// The first segment's length; each further one is twice as long as the one before it.
const FIRST: usize = if cfg!(loom) { 4 } else { 64 };
/// As many as 32-bit numbers need (and, under loom, as few as a model needs).
const SEGMENTS: usize = if cfg!(loom) { 3 } else { 26 };
/// The numbers that fit.
const CAPACITY: usize = FIRST * ((1 << SEGMENTS) - 1);

/// A segment: places for things, filled in order.
type Place<T> = AtomicPtr<T>;

pub(super) struct Directory<T: 'static> {
    /// The first place of each segment, or null.
    segments: [AtomicPtr<Place<T>>; SEGMENTS],
    /// How many numbers were given out. The things of the last ones may not be in place yet.
    given: AtomicU32,
}

impl<T: Sync> Directory<T> {
    const_unless_loom! {
        pub(super) fn new() -> Self {
            Self { segments: empty_segments(), given: AtomicU32::new(0) }
        }
    }

    /// Gives a number to a thing. Numbers start at one; zero never names anything.
    pub(super) fn add(&self, thing: &'static T) -> u32 {
        // Relaxed: it only hands out numbers.
        let next = |given| ((given as usize) < CAPACITY).then(|| given + 1);
        let Ok(index) = self.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) else {
            panic!("pulsebus: more than {CAPACITY} pooled things");
        };
        let (segment, offset) = locate(index as usize);
        let places = self.segment_or_new(segment);
        // Release; partner: the Acquire in `get`: whoever finds the thing finds it initialised.
        places[offset].store(ptr::from_ref(thing).cast_mut(), Ordering::Release);
        index + 1
    }

    /// The thing of that number; `None` for zero, and for a number whose thing is not in place yet.
    pub(super) fn get(&self, number: u32) -> Option<&'static T> {
        let (segment, offset) = locate(number.checked_sub(1)? as usize);
        // Acquire; partners: the Releases in `segment_or_new` and `add`.
        let first = self.segments[segment].load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: a segment is immortal and has `FIRST << segment` places; `locate` stays inside.
        let place = unsafe { &*first.add(offset) };
        // SAFETY: null, or a `&'static T`.
        unsafe { place.load(Ordering::Acquire).as_ref() }
    }

    pub(super) fn len(&self) -> usize {
        self.given.load(Ordering::Relaxed) as usize
    }

    fn segment_or_new(&self, segment: usize) -> &'static [Place<T>] {
        let length = FIRST << segment;
        let slot = &self.segments[segment];
        // Acquire, here and below; partner: the Release of the thread that put the segment there.
        let mut first = slot.load(Ordering::Acquire);
        if first.is_null() {
            let made: Vec<Place<T>> = (0..length).map(|_| Place::new(ptr::null_mut())).collect();
            let places = made.as_ptr().cast_mut();
            // Release; partner: the Acquires here and in `get`. Of two threads one wins; the other's is freed.
            first = match slot.compare_exchange(ptr::null_mut(), places, Ordering::Release, Ordering::Acquire) {
                Ok(_) => immortal(made).as_ptr().cast_mut(),
                Err(theirs) => theirs,
            };
        }
        // SAFETY: made right above, by us or by another thread: immortal, and `length` places long.
        unsafe { std::slice::from_raw_parts(first, length) }
    }
}

/// Segment and offset of an index.
fn locate(index: usize) -> (usize, usize) {
    let position = index / FIRST + 1;
    let segment = position.ilog2() as usize;
    (segment, index - FIRST * ((1 << segment) - 1))
}

#[cfg(not(loom))]
const fn empty_segments<T>() -> [AtomicPtr<Place<T>>; SEGMENTS] {
    [const { AtomicPtr::new(ptr::null_mut()) }; SEGMENTS]
}

#[cfg(loom)]
fn empty_segments<T>() -> [AtomicPtr<Place<T>>; SEGMENTS] {
    std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_a_place_of_its_own_inside_its_segment() {
        let mut expected = (0, 0);
        for index in 0..FIRST * 100 {
            assert_eq!(locate(index), expected, "index {index}");
            expected.1 += 1;
            if expected.1 == FIRST << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn the_last_index_lies_in_the_last_segment() {
        let (segment, offset) = locate(CAPACITY - 1);
        assert_eq!((segment, offset), (SEGMENTS - 1, (FIRST << (SEGMENTS - 1)) - 1));
    }
}
