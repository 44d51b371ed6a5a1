//! Runs a program on a ring and on its model, and compares all that can be seen.

use super::model::{Model, Read};
use super::program::{Action, Kind, Program};
use pulsebus::{CloseReason, Ring, RingPublisher, RingReader, TryRecvError};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// How often what came up.
pub type Tally = BTreeMap<&'static str, usize>;

/// An event that counts how many there are.
struct Event {
    number: u32,
    alive: Arc<AtomicUsize>,
}

impl Event {
    fn new(number: u32, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, SeqCst);
        Self { number, alive: alive.clone() }
    }
}

impl Clone for Event {
    fn clone(&self) -> Self {
        Self::new(self.number, &self.alive)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        assert!(self.alive.fetch_sub(1, SeqCst) > 0, "more events dropped than made");
    }
}

/// What a panic of a program has as its payload: it makes no noise.
struct OnPurpose;

enum Publisher {
    Ring(Ring<Event>),
    Single(RingPublisher<Event>),
}

/// Yields so many, having promised others, and panics then perhaps.
struct Batch {
    promised: usize,
    events: std::vec::IntoIter<Event>,
    panics: bool,
}

impl Iterator for Batch {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let event = self.events.next();
        if event.is_none() && self.panics {
            resume_unwind(Box::new(OnPurpose));
        }
        event
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.promised, Some(self.promised))
    }
}

impl ExactSizeIterator for Batch {
    fn len(&self) -> usize {
        self.promised
    }
}

impl Publisher {
    fn publish(&mut self, event: Event) -> bool {
        match self {
            Self::Ring(ring) => ring.try_publish(event).is_ok(),
            Self::Single(publisher) => publisher.try_publish(event).is_ok(),
        }
    }

    fn batch(&mut self, batch: Batch) -> Result<bool, ()> {
        let sent = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Ring(ring) => ring.try_publish_iter(batch).is_ok(),
            Self::Single(publisher) => publisher.try_publish_iter(batch).is_ok(),
        }));
        sent.map_err(|payload| assert!(payload.is::<OnPurpose>(), "a panic that nobody wanted"))
    }

    fn subscribe(&self, oldest: bool) -> RingReader<Event> {
        match (self, oldest) {
            (Self::Ring(ring), false) => ring.subscribe(),
            (Self::Ring(ring), true) => ring.subscribe_oldest(),
            (Self::Single(publisher), false) => publisher.subscribe(),
            (Self::Single(publisher), true) => publisher.subscribe_oldest(),
        }
    }

    fn after(&self, readers: &[&RingReader<Event>]) -> Option<RingReader<Event>> {
        match self {
            Self::Ring(ring) => ring.subscribe_after(readers).ok(),
            Self::Single(publisher) => publisher.subscribe_after(readers).ok(),
        }
    }

    fn figures(&self) -> pulsebus::RingFigures {
        match self {
            Self::Ring(ring) => ring.figures(),
            Self::Single(publisher) => publisher.figures(),
        }
    }
}

struct World {
    publisher: Option<Publisher>,
    /// With their numbers in the model.
    readers: Vec<(usize, RingReader<Event>)>,
    model: Model,
    alive: Arc<AtomicUsize>,
    /// How many readers the model has had.
    known: usize,
    tally: Tally,
}

