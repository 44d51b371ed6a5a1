//! The events that are delivered, and the sum by which every receiver shows that it has had them all.

/// Events in a lap: a sender goes through the same ones again and again, so many at a time as a batch is long.
pub const LAP: usize = 256;

/// An event of so many words of eight bytes.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Event<const W: usize>(pub [u64; W]);

impl<const W: usize> Default for Event<W> {
    fn default() -> Self {
        Self([0; W])
    }
}

/// What a receiver has had: all words of all events, added up. So it has to touch all of an event, wherever that lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(pub u64);

impl Sum {
    /// Adds an event.
    #[inline(always)]
    pub fn add<const W: usize>(&mut self, event: &Event<W>) {
        self.0 = event.0.iter().fold(self.0, |sum, word| sum.wrapping_add(*word));
    }
}

/// The events of a lap, all different.
pub fn lap<const W: usize>() -> Vec<Event<W>> {
    let word = |number: usize, index: usize| (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index as u64;
    (0..LAP).map(|number| Event(std::array::from_fn(|index| word(number, index)))).collect()
}

/// What somebody adds up who receives so many laps.
pub fn sum_of<const W: usize>(lap: &[Event<W>], laps: u64) -> Sum {
    let mut sum = Sum::default();
    lap.iter().for_each(|event| sum.add(event));
    Sum(sum.0.wrapping_mul(laps))
}
