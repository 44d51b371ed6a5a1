//! What must become of each object of a pool, as a plain map from its number.

use super::object::Event;
use super::program::{How, Place, Settings};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What must not happen has happened.
pub type Check<T = ()> = Result<T, String>;
/// What has been written down by constructors, resets and destructors, and not been looked at yet.
pub type Events = VecDeque<Event>;

/// So many idle objects a thread may have at hand.
const AT_HAND: usize = 124;
/// Resizing goes by the need of so long.
pub const WINDOW: Duration = Duration::from_secs(6);

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Ready to be handed out.
    Idle,
    /// In a guard, or forgotten.
    Out,
    /// Under the key of that number.
    Kept {
        /// Which one.
        key: usize,
        /// Somebody is using it.
        used: bool,
        /// It returns after that.
        doomed: bool,
    },
}

/// What became of who asked for an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    /// They have that one.
    One(u64),
    /// There is none.
    None,
    /// The constructor panicked.
    Panicked,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) state: State,
    /// When it was taken.
    pub(super) since: Duration,
}

/// A pool.
#[derive(Debug)]
pub struct Model {
    /// How it was described.
    pub settings: Settings,
    pub(super) objects: BTreeMap<u64, Item>,
    pub(super) is_open: bool,
    /// Threads that may have idle objects at hand.
    pub(super) users: BTreeSet<Place>,
    pub(super) fresh: bool,
    pub(super) gets: u64,
    pub(super) misses: u64,
    pub(super) exhausted: u64,
    pub(super) panics: u64,
    pub(super) peak: usize,
    pub(super) most: usize,
    /// The most that would have been out if no constructor had panicked.
    pub(super) nearly: usize,
    pub(super) resizes: u64,
    /// Objects at the last resize.
    pub(super) seen: usize,
    pub(super) leaks_suspected: usize,
    /// The fewest objects that there were at each time, and the most that were out.
    pub(super) history: BTreeMap<Duration, (usize, usize)>,
    /// When an object was lost that was out.
    pub(super) lost: Option<Duration>,
    pub(super) now: Duration,
    /// How often what has happened.
    pub tally: BTreeMap<&'static str, usize>,
}

/// Says no, unless it holds.
pub fn hold(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}

impl Model {
    /// One that is empty.
    pub fn new(settings: Settings, now: Duration) -> Self {
        Self {
            settings,
            objects: BTreeMap::new(),
            is_open: true,
            users: BTreeSet::new(),
            fresh: false,
            gets: 0,
            misses: 0,
            exhausted: 0,
            panics: 0,
            peak: 0,
            most: 0,
            nearly: 0,
            resizes: 0,
            seen: 0,
            leaks_suspected: 0,
            history: BTreeMap::from([(now, (0, 0))]),
            lost: None,
            now,
            tally: BTreeMap::new(),
        }
    }

    fn note(&mut self) {
        let (len, out) = (self.len(), self.out());
        let (fewest, most) = self.history.entry(self.now).or_insert((len, out));
        (*fewest, *most) = (len.min(*fewest), out.max(*most));
        self.most = self.most.max(len);
        self.peak = self.peak.max(out);
    }

    /// The fewest objects there were in five of the six parts of the window, and the most that were out.
    pub(super) fn of_late(&self) -> (usize, usize) {
        let late = self.history.iter().filter(|(time, _)| **time + WINDOW * 5 / 6 > self.now);
        late.fold((usize::MAX, 0), |(fewest, most), (_, (len, out))| (fewest.min(*len), most.max(*out)))
    }