/// Runs it; what came up, or what was not as it should be.
///
/// # Errors
/// What differs.
pub fn run(program: &Program) -> Result<Tally, String> {
    let (capacity, alive) = (program.capacity, Arc::new(AtomicUsize::new(0)));
    let publisher = match program.kind {
        Kind::Lossy => Publisher::Ring(Ring::lossy(capacity).map_err(|error| error.to_string())?),
        Kind::Gated => Publisher::Ring(Ring::gated(capacity).map_err(|error| error.to_string())?),
        Kind::Single => Publisher::Single(RingPublisher::gated(capacity).map_err(|error| error.to_string())?),
    };
    let model = Model::new(program.kind, capacity);
    let mut world = World {
        publisher: Some(publisher),
        readers: Vec::new(),
        model,
        alive: alive.clone(),
        known: 0,
        tally: Tally::new(),
    };
    for (step, action) in program.actions.iter().enumerate() {
        world.step(action).map_err(|error| format!("step {step}, {action:?}: {error}"))?;
        world.compare().map_err(|error| format!("after step {step}, {action:?}: {error}"))?;
    }
    let World { publisher, readers, tally, .. } = world;
    drop((publisher, readers));
    match alive.load(SeqCst) {
        0 => Ok(tally),
        left => Err(format!("{left} events were not dropped with the ring")),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ring: T, model: T) -> Result<(), String> {
    if ring == model { Ok(()) } else { Err(format!("{what}: the ring says {ring:?}, the model {model:?}")) }
}

impl World {
    fn note(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn pick(&self, pick: u16) -> Option<usize> {
        (!self.readers.is_empty()).then(|| usize::from(pick) % self.readers.len())
    }

    fn step(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Publish => {
                let Some(publisher) = &mut self.publisher else { return Ok(()) };
                let number = self.model.number();
                let (sent, expected) = (publisher.publish(Event::new(number, &self.alive)), self.model.publish(number));
                self.note(if sent { "published" } else { "full" });
                same("published", sent, expected)
            }
            &Action::Batch { promised, comes, panics } => self.batch(promised, comes, panics),
            Action::Subscribe | Action::SubscribeOldest => {
                let Some(publisher) = &self.publisher else { return Ok(()) };
                let oldest = matches!(action, Action::SubscribeOldest);
                self.readers.push((self.known, publisher.subscribe(oldest)));
                self.model.subscribe(oldest);
                self.known += 1;
                Ok(())
            }
            Action::After(picks) => {
                let picks: Vec<usize> = picks.iter().filter_map(|&pick| self.pick(pick)).collect();
                let Some(publisher) = &self.publisher else { return Ok(()) };
                let ahead: Vec<&RingReader<Event>> = picks.iter().map(|&pick| &self.readers[pick].1).collect();
                let reader = publisher.after(&ahead);
                let expected = self.model.after(picks.iter().map(|&pick| self.readers[pick].0).collect());
                same("goes after", reader.is_some(), expected)?;
                if let Some(reader) = reader {
                    self.readers.push((self.known, reader));
                    self.known += 1;
                    self.note("goes after");
                }
                Ok(())
            }
            &Action::Read { pick, max, publishes, panics_at } => match self.pick(pick) {
                Some(reader) => self.read(reader, max, publishes, panics_at),
                None => Ok(()),
            },
            &Action::Receive(pick) => {
                let Some(reader) = self.pick(pick) else { return Ok(()) };
                let (number, reader) = &mut self.readers[reader];
                let got = reader.try_recv().map(|event| vec![event.number]);
                let expected = self.model.read(*number, 1, usize::MAX, &mut |_| ());
                let got = explained(got);
                self.note(name(&got));
                same("received", got, expected)
            }
            &Action::Drain(pick, max) => {
                let Some(reader) = self.pick(pick) else { return Ok(()) };
                let (number, reader) = &mut self.readers[reader];
                let got: Vec<u32> = reader.drain(max).map(|event| event.number).collect();
                same("drained", got, drained(&mut self.model, *number, max))
            }
            &Action::Leave(pick) => {
                if let Some(reader) = self.pick(pick) {
                    let (number, reader) = self.readers.swap_remove(reader);
                    drop(reader);
                    self.model.leave(number);
                }
                Ok(())
            }
            Action::Close => {
                self.publisher = None;
                self.model.closed = true;
                Ok(())
            }
        }
    }

    fn batch(&mut self, promised: usize, comes: usize, panics: bool) -> Result<(), String> {
        let Some(publisher) = &mut self.publisher else { return Ok(()) };
        let numbers: Vec<u32> = (0..comes).map(|_| self.model.number()).collect();
        let events: Vec<Event> = numbers.iter().map(|&number| Event::new(number, &self.alive)).collect();
        let sent = publisher.batch(Batch { promised, events: events.into_iter(), panics });
        let expected = self.model.batch(promised, &numbers);
        match sent {
            Err(()) => {
                self.note("a batch panicked");
                same("it was to panic", true, panics && expected && comes < promised)
            }
            Ok(sent) => {
                self.note(match (sent, comes < promised) {
                    (false, _) => "no room for a batch",
                    (true, true) => "a short batch",
                    (true, false) => "a batch",
                });
                same("batch", sent, expected)
            }
        }
    }

    fn read(&mut self, reader: usize, max: usize, publishes: usize, panics_at: usize) -> Result<(), String> {
        let (number, reader) = &mut self.readers[reader];
        let numbers: Vec<u32> = (0..publishes).map(|_| self.model.number()).collect();
        let (publisher, alive) = (&mut self.publisher, &self.alive);
        let (mut got, mut published) = (Vec::new(), Vec::new());
        let read = catch_unwind(AssertUnwindSafe(|| {
            reader.try_read(max, |event| {
                if let (true, Some(publisher)) = (got.is_empty(), publisher.as_mut()) {
                    published.extend(numbers.iter().map(|&number| publisher.publish(Event::new(number, alive))));
                }
                let panics = got.len() == panics_at;
                got.push(event.number);
                if panics {
                    resume_unwind(Box::new(OnPurpose));
                }
            })
        }));
        let is_open = publisher.is_some();
        let mut expected_published = Vec::new();
        let expected = self.model.read(*number, max, panics_at, &mut |model| {
            if is_open {
                expected_published.extend(numbers.iter().map(|&number| model.publish(number)));
            }
        });
        let count = got.len();
        let got = match read {
            Err(payload) if payload.is::<OnPurpose>() => Read::Panicked(got),
            Err(payload) => resume_unwind(payload),
            Ok(Ok(returned)) => {
                same("how many were read", returned, count)?;
                Read::Events(got)
            }
            Ok(Err(error)) => explained(Err(error)),
        };
        self.note(name(&got));
        same("published while it reads", published, expected_published)?;
        same("read", got, expected)
    }

    fn compare(&mut self) -> Result<(), String> {
        // Whoever goes last takes the ring along.
        let is_gone = self.publisher.is_none() && self.readers.is_empty();
        let held = if is_gone { 0 } else { self.model.held() };
        same("events that there are", self.alive.load(SeqCst), held)?;
        for (number, reader) in &self.readers {
            same("len", reader.len(), self.model.len(*number))?;
        }
        if let Some(publisher) = &self.publisher {
            let figures = publisher.figures();
            same("published", figures.published, self.model.published() as u64)?;
            same("readers", figures.readers as usize, self.readers.len())?;
            same("lost", figures.lost, self.model.lost)?;
        }
        Ok(())
    }
}

/// One after the other, as the iterator takes them.
fn drained(model: &mut Model, reader: usize, max: usize) -> Vec<u32> {
    (0..max).map_while(|_| model.drain(reader, 1).pop()).collect()
}

fn explained(got: Result<Vec<u32>, TryRecvError>) -> Read {
    match got {
        Ok(events) => Read::Events(events),
        Err(TryRecvError::Lagged(lost)) => Read::Lagged(lost),
        Err(TryRecvError::Empty) => Read::Empty,
        Err(TryRecvError::Closed(CloseReason::PublishersGone)) => Read::PublishersGone,
        Err(TryRecvError::Closed(CloseReason::ReaderAheadGone)) => Read::ReaderAheadGone,
        Err(error) => panic!("not an error of a ring: {error:?}"),
    }
}

fn name(read: &Read) -> &'static str {
    match read {
        Read::Events(_) => "read",
        Read::Panicked(_) => "panicked while reading",
        Read::Lagged(_) => "lagged",
        Read::Empty => "empty",
        Read::PublishersGone => "publishers gone",
        Read::ReaderAheadGone => "reader ahead gone",
    }
}
