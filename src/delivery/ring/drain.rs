//! Clones of what is there.

use super::reader::RingReader;
use std::fmt;

/// What [`RingReader::drain`] returns: clones of the events that are there.
pub struct Drain<'a, E> {
    reader: &'a mut RingReader<E>,
    left: usize,
}

impl<'a, E> Drain<'a, E> {
    pub(super) fn new(reader: &'a mut RingReader<E>, max: usize) -> Self {
        Self { reader, left: max }
    }
}

impl<E: Clone> Iterator for Drain<'_, E> {
    type Item = E;

    #[inline]
    fn next(&mut self) -> Option<E> {
        self.left = self.left.checked_sub(1)?;
        let event = self.reader.next_there();
        if event.is_none() {
            self.left = 0;
        }
        event
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<E: Clone> std::iter::FusedIterator for Drain<'_, E> {}

impl<E> fmt::Debug for Drain<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("left", &self.left).finish_non_exhaustive()
    }
}