    /// Does only the program's own thread use it?
    pub(super) fn is_alone(&self) -> bool {
        !self.fresh && self.users.iter().all(|user| *user == Place::Main)
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Something is about to be done there and then.
    pub fn begin(&mut self, place: Place, now: Duration) {
        self.at(now);
        match place {
            Place::Fresh => self.fresh = true,
            other => drop(self.users.insert(other)),
        }
    }

    /// So late it is.
    pub fn at(&mut self, now: Duration) {
        self.now = now;
        self.note();
    }

    /// Where an object is, if it is.
    pub fn state(&self, number: u64) -> Option<State> {
        self.objects.get(&number).map(|item| item.state)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    pub(super) fn idle(&self) -> usize {
        self.objects.values().filter(|item| item.state == State::Idle).count()
    }

    pub(super) fn out(&self) -> usize {
        self.len() - self.idle()
    }

    /// Is it open?
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    // --- taking ------------------------------------------------------------------------------------------------------

    fn set(&mut self, number: u64, state: State) {
        let since = self.now;
        self.objects.entry(number).or_insert(Item { state, since }).state = state;
        self.note();
    }

    /// Takes note of the making of an object, for somebody or for nobody yet.
    pub(super) fn made(&mut self, number: u64, state: State) -> Check {
        hold(!self.objects.contains_key(&number), || format!("object {number} was made twice"))?;
        self.set(number, state);
        Ok(())
    }

    /// Somebody asks for an object there.
    pub fn take(&mut self, place: Place, how: How, got: Got, events: &mut Events) -> Check {
        let (idle, is_full) = (self.idle(), self.len() >= self.settings.max);
        let made = match (got, events.front()) {
            (Got::One(number), Some(Event::Made(made))) => *made == number,
            (Got::Panicked, Some(Event::NotMade)) => true,
            _ => false,
        };
        if made {
            events.pop_front();
            // What others have at hand need not be looked for, unless there may be no more.
            let others = self.users.iter().filter(|user| **user != place).count();
            let may = idle == 0 || !is_full && idle <= AT_HAND * others;
            hold(may, || format!("one was made for {place:?} although {idle} were idle: {:?}", self.settings))?;
            hold(!is_full || how == How::Get, || format!("{how:?} made one beyond the limit: {:?}", self.settings))?;
            self.count(if idle > 0 { "made while others had some at hand" } else { "made" });
            if is_full {
                self.exhausted += 1;
                self.count("made beyond the limit");
            }
        }
        match got {
            Got::One(number) if made => {
                self.made(number, State::Out)?;
                self.misses += 1;
                self.gets += 1;
            }
            Got::One(number) => {
                let state = self.state(number);
                hold(state == Some(State::Idle), || format!("object {number}, which is {state:?}, was handed out"))?;
                self.count("used again");
                self.objects.remove(&number);
                self.set(number, State::Out);
                self.gets += 1;
            }
            Got::None => {
                hold(how != How::Get && is_full && idle == 0, || {
                    format!("{how:?} got none of {} objects, {idle} of them idle: {:?}", self.len(), self.settings)
                })?;
                self.exhausted += 1;
                self.count("exhausted");
            }
            Got::Panicked => {
                hold(made, || "a get panicked, but no constructor has".to_owned())?;
                self.panics += 1;
                self.count("the constructor panicked");
                // While it was being made it may have counted as out.
                self.nearly = self.nearly.max(self.out() + 1);
            }
        }
        Ok(())
    }

    // --- returning ---------------------------------------------------------------------------------------------------

    /// An object returns there.
    pub fn returns(&mut self, place: Place, number: u64, events: &mut Events) -> Check {
        let next = events.pop_front();
        hold(next == Some(Event::Resetting(number)), || format!("{number} returns, but is not reset: {next:?}"))?;
        hold(self.state(number).is_some_and(|state| state != State::Idle), || format!("{number} returns twice"))?;
        let panicked = loop {
            match events.pop_front() {
                Some(Event::Reset { number: reset, panicked }) if reset == number => break panicked,
                Some(Event::NotMade) => {
                    events.push_front(Event::NotMade);
                    self.take(place, How::Get, Got::Panicked, events)?;
                }
                Some(Event::Made(made)) => {
                    let next = events.pop_front();
                    hold(next == Some(Event::Taken(made)), || format!("{made} was made, then {next:?}"))?;
                    self.taken_by_reset(place, made, Some(Event::Made(made)), events)?;
                }
                Some(Event::Taken(taken)) => self.taken_by_reset(place, taken, None, events)?,
                other => return Err(format!("while {number} is reset: {other:?}")),
            }
        };
        if panicked {
            self.panics += 1;
            self.count("the reset panicked");
            return self.dropped(number, events);
        }
        if !self.is_open || self.len() > self.settings.max {
            self.count(if self.is_open { "too many, and dropped" } else { "back after the end" });
            return self.dropped(number, events);
        }
        self.set(number, State::Idle);
        Ok(())
    }

    fn taken_by_reset(&mut self, place: Place, number: u64, made: Option<Event>, events: &mut Events) -> Check {
        self.count("taken by a reset");
        let mut first = Events::from_iter(made);
        self.take(place, How::Get, Got::One(number), &mut first)?;
        self.returns(place, number, events)
    }

    /// Those that are no longer under keys return, in whatever order.
    pub fn all_return(&mut self, place: Place, mut numbers: BTreeSet<u64>, events: &mut Events) -> Check {
        while !numbers.is_empty() {
            let Some(&Event::Resetting(number)) = events.front() else {
                return Err(format!("{numbers:?} should return, but {:?}", events.front()));
            };
            hold(numbers.remove(&number), || format!("{number} returns instead of {numbers:?}"))?;
            self.returns(place, number, events)?;
        }
        Ok(())
    }

    /// The pool drops an object.
    pub(super) fn dropped(&mut self, number: u64, events: &mut Events) -> Check {
        match events.pop_front() {
            Some(Event::Dropped { number: dropped, panicked }) if dropped == number => {
                if panicked {
                    self.panics += 1;
                    self.count("the destructor panicked");
                }
                let item = self.objects.remove(&number);
                if item.is_some_and(|item| item.state != State::Idle) {
                    self.lost = Some(self.now);
                }
                self.note();
                Ok(())
            }
            other => Err(format!("{number} should be dropped, but {other:?}")),
        }
    }

    /// Somebody takes an object for good, and drops it.
    pub fn detached(&mut self, number: u64, events: &mut Events) -> Check {
        let panics = self.panics;
        self.dropped(number, events)?;
        // That is no panic of the pool's.
        self.panics = panics;
        self.count("detached");
        Ok(())
    }

    // --- keys --------------------------------------------------------------------------------------------------------

    /// An object that is out is left to the pool.
    pub fn keep(&mut self, place: Place, number: u64, key: usize, events: &mut Events) -> Check {
        if self.is_open {
            self.set(number, State::Kept { key, used: false, doomed: false });
            return Ok(());
        }
        self.count("kept by a pool that is gone");
        self.returns(place, number, events)
    }

    /// The objects under keys that stand for something, and whether they are used.
    pub fn kept(&self) -> Vec<(usize, u64, bool)> {
        let kept = |(number, item): (&u64, &Item)| match item.state {
            State::Kept { key, used, doomed: false } => Some((key, *number, used)),
            _ => None,
        };
        self.objects.iter().filter_map(kept).collect()
    }

    /// Somebody begins to use an object under its key.
    pub fn begin_use(&mut self, number: u64, key: usize) -> Check {
        let state = self.state(number);
        let expected = State::Kept { key, used: false, doomed: false };
        hold(state == Some(expected), || format!("object {number} is used by key {key}, but it is {state:?}"))?;
        self.set(number, State::Kept { key, used: true, doomed: false });
        Ok(())
    }

    /// Ends it. Was it to return?
    pub fn end_use(&mut self, place: Place, number: u64, events: &mut Events) -> Check<bool> {
        match self.state(number) {
            Some(State::Kept { doomed: true, .. }) => {
                self.count("returned by its user");
                self.returns(place, number, events)?;
                Ok(true)
            }
            Some(State::Kept { key, .. }) => {
                self.set(number, State::Kept { key, used: false, doomed: false });
                Ok(false)
            }
            other => Err(format!("object {number} was in use, and is {other:?}")),
        }
    }

    /// Takes the object of that key back. Which one, if it is not in use.
    pub fn take_back(&mut self, key: usize) -> (bool, Option<u64>) {
        match self.kept().into_iter().find(|(other, ..)| *other == key) {
            None => (false, None),
            Some((_, number, true)) => {
                self.set(number, State::Kept { key, used: true, doomed: true });
                self.count("taken back while in use");
                (true, None)
            }
            Some((_, number, false)) => {
                self.set(number, State::Out);
                (true, Some(number))
            }
        }
    }

    /// Takes the objects of all keys back: how many, and which are not in use.
    pub fn take_all_back(&mut self) -> (usize, BTreeSet<u64>) {
        let keys: Vec<_> = self.kept().into_iter().map(|(key, ..)| key).collect();
        let taken = keys.iter().filter_map(|key| self.take_back(*key).1).collect();
        (keys.len(), taken)
    }
}
