//! What the pools hold, and what is called for it: all of it is written down, and fails when it is told to.

use super::program::Fuse;
use pulsebus::{ManualClock, Pool, PoolBuilder};
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// What a constructor, reset or destructor has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Event {
    Made(u64),
    /// The constructor panicked.
    NotMade,
    /// A reset begins.
    Resetting(u64),
    /// Inside a reset another object was taken; it is dropped there, too.
    Taken(u64),
    /// A reset ends.
    Reset {
        number: u64,
        panicked: bool,
    },
    Dropped {
        number: u64,
        panicked: bool,
    },
    /// Handed out with what the last user left in it.
    Dirty(u64),
}

/// What those functions of one pool share.
#[derive(Debug, Default)]
pub struct Foreign {
    events: Mutex<VecDeque<Event>>,
    made: AtomicU64,
    /// By [`Fuse`]: it goes off at the call of that number from now on; 0: never.
    fuses: [AtomicU32; 4],
    /// What the reset takes from.
    pool: Mutex<Weak<Pool<Object>>>,
}

impl Foreign {
    /// Has a fuse go off at the call of that number from now on; 0: never.
    pub fn arm(&self, fuse: Fuse, after: u32) {
        self.fuses[fuse as usize].store(after, SeqCst);
    }

    /// What has been written down since the last time.
    pub fn take_events(&self) -> VecDeque<Event> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The pool that it is of.
    pub fn set_pool(&self, pool: &Arc<Pool<Object>>) {
        *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(pool);
    }

    fn note(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
    }

    fn burns(&self, fuse: Fuse) -> bool {
        let fuse = &self.fuses[fuse as usize];
        fuse.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) == Ok(1)
    }

    /// Describes a pool of objects that write everything down here.
    pub fn builder(self: &Arc<Self>, window: Duration, hand: &ManualClock) -> PoolBuilder<Object> {
        let (make, reset) = (Arc::clone(self), Arc::clone(self));
        let builder = Pool::builder(move || Object::new(&make)).reset(move |object| reset.reset(object));
        builder.window(window).clock(&hand.clock())
    }

    fn reset(&self, object: &mut Object) {
        self.note(Event::Resetting(object.number));
        if self.burns(Fuse::ResetTakes) {
            let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            // Should the constructor panic, it has been noted.
            let taken = pool.and_then(|pool| catch_unwind(AssertUnwindSafe(|| pool.get())).ok());
            if let Some(mut taken) = taken {
                self.note(Event::Taken(taken.number));
                taken.begin_use();
            }
        }
        object.mark = 0;
        let panicked = self.burns(Fuse::Reset);
        self.note(Event::Reset { number: object.number, panicked });
        panic_if(panicked);
    }
}

/// An object of a pool.
#[derive(Debug)]
pub struct Object {
    /// No two objects of a pool have the same.
    pub number: u64,
    mark: u8,
    foreign: Arc<Foreign>,
}

impl Object {
    fn new(foreign: &Arc<Foreign>) -> Self {
        if foreign.burns(Fuse::Constructor) {
            foreign.note(Event::NotMade);
            panic_if(true);
        }
        let number = foreign.made.fetch_add(1, SeqCst);
        foreign.note(Event::Made(number));
        Self { number, mark: 0, foreign: Arc::clone(foreign) }
    }

    /// The first thing a user does; the object must be as new.
    pub fn begin_use(&mut self) -> u64 {
        if self.mark != 0 {
            self.foreign.note(Event::Dirty(self.number));
        }
        self.mark = 1;
        self.number
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let panicked = self.foreign.burns(Fuse::Destructor);
        self.foreign.note(Event::Dropped { number: self.number, panicked });
        panic_if(panicked);
    }
}

const PLANNED: &str = "as the program says";

/// Not `panic!`: thousands of expected messages would hide the one that matters.
pub fn panic_if(planned: bool) {
    if planned {
        resume_unwind(Box::new(PLANNED));
    }
}

/// Is that the payload of a panic that was to be?
pub fn is_planned(payload: &(dyn Any + Send)) -> bool {
    payload.downcast_ref::<&str>() == Some(&PLANNED)
}
