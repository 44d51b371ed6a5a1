//! The bell: where those sleep who wait until something happens, threads and tasks.
//!
//! Whoever makes something happen must not pay for those who could be asleep and are not. So it is the asymmetric
//! handshake of the pin once more (see [`barrier`]):
//!
//! | who rings | who sleeps |
//! | --- | --- |
//! | makes it visible; light barrier; are there *sleepers*? | adds itself to the *sleepers*; heavy barrier; is it visible? |
//! | no: done. Yes: takes them out, and wakes them | no: sleeps. Yes: takes itself out again, or leaves itself to be woken in vain |
//!
//! Of two barriers one is first. If the ringer's is, the sleeper sees what happened, and does not sleep. If the sleeper's is,
//! the ringer finds it among the sleepers. Who is taken out is woken, always; who is woken looks again, and adds itself again
//! if it was for nothing. So one ringer pays for a sleep, not each that comes before the sleeper has got up.
//!
//! `late` is a bell that is not made before somebody waits.

#[cfg(any(loom, feature = "async"))]
mod late;

#[cfg(any(loom, feature = "async"))]
pub(crate) use late::LateBell;

use super::wait::{Rounds, Wait, is_over};
use crate::epoch::barrier::{self, PinFlavour};
use crate::panics::isolated;
use crate::sync::diagnostic::{AtomicU32 as Count, Relaxed};
use crate::sync::sleep::{Mutex, MutexGuard, Thread, current, park};
use crate::sync::{AtomicU32, Ordering};
use smallvec::SmallVec;
use std::cell::LazyCell;
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::task::Waker;
use std::time::Instant;

/// Those who sleep until something happens.
#[repr(align(128))]
pub(crate) struct Bell {
    /// How many there are in `sleepers`. Written under its lock; read by who rings.
    asleep: AtomicU32,
    /// How often somebody was taken out to be woken.
    rounds: Count,
    flavour: PinFlavour,
    /// No foreign code runs under the lock, wakers' own included.
    sleepers: Mutex<Sleepers>,
}

struct Sleepers {
    /// The number of the next one.
    next: u64,
    /// By number. Who has left leaves an empty place.
    list: VecDeque<Sleeper>,
    /// How many have not left.
    asleep: usize,
}

impl Sleepers {
    fn new() -> Self {
        Self { next: 0, list: VecDeque::with_capacity(ROUND), asleep: 0 }
    }

    fn add(&mut self, who: Who) -> u64 {
        let number = self.next;
        self.next += 1;
        self.list.push_back(Sleeper { number, who: Some(who) });
        self.asleep += 1;
        number
    }

    /// The place of that one, which it may have left.
    fn place(&mut self, number: u64) -> Option<&mut Option<Who>> {
        let place = self.list.binary_search_by_key(&number, |sleeper| sleeper.number).ok()?;
        Some(&mut self.list[place].who)
    }

    /// That one, if it is there.
    fn find(&mut self, number: u64) -> Option<&mut Who> {
        self.place(number)?.as_mut()
    }

    /// Takes that one out, if it is there. Its place goes with it at either end, and else when there are more empty ones than others.
    fn remove(&mut self, number: u64) -> Option<Who> {
        let who = self.place(number)?.take()?;
        self.asleep -= 1;
        let is_empty = |sleeper: Option<&Sleeper>| sleeper.is_some_and(|sleeper| sleeper.who.is_none());
        while is_empty(self.list.back()) {
            self.list.pop_back();
        }
        while is_empty(self.list.front()) {
            self.list.pop_front();
        }
        if self.list.len() > 2 * self.asleep {
            self.list.retain(|sleeper| sleeper.who.is_some());
        }
        Some(who)
    }

    /// Takes a round of those before `end` out, and whether there are no more of them.
    fn take_round(&mut self, end: u64) -> (SmallVec<[Who; ROUND]>, bool) {
        let count = self.list.iter().take(ROUND).take_while(|sleeper| sleeper.number < end).count();
        let round: SmallVec<_> = self.list.drain(..count).filter_map(|sleeper| sleeper.who).collect();
        self.asleep -= round.len();
        (round, self.list.front().is_none_or(|sleeper| sleeper.number >= end))
    }
}

struct Sleeper {
    number: u64,
    who: Option<Who>,
}

enum Who {
    Thread(Thread),
    Task(Waker),
}

/// The place of one task among the sleepers of one bell, which has to be [given back](Bell::leave).
#[derive(Debug, Default)]
pub(crate) struct Ticket(Option<u64>);

/// So many are woken under one hold of the lock.
const ROUND: usize = 8;

impl Bell {
    pub(crate) fn new() -> Self {
        Self {
            asleep: AtomicU32::new(0),
            rounds: Count::new(0),
            flavour: barrier::pin_flavour(),
            sleepers: Mutex::new(Sleepers::new()),
        }
    }

    /// Wakes those who sleep, after something was made visible to them. To whom it comes too late, they see it.
    ///
    /// Cost: a load, if nobody sleeps. (And a fence, in the fence flavour.) Runs wakers, foreign code, if tasks do.
    #[inline(always)]
    pub(crate) fn ring(&self) {
        // Partner: the heavy barrier in `announced`. See the module's table.
        barrier::light(self.flavour);
        // Relaxed: the barrier orders it with what was made visible; who they are comes with the lock.
        if self.asleep.load(Ordering::Relaxed) != 0 {
            self.wake_all();
        }
    }

