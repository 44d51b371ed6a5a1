//! The timing wheel: pending timers by deadline.
//!
//! Eight levels of 64 slots; a slot of the finest level is 65 µs wide, one of the next level 64 times that. A timer lies
//! on the level of the highest six bits in which its deadline differs from the cursor. When the cursor enters a slot,
//! its timers move to finer levels, at most seven times in a timer's life, and at last into a heap of what is due about
//! now, which knows deadlines to the nanosecond. A tick costs what is due, and the timers of the slots that it enters.

use super::clock::nanoseconds;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// How many bits of a time the finest level leaves to the heap.
const FINEST: u32 = 16;
/// How many bits a level looks at.
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = ((u64::BITS - FINEST) / BITS) as usize;

/// No node.
const NONE: u32 = u32::MAX;
/// The end of a clock's range, which stands for all times after it as well: nothing comes due then.
const NEVER: u64 = u64::MAX;

/// Pending timers by deadline, in nanoseconds since the clock's origin.
///
/// Memory follows the most that were ever pending at once.
pub(crate) struct Wheel<T> {
    /// The latest time that was expired up to, in widths of the finest slot.
    cursor: u64,
    /// What is due in the cursor's slot or before: deadline, sequence, node.
    front: BinaryHeap<Reverse<(u64, u64, u32)>>,
    /// Level by level.
    slots: Box<[Slot]>,
    /// Per level, which of its slots hold something.
    occupied: [u64; LEVELS],
    /// All timers; which lists they are in is up to `front` and `slots`. (Those that never come due are in none.)
    nodes: Vec<Node<T>>,
    /// The first node that is free.
    free: u32,
    /// The next timer's.
    sequence: u64,
    len: usize,
    /// How often a node was put somewhere.
    #[cfg(test)]
    placed: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    first: u32,
    /// The earliest deadline in it.
    earliest: u64,
}

const EMPTY: Slot = Slot { first: NONE, earliest: NEVER };

struct Node<T> {
    deadline: u64,
    /// Tells equal deadlines apart.
    sequence: u64,
    /// The next one of the slot, or of the free ones.
    next: u32,
    /// `None` while it is free.
    value: Option<T>,
}

impl<T> Wheel<T> {
    pub(crate) fn new() -> Self {
        Self {
            cursor: 0,
            front: BinaryHeap::new(),
            slots: vec![EMPTY; LEVELS * SLOTS].into(),
            occupied: [0; LEVELS],
            nodes: Vec::new(),
            free: NONE,
            sequence: 0,
            len: 0,
            #[cfg(test)]
            placed: 0,
        }
    }

    /// How many are pending.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a timer. One whose deadline has passed is due at the next [`expire`](Self::expire); one whose deadline is
    /// 584 years away, or later, never.
    pub(crate) fn insert(&mut self, deadline: Duration, value: T) {
        let node = Node { deadline: nanoseconds(deadline), sequence: self.sequence, next: NONE, value: Some(value) };
        self.sequence += 1;
        self.len += 1;
        let index = self.free;
        if index == NONE {
            let index = u32::try_from(self.nodes.len()).expect("fewer than four billion timers");
            self.nodes.push(node);
            self.place(index);
        } else {
            self.free = self.nodes[index as usize].next;
            self.nodes[index as usize] = node;
            self.place(index);
        }
    }

    /// Moves what is due into `due`: by deadline, and in the order of insertion where deadlines are equal. A time before
    /// that of an earlier call is fine.
    pub(crate) fn expire(&mut self, now: Duration, due: &mut Vec<T>) {
        let now = nanoseconds(now);
        self.advance(now >> FINEST);
        while let Some(&Reverse((deadline, _, index))) = self.front.peek() {
            if deadline > now {
                break;
            }
            self.front.pop();
            due.extend(self.nodes[index as usize].value.take());
            self.release(index);
            self.len -= 1;
        }
    }

