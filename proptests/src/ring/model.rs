//! The ring as it should be: everything that was ever published, and where each reader is.

use super::program::Kind;

/// What reading may come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// These events.
    Events(Vec<u32>),
    /// These, and a panic at the last of them.
    Panicked(Vec<u32>),
    /// So many were lost.
    Lagged(u64),
    /// Nothing at present.
    Empty,
    /// The end.
    PublishersGone,
    /// The end of what a reader ahead has read.
    ReaderAheadGone,
}

#[derive(Debug)]
struct Reader {
    position: usize,
    after: Vec<usize>,
    is_here: bool,
}

/// By positions; `None` where nothing was published.
#[derive(Debug)]
pub struct Model {
    kind: Kind,
    capacity: usize,
    events: Vec<Option<u32>>,
    /// All that ever were, by number.
    readers: Vec<Reader>,
    next: u32,
    /// How many events readers were told to have lost.
    pub lost: u64,
    /// Has the publisher gone?
    pub closed: bool,
}

impl Model {
    /// An empty ring.
    pub fn new(kind: Kind, capacity: usize) -> Self {
        Self { kind, capacity, events: Vec::new(), readers: Vec::new(), next: 0, lost: 0, closed: false }
    }

    /// How many positions were used.
    pub fn published(&self) -> usize {
        self.events.len()
    }

    fn oldest(&self) -> usize {
        self.events.len().saturating_sub(self.capacity)
    }

    /// The position of the slowest reader.
    fn slowest(&self) -> Option<usize> {
        self.readers.iter().filter(|reader| reader.is_here).map(|reader| reader.position).min()
    }

    fn has_room(&self, count: usize) -> bool {
        let least = self.slowest().unwrap_or(self.events.len());
        self.kind == Kind::Lossy || self.events.len() + count <= least + self.capacity
    }

    /// The number of the next event to be made.
    pub fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Is there room for one with that number?
    pub fn publish(&mut self, number: u32) -> bool {
        let has_room = self.has_room(1);
        if has_room {
            self.events.push(Some(number));
        }
        has_room
    }

    /// Is there room for so many, of which those come? `ends` by a panic, or because there are no more.
    pub fn batch(&mut self, promised: usize, numbers: &[u32]) -> bool {
        if promised == 0 {
            return true;
        }
        if self.kind != Kind::Lossy && (promised > self.capacity || !self.has_room(promised)) {
            return false;
        }
        let mut numbers = numbers.iter().copied();
        let mut left = promised;
        while left > 0 {
            let part: Vec<Option<u32>> = (0..left.min(self.capacity)).map(|_| numbers.next()).collect();
            left -= part.len();
            if part.contains(&None) {
                left = 0;
            }
            let is_single = self.kind == Kind::Single;
            self.events.extend(part.into_iter().filter(|event| !is_single || event.is_some()));
        }
        true
    }

    /// A reader, at what comes next or at the oldest.
    pub fn subscribe(&mut self, oldest: bool) {
        let position = match (oldest, self.kind) {
            (false, _) => self.events.len(),
            (true, Kind::Lossy) => self.oldest(),
            (true, _) => self.slowest().unwrap_or(self.events.len()),
        };
        self.readers.push(Reader { position, after: Vec::new(), is_here: true });
    }

    /// Goes after those, if that is possible.
    pub fn after(&mut self, after: Vec<usize>) -> bool {
        let start = after.iter().map(|&ahead| self.readers[ahead].position).min();
        let possible = start.filter(|_| self.kind != Kind::Lossy);
        let Some(position) = possible else { return false };
        self.readers.push(Reader { position, after, is_here: true });
        true
    }

    /// How many wait.
    pub fn len(&self, reader: usize) -> usize {
        let waiting = self.bound(reader).saturating_sub(self.readers[reader].position);
        if self.kind == Kind::Lossy { waiting.min(self.capacity) } else { waiting }
    }

    fn bound(&self, reader: usize) -> usize {
        let ahead = self.readers[reader].after.iter().map(|&ahead| self.readers[ahead].position).min();
        ahead.unwrap_or(self.events.len())
    }

    /// Reads; what is published meanwhile is published by `during`, at the first event.
    pub fn read(&mut self, reader: usize, max: usize, panics_at: usize, during: &mut dyn FnMut(&mut Self)) -> Read {
        let mut got = Vec::new();
        // Publishers see where it is when it stops. It reads also what came meanwhile.
        let mut position = self.readers[reader].position;
        let mut panicked = false;
        while got.len() < max && !panicked {
            if position >= self.bound(reader) || (self.kind == Kind::Lossy && position < self.oldest()) {
                break;
            }
            position += 1;
            let Some(number) = self.events[position - 1] else { continue };
            if got.is_empty() {
                during(self);
            }
            panicked = got.len() == panics_at;
            got.push(number);
        }
        self.readers[reader].position = position;
        match () {
            () if panicked => Read::Panicked(got),
            () if !got.is_empty() || max == 0 => Read::Events(got),
            () => self.why_none(reader),
        }
    }

    fn why_none(&mut self, reader: usize) -> Read {
        let (oldest, tail) = (self.oldest(), self.events.len());
        let position = self.readers[reader].position;
        if self.kind == Kind::Lossy && position < oldest {
            let lost = (oldest - position) as u64;
            self.readers[reader].position = oldest;
            self.lost += lost;
            return Read::Lagged(lost);
        }
        let ahead = self.readers[reader].after.iter().map(|&ahead| &self.readers[ahead]);
        match () {
            () if self.closed && position == tail => Read::PublishersGone,
            () if ahead.clone().any(|ahead| !ahead.is_here && ahead.position == position) => Read::ReaderAheadGone,
            () => Read::Empty,
        }
    }

    /// What is there, without a word about what is lost.
    pub fn drain(&mut self, reader: usize, max: usize) -> Vec<u32> {
        let position = self.readers[reader].position;
        if max == 0 || (self.kind == Kind::Lossy && position < self.oldest()) {
            return Vec::new();
        }
        let lost = self.lost;
        let read = self.read(reader, max, usize::MAX, &mut |_| ());
        assert_eq!(lost, self.lost, "nothing was lost a line above");
        match read {
            Read::Events(events) => events,
            _ => Vec::new(),
        }
    }

    /// A reader leaves.
    pub fn leave(&mut self, reader: usize) {
        self.readers[reader].is_here = false;
    }

    /// How many events the ring holds.
    pub fn held(&self) -> usize {
        if self.kind == Kind::Lossy {
            return self.events[self.oldest()..].iter().flatten().count();
        }
        let places = self.capacity.next_power_of_two();
        (0..places).filter(|&place| self.events.iter().skip(place).step_by(places).any(Option::is_some)).count()
    }
}
