//! Records by number: pages that never move, and a generation that tells an earlier record from a later one.

/// So many records lie in a page: what is looked at under one hold of the registry's lock.
pub(in crate::bus) const PAGE: usize = 256;

/// Names one record; stale when that has been removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::bus) struct Id {
    index: u32,
    generation: u32,
}

impl Id {
    /// As one number.
    pub(in crate::bus) fn number(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(in crate::bus) fn from_number(number: u64) -> Self {
        Self { index: number as u32, generation: (number >> 32) as u32 }
    }

    pub(super) fn index(self) -> u32 {
        self.index
    }
}

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

pub(super) struct Slab<T> {
    pages: Vec<Box<[Entry<T>; PAGE]>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self { pages: Vec::new(), free: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The number of a record that is to be put into its [place](Self::place) next.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Id {
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        Id { index, generation: self.pages[index as usize / PAGE][index as usize % PAGE].generation }
    }

    /// The place of that record, empty. Counted as filled.
    #[inline(always)]
    pub(super) fn place(&mut self, id: Id) -> &mut Option<T> {
        self.len += 1;
        &mut self.pages[id.index as usize / PAGE][id.index as usize % PAGE].value
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        let first = self.pages.len() * PAGE;
        let last = u32::try_from(first + PAGE).expect("limits end before the numbers do") - 1;
        let page: Box<[_]> = (0..PAGE).map(|_| Entry { generation: 0, value: None }).collect();
        self.pages.push(page.try_into().ok().expect("as long as a page"));
        self.free.extend((first as u32 + 1..=last).rev());
        first as u32
    }

    #[inline]
    pub(super) fn get(&self, id: Id) -> Option<&T> {
        let entry = &self.pages.get(id.index as usize / PAGE)?[id.index as usize % PAGE];
        if entry.generation == id.generation { entry.value.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let entry = &mut self.pages.get_mut(id.index as usize / PAGE)?[id.index as usize % PAGE];
        if entry.generation == id.generation { entry.value.as_mut() } else { None }
    }

    pub(super) fn contains(&self, id: Id) -> bool {
        self.get(id).is_some()
    }

    #[inline(always)]
    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        let entry = &mut self.pages.get_mut(id.index as usize / PAGE)?[id.index as usize % PAGE];
        if entry.generation != id.generation || entry.value.is_none() {
            return None;
        }
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(id.index);
        self.len -= 1;
        // Last, so that it is moved once.
        entry.value.take()
    }

    /// What is at a number now.
    pub(super) fn at(&self, index: u32) -> Option<(Id, &T)> {
        let entry = &self.pages.get(index as usize / PAGE)?[index as usize % PAGE];
        Some((Id { index, generation: entry.generation }, entry.value.as_ref()?))
    }

    /// What is in a page.
    pub(super) fn page(&self, page: usize) -> impl Iterator<Item = (Id, &T)> {
        let entries = self.pages.get(page).map_or(&[][..], |entries| &entries[..]);
        let first = page * PAGE;
        entries.iter().enumerate().filter_map(move |(at, entry)| {
            let id = Id { index: (first + at) as u32, generation: entry.generation };
            Some((id, entry.value.as_ref()?))
        })
    }

    /// Everything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &T)> {
        (0..self.pages()).flat_map(|page| self.page(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<T> Slab<T> {
        fn insert(&mut self, value: T) -> Id {
            let id = self.next();
            *self.place(id) = Some(value);
            id
        }
    }

    #[test]
    fn an_id_does_not_fit_the_next_record_in_its_place() {
        let mut slab = Slab::new();
        let first = slab.insert('a');
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!(second.index, first.index);
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&'b'));
        assert_eq!(Id::from_number(second.number()), second);
    }

    #[test]
    fn pages_hold_everything_once() {
        let mut slab = Slab::new();
        let ids: Vec<Id> = (0..PAGE * 3 + 5).map(|n| slab.insert(n)).collect();
        ids.iter().step_by(3).for_each(|id| assert!(slab.remove(*id).is_some()));
        let mut found: Vec<usize> = slab.iter().map(|(id, n)| *slab.get(id).filter(|m| *m == n).unwrap()).collect();
        found.sort_unstable();
        let expected: Vec<usize> = (0..PAGE * 3 + 5).filter(|n| n % 3 != 0).collect();
        assert_eq!(found, expected);
        assert_eq!(slab.len(), expected.len());
    }
}