    /// When the next one is due; `None` if there is none, or none that ever will be.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let in_slots = || {
            let level = self.occupied.iter().position(|&slots| slots != 0)?;
            Some(self.slots[level * SLOTS + self.occupied[level].trailing_zeros() as usize].earliest)
        };
        let in_front = self.front.peek().map(|&Reverse((deadline, _, _))| deadline);
        in_front.or_else(in_slots).map(Duration::from_nanos)
    }

    /// Moves those that are not to be kept into `removed` (so that their destructors can run outside of the wheel's lock).
    /// Looks at every timer.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool, removed: &mut Vec<T>) {
        self.front.clear();
        self.slots.fill(EMPTY);
        self.occupied = [0; LEVELS];
        self.free = NONE;
        for index in 0..self.nodes.len() as u32 {
            let value = &mut self.nodes[index as usize].value;
            if value.as_ref().is_some_and(&mut keep) {
                self.place(index);
                continue;
            }
            if let Some(value) = value.take() {
                removed.push(value);
                self.len -= 1;
            }
            self.release(index);
        }
    }

    fn release(&mut self, index: u32) {
        self.nodes[index as usize].next = self.free;
        self.free = index;
    }

    /// Moves the cursor on, and what lies in the slots that it passes or enters to where it belongs now.
    fn advance(&mut self, to: u64) {
        if to <= self.cursor {
            return;
        }
        let top = level_of(self.cursor ^ to);
        self.cursor = to;
        // The coarsest level last: what comes out of it may go to finer ones.
        for level in 0..=top {
            let reached = if level < top { u64::MAX } else { u64::MAX >> (SLOTS - 1 - slot_of(to, top)) };
            let mut reached = self.occupied[level] & reached;
            self.occupied[level] &= !reached;
            while reached != 0 {
                let slot = level * SLOTS + reached.trailing_zeros() as usize;
                reached &= reached - 1;
                let mut index = std::mem::replace(&mut self.slots[slot], EMPTY).first;
                while index != NONE {
                    let next = self.nodes[index as usize].next;
                    self.place(index);
                    index = next;
                }
            }
        }
    }

    /// Puts a node where it belongs.
    fn place(&mut self, index: u32) {
        #[cfg(test)]
        {
            self.placed += 1;
        }
        let node = &mut self.nodes[index as usize];
        let time = node.deadline >> FINEST;
        if node.deadline == NEVER {
            return;
        }
        if time <= self.cursor {
            self.front.push(Reverse((node.deadline, node.sequence, index)));
            return;
        }
        let level = level_of(self.cursor ^ time);
        let number = slot_of(time, level);
        let slot = &mut self.slots[level * SLOTS + number];
        node.next = slot.first;
        *slot = Slot { first: index, earliest: slot.earliest.min(node.deadline) };
        self.occupied[level] |= 1 << number;
    }
}

/// The level of the highest bit that is set; some bit is.
fn level_of(difference: u64) -> usize {
    (difference.ilog2() / BITS) as usize
}