    /// Wakes all who sleep now; those who come while it does so will see why.
    #[cold]
    #[inline(never)]
    fn wake_all(&self) {
        let mut end = None;
        loop {
            let (round, is_last) = self.take_out(&mut end);
            for who in round {
                match who {
                    Who::Thread(thread) => thread.unpark(),
                    // Foreign code, and the finding of a model if it panics in one.
                    Who::Task(waker) if cfg!(loom) => waker.wake(),
                    Who::Task(waker) => _ = isolated(|| waker.wake()),
                }
            }
            if is_last {
                return;
            }
        }
    }

    /// Takes out a round of those who came before the first call, and whether it was the last one.
    fn take_out(&self, end: &mut Option<u64>) -> (SmallVec<[Who; ROUND]>, bool) {
        let mut sleepers = self.lock();
        let end = *end.get_or_insert(sleepers.next);
        let taken = sleepers.take_round(end);
        self.rounds.fetch_add(1, Relaxed);
        self.count(&sleepers);
        taken
    }

    /// Waits until `ready` is something, or the deadline has come: then it looks a last time. `ready` is asked again and again, and
    /// what makes it change rings. The deadline is asked for, once, when a clock is to be read: not if something comes soon.
    pub(crate) fn wait<R>(
        &self,
        wait: Wait,
        deadline: impl FnOnce() -> Option<Instant>,
        mut ready: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let deadline = LazyCell::new(deadline);
        let mut rounds = Rounds::new(wait);
        loop {
            let found = ready();
            if found.is_some() {
                return found;
            }
            if !rounds.pause(|| *deadline) {
                break;
            }
        }
        let deadline = *deadline;
        if wait == Wait::Park && !is_over(deadline) { self.sleep(deadline, ready) } else { ready() }
    }

    #[cold]
    fn sleep<R>(&self, deadline: Option<Instant>, mut ready: impl FnMut() -> Option<R>) -> Option<R> {
        let mut place = Place { bell: self, ticket: Ticket::default() };
        loop {
            self.announced(&mut place.ticket, || Who::Thread(current()));
            let found = ready();
            if found.is_some() || is_over(deadline) {
                return found;
            }
            park(deadline);
            // Before we announce ourselves again, which costs more than a look.
            let found = ready();
            if found.is_some() {
                return found;
            }
        }
    }

    /// Has a task woken when it rings the next time. After it has returned, the caller looks, and may go to sleep if there is
    /// nothing; what happens after that look rings.
    ///
    /// One task per ticket: another waker replaces the one before.
    #[cfg_attr(not(feature = "async"), allow(dead_code))]
    pub(crate) fn enter(&self, ticket: &mut Ticket, waker: &Waker) {
        if self.is_asleep(ticket, |who| matches!(who, Who::Task(known) if known.will_wake(waker))) {
            // It was announced when it came, and nobody has taken it out: who rings from now on finds it.
            return;
        }
        // Cloned outside of the lock, and whatever it replaces is dropped outside of it: both are foreign code.
        let mut waker = Some(waker.clone());
        let replaced = self.replace(ticket, &mut waker);
        if let Some(waker) = waker {
            self.announced(ticket, || Who::Task(waker));
        }
        drop(replaced);
    }

    /// Takes a task out, if it is still among the sleepers.
    pub(crate) fn leave(&self, ticket: &mut Ticket) {
        let Some(number) = ticket.0.take() else { return };
        let mut sleepers = self.lock();
        let sleeper = sleepers.remove(number);
        self.count(&sleepers);
        drop(sleepers);
        // Outside of the lock: a waker's destructor may do anything.
        drop(sleeper);
    }

    /// Changes when sleepers are taken out. Who finds it unchanged has not been, or is being woken.
    #[cfg_attr(not(feature = "async"), allow(dead_code))]
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.load(Relaxed)
    }

    /// Adds to the sleepers, if the ticket's is not among them, and runs the heavy barrier.
    fn announced(&self, ticket: &mut Ticket, who: impl FnOnce() -> Who) {
        if self.is_asleep(ticket, |_| true) {
            return;
        }
        let who = who();
        let mut sleepers = self.lock();
        let number = sleepers.add(who);
        self.count(&sleepers);
        drop(sleepers);
        ticket.0 = Some(number);
        // Partner: the light barrier in `ring`. See the module's table.
        barrier::heavy();
    }

    /// Puts the waker into the place of the ticket, if that is still among the sleepers, and hands out what was there.
    fn replace(&self, ticket: &Ticket, waker: &mut Option<Waker>) -> Option<Who> {
        let number = ticket.0?;
        let mut sleepers = self.lock();
        let who = sleepers.find(number)?;
        Some(std::mem::replace(who, Who::Task(waker.take()?)))
    }

    /// Is the ticket's sleeper among them, and as it should be?
    fn is_asleep(&self, ticket: &Ticket, is_right: impl FnOnce(&Who) -> bool) -> bool {
        ticket.0.is_some_and(|number| {
            let mut sleepers = self.lock();
            sleepers.find(number).is_some_and(|who| is_right(who))
        })
    }

    /// Says how many there are, under the lock.
    fn count(&self, sleepers: &Sleepers) {
        // Relaxed: ordered by the lock for who writes it, by the barriers for who rings.
        self.asleep.store(sleepers.asleep as u32, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's place among the sleepers, left when it has seen what it waited for, or has panicked.
struct Place<'a> {
    bell: &'a Bell,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.bell.leave(&mut self.ticket);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
