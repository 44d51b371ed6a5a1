//! From events to steps.

use super::names::Names;
use super::{NOBODY, Op, Plan, Seat, Step, TopicPlan};
use crate::recording::{self, Event};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Compiles a recording, event by event.
#[derive(Debug, Default)]
pub struct Compiler {
    topic_names: Names,
    owner_names: Names,
    /// By owner name: the identity that goes under it at the moment.
    identities: Vec<Option<u32>>,
    /// By identity: its seats, by topic.
    seats: Vec<BTreeMap<u32, u32>>,
    /// By topic: who sits where, and what is free.
    halls: Vec<Hall>,
    /// How many connections there are, and were at most.
    live: u32,
    peak: u32,
    plan: Plan,
}

/// The seats of one topic.
#[derive(Debug, Default)]
struct Hall {
    /// By seat: the identity that its connection was made for, whoever has it now.
    made_for: Vec<u32>,
    free: Vec<u32>,
}

impl Hall {
    fn taken(&self) -> usize {
        self.made_for.len() - self.free.len()
    }
}

impl Compiler {
    /// Takes the next event; `None` when a number does not fit 32 bits any more.
    pub fn push(&mut self, event: &Event<'_>) -> Option<()> {
        // One number below the largest stays unused: it is NOBODY among the identities.
        let number = u32::try_from(self.plan.times.len()).ok().filter(|n| *n < NOBODY)?;
        self.plan.times.push(event.t_ms);
        let owner = self.owner(event.owner)?;
        match event.op {
            recording::Op::Join(topic) => self.join(number, owner, topic),
            recording::Op::Leave(topic) => self.leave(number, owner, topic),
            recording::Op::Quit => self.quit(number, owner),
            recording::Op::Rename(name) => self.rename(number, owner, name),
            recording::Op::Message { topic, bytes } => self.message(number, owner, topic, bytes),
        }
    }

    /// The finished plan.
    pub fn finish(mut self) -> Plan {
        for (topic, hall) in self.plan.topics.iter_mut().zip(&self.halls) {
            topic.seats = hall.made_for.len() as u32;
        }
        self.plan
    }

    /// How many different owner names there were.
    pub fn owner_names(&self) -> usize {
        self.owner_names.len()
    }

    fn join(&mut self, event: u32, owner: usize, topic: &str) -> Option<()> {
        self.plan.counts.joins += 1;
        let topic = self.topic(topic)?;
        let identity = match self.identities[owner] {
            Some(identity) => identity,
            None => {
                let fresh = u32::try_from(self.seats.len()).ok().filter(|n| *n < NOBODY)?;
                self.seats.push(BTreeMap::new());
                *self.identities[owner].insert(fresh)
            }
        };
        if self.seats[identity as usize].contains_key(&topic) {
            self.plan.counts.repeated_joins += 1;
            return Some(());
        }
        let hall = &mut self.halls[topic as usize];
        let seat = match hall.free.pop() {
            Some(seat) => seat,
            None => {
                hall.made_for.push(NOBODY);
                u32::try_from(hall.made_for.len() - 1).ok()?
            }
        };
        hall.made_for[seat as usize] = identity;
        self.seats[identity as usize].insert(topic, seat);
        self.step(event, Op::Join { topic, seat, identity });
        self.live += 1;
        if self.live > self.peak {
            self.peak = self.live;
            self.plan.fullest = Some(event);
        }
        Some(())
    }

    fn leave(&mut self, event: u32, owner: usize, topic: &str) -> Option<()> {
        self.plan.counts.leaves += 1;
        let topic = self.topic(topic)?;
        let seat = self.identities[owner].and_then(|identity| self.seats[identity as usize].remove(&topic));
        match seat {
            None => self.plan.counts.unmatched_leaves += 1,
            Some(seat) => self.vacate(event, Seat { topic, seat }),
        }
        Some(())
    }

    fn quit(&mut self, event: u32, owner: usize) -> Option<()> {
        self.plan.counts.quits += 1;
        let Some(identity) = self.seated(owner) else {
            self.plan.counts.unmatched_quits += 1;
            return Some(());
        };
        // Mostly under one identity: others come by merges.
        let mut left: BTreeMap<u32, Vec<Seat>> = BTreeMap::new();
        for (topic, seat) in std::mem::take(&mut self.seats[identity as usize]) {
            let made_for = self.halls[topic as usize].made_for[seat as usize];
            left.entry(made_for).or_default().push(Seat { topic, seat });
            self.release(Seat { topic, seat });
        }
        for (identity, seats) in left {
            let first = u32::try_from(self.plan.cleanups.len()).ok()?;
            let count = u32::try_from(seats.len()).ok()?;
            self.plan.cleanups.extend(seats);
            self.step(event, Op::Cleanup { identity, first, count });
        }
        Some(())
    }

    fn rename(&mut self, event: u32, owner: usize, name: &str) -> Option<()> {
        self.plan.counts.renames += 1;
        let heir = self.owner(name)?;
        let Some(identity) = self.seated(owner).filter(|_| owner != heir) else {
            self.plan.counts.idle_renames += 1;
            return Some(());
        };
        self.identities[owner] = None;
        let Some(merged) = self.seated(heir) else {
            self.identities[heir] = Some(identity);
            return Some(());
        };
        for (topic, seat) in std::mem::take(&mut self.seats[identity as usize]) {
            match self.seats[merged as usize].entry(topic) {
                Entry::Occupied(_) => {
                    self.plan.counts.collapsed += 1;
                    self.vacate(event, Seat { topic, seat });
                }
                Entry::Vacant(place) => {
                    place.insert(seat);
                    self.step(event, Op::Merge { seat: Seat { topic, seat }, identity: merged });
                }
            }
        }
        Some(())
    }

    fn message(&mut self, event: u32, owner: usize, topic: &str, bytes: u32) -> Option<()> {
        self.plan.counts.messages += 1;
        let topic = self.topic(topic)?;
        let sender = self.identities[owner].unwrap_or(NOBODY);
        let planned = &mut self.plan.topics[topic as usize];
        planned.messages += 1;
        planned.met += self.halls[topic as usize].taken() as u64;
        self.step(event, Op::Message { topic, sender, bytes });
        Some(())
    }

    /// The identity that goes under this name, if it has a connection anywhere.
    fn seated(&self, owner: usize) -> Option<u32> {
        self.identities[owner].filter(|identity| !self.seats[*identity as usize].is_empty())
    }

    fn vacate(&mut self, event: u32, seat: Seat) {
        self.release(seat);
        self.step(event, Op::Leave(seat));
    }

    fn release(&mut self, seat: Seat) {
        self.halls[seat.topic as usize].free.push(seat.seat);
        self.live -= 1;
    }

    fn step(&mut self, event: u32, op: Op) {
        self.plan.steps.push(Step { event, op });
    }

    fn owner(&mut self, name: &str) -> Option<usize> {
        let number = self.owner_names.number(name)? as usize;
        if number == self.identities.len() {
            self.identities.push(None);
        }
        Some(number)
    }

    fn topic(&mut self, name: &str) -> Option<u32> {
        let number = self.topic_names.number(name)?;
        if number as usize == self.halls.len() {
            self.halls.push(Hall::default());
            self.plan.topics.push(TopicPlan { name: name.to_owned(), ..TopicPlan::default() });
        }
        Some(number)
    }
}