fn slot_of(time: u64, level: usize) -> usize {
    (time >> (BITS * level as u32)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Expires up to then, and tells what came.
    fn expired(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
        let mut due = Vec::new();
        wheel.expire(Duration::from_nanos(now), &mut due);
        due
    }

    #[test]
    fn a_timer_is_never_early_not_by_a_nanosecond() {
        for deadline in [1, 65_535, 65_536, 65_537, 4_194_304, 1_000_000_007, 1 << 40, (1 << 58) + 1, u64::MAX - 1] {
            let mut wheel = Wheel::new();
            wheel.insert(Duration::from_nanos(deadline), 1);
            assert_eq!(expired(&mut wheel, deadline - 1), []);
            assert_eq!(wheel.next_deadline(), Some(Duration::from_nanos(deadline)));
            assert_eq!(expired(&mut wheel, deadline), [1]);
            assert_eq!((wheel.len(), wheel.next_deadline()), (0, None));
        }
    }

    #[test]
    fn equal_deadlines_come_in_the_order_of_insertion() {
        let mut wheel = Wheel::new();
        let deadline = Duration::from_secs(100);
        wheel.insert(deadline, 0);
        // The later ones are inserted when the first one has moved to a finer level.
        assert_eq!(expired(&mut wheel, 99_000_000_000), []);
        (1..100).for_each(|n| wheel.insert(deadline, n));
        assert_eq!(expired(&mut wheel, 200_000_000_000), Vec::from_iter(0..100));
    }

    #[test]
    fn what_is_due_at_the_end_of_time_never_comes_but_can_be_purged() {
        let mut wheel = Wheel::new();
        wheel.insert(Duration::MAX, 1);
        assert_eq!(expired(&mut wheel, u64::MAX), []);
        assert_eq!((wheel.len(), wheel.next_deadline()), (1, None));
        let mut removed = Vec::new();
        wheel.retain(|_| false, &mut removed);
        assert_eq!((wheel.len(), removed), (0, vec![1]));
    }

    #[test]
    fn nodes_are_used_again() {
        let mut wheel = Wheel::new();
        for n in 0..10_000 {
            wheel.insert(Duration::from_nanos(n * 1_000 + 50_000), n);
            expired(&mut wheel, n * 1_000);
        }
        assert!(wheel.nodes.len() <= 51, "{} nodes", wheel.nodes.len());
    }

    #[test]
    fn a_tick_costs_what_is_due_however_many_are_pending() {
        let mut wheel = Wheel::new();
        // 100,000 timers, spread over an hour, at 60 Hz: in every other tick one is due.
        (1..=100_000_u64).for_each(|n| wheel.insert(Duration::from_nanos(n * 36_000_000), n));
        assert_eq!(wheel.placed, 100_000);
        let (mut due, mut idle) = (0, 0);
        for tick in 0..3_600 * 60 {
            let before = wheel.placed;
            due += expired(&mut wheel, tick * 16_666_667).len();
            idle += usize::from(wheel.placed == before);
        }
        assert!(due > 99_998, "{due}");
        // Most of the other ticks move nothing at all, and no timer moves more often than an hour has levels.
        assert!(idle > 90_000, "{idle}");
        assert!(wheel.placed <= 6 * 100_000, "{}", wheel.placed);
    }

    /// Small and fast, and the same at each run (Marsaglia's xorshift64).
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        /// Of any magnitude.
        fn magnitude(&mut self) -> u64 {
            let bits = self.next() % 65;
            self.next().checked_shr(64 - bits as u32).unwrap_or(0)
        }
    }

    #[test]
    fn random_programs_agree_with_an_ordered_map() {
        for seed in 1..=200 {
            let mut random = Random(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
            let (mut wheel, mut map) = (Wheel::new(), BTreeMap::<(u64, u64), u64>::new());
            let (mut now, mut sequence) = (0_u64, 0_u64);
            for _ in 0..500 {
                match random.next() % 20 {
                    0..10 => {
                        let deadline = match random.next() % 8 {
                            0 => now.saturating_sub(random.magnitude()),
                            1 => u64::MAX - random.next() % 3,
                            2 => map.keys().next().map_or(now, |key| key.0),
                            _ => now.saturating_add(random.magnitude()),
                        };
                        wheel.insert(Duration::from_nanos(deadline), sequence);
                        map.insert((deadline, sequence), sequence);
                        sequence += 1;
                    }
                    10..18 => {
                        now = match random.next() % 8 {
                            // Back, which expires nothing but what is due then.
                            0 => now - now.min(random.magnitude()),
                            1 => map.keys().next().map_or(now, |key| key.0),
                            2 => map.keys().next().map_or(now, |key| key.0.saturating_sub(1)),
                            3 if random.next() % 64 == 0 => u64::MAX,
                            // Mostly forward by little, or time would soon be over.
                            _ => now.saturating_add(random.magnitude() >> (random.next() % 32)),
                        };
                        let later = map.split_off(&(now.saturating_add(1), 0));
                        let mut due = std::mem::replace(&mut map, later);
                        // (Nothing is due at the end of time.)
                        map.append(&mut due.split_off(&(NEVER, 0)));
                        assert_eq!(expired(&mut wheel, now), Vec::from_iter(due.into_values()), "seed {seed}");
                    }
                    18 => {
                        let rest = random.next() % 3;
                        let mut removed = Vec::new();
                        wheel.retain(|value| value % 3 != rest, &mut removed);
                        removed.sort_unstable();
                        let mut expected = Vec::from_iter(map.values().copied().filter(|value| value % 3 == rest));
                        expected.sort_unstable();
                        map.retain(|_, value| *value % 3 != rest);
                        assert_eq!(removed, expected, "seed {seed}");
                    }
                    _ => {}
                }
                let next = map.keys().next().map(|key| key.0).filter(|&deadline| deadline != NEVER);
                assert_eq!(wheel.next_deadline(), next.map(Duration::from_nanos), "seed {seed}");
                assert_eq!(wheel.len(), map.len(), "seed {seed}");
            }
        }
    }
}
