//! One emitting thread: it takes its part of the plan through the bus, once per pass.

use super::latency::{Lookout, Meter, Times, Unmetered, wait_until};
use super::schedule::{Pace, Window};
use super::stage::{Account, Stage};
use super::wiring::Wiring;
use crate::heap;
use crate::plan::{Part, Plan, Step};
use pulsebus::{BusStatistics, Domain};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

/// How much time the bus gets for itself after every tick.
const MAINTENANCE: Duration = Duration::from_micros(100);

/// What a worker is told.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Make ready for a pass.
    Prepare(PassPlan),
    /// Begin the pass that was prepared, at this moment.
    Go(Instant),
}

/// How a pass is to be done.
#[derive(Clone, Copy, Debug)]
pub struct PassPlan {
    /// In which windows.
    pub pace: Pace,
    /// What is looked at meanwhile.
    pub look: Look,
}

/// What is looked at while a pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// What the bus knows when the recording has most connections.
    AtPeak,
    /// Nothing: for throughput.
    Away,
    /// A clock, around every emission.
    AtClock,
}

/// What a worker answers.
#[derive(Debug)]
pub enum Reply {
    /// The pass is prepared.
    Ready,
    /// The pass is over, its signals are gone.
    Done(Box<PassPart>),
}

/// What one thread's part of a pass came to.
#[derive(Debug)]
pub struct PassPart {
    /// What the bus did.
    pub account: Account,
    /// When it was over, counted from the common start.
    pub took: Duration,
    /// Heap calls of this thread, from the first step to the last.
    pub heap_calls: u64,
    /// Windows: ticks, if there were any.
    pub windows: u64,
    /// By how much the worst window was late.
    pub late: Duration,
    /// How long the emissions took, if that was measured.
    pub latencies: Times,
    /// What the bus knew when the recording had most connections, if it was this thread that made the last of them.
    pub at_peak: Option<BusStatistics>,
}

/// What a worker knows from the start.
#[derive(Clone, Copy)]
pub struct Worker<'a, W> {
    /// The plan, whose steps are in the parts.
    pub plan: &'a Plan,
    /// Its part.
    pub part: &'a Part,
    /// How many slots every topic has besides its owners'.
    pub extra_slots: u32,
    /// Where the signals live.
    pub domain: &'a Domain,
    /// How slots come to them.
    pub wiring: &'a W,
    /// How many steps of the pass are done.
    pub done: &'a Done,
}

/// A count of steps, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Done(pub AtomicU64);

impl<W: Wiring> Worker<'_, W> {
    /// Follows orders until there are no more.
    pub fn work(&self, orders: &Receiver<Order>, replies: &Sender<Reply>) {
        while let Ok(Order::Prepare(plan)) = orders.recv() {
            let stage = Stage::new(self.part, &self.plan.topics, self.wiring, self.extra_slots);
            let windows = plan.pace.windows(&self.part.steps, &self.plan.times);
            let mut latencies = Times::with_capacity(if plan.look == Look::AtClock { self.part.messages } else { 0 });
            let mut lookout = Lookout { event: self.plan.fullest, look: || self.wiring.statistics(), seen: None };
            self.done.0.store(0, Relaxed);
            if replies.send(Reply::Ready).is_err() {
                return;
            }
            let Ok(Order::Go(start)) = orders.recv() else { return };
            let mut done = match plan.look {
                Look::AtPeak => self.pass(stage, &windows, &plan.pace, start, &mut lookout),
                Look::Away => self.pass(stage, &windows, &plan.pace, start, &mut Unmetered),
                Look::AtClock => self.pass(stage, &windows, &plan.pace, start, &mut latencies),
            };
            (done.latencies, done.at_peak) = (latencies, lookout.seen);
            if replies.send(Reply::Done(Box::new(done))).is_err() {
                return;
            }
        }
    }

    fn pass(
        &self,
        mut stage: Stage<'_, W>,
        windows: &[Window],
        pace: &Pace,
        start: Instant,
        meter: &mut impl Meter,
    ) -> PassPart {
        let mut late = Duration::ZERO;
        let mut begin = 0;
        let heap_before = heap::calls_of_this_thread();
        for window in windows {
            if pace.speed.is_some() {
                late = late.max(wait_until(start.checked_add(window.due)));
            }
            let steps = &self.part.steps[begin..window.end];
            if pace.tick_hz.is_some() {
                self.tick(&mut stage, steps, meter);
            } else {
                for step in steps {
                    stage.perform(step, meter, |signal, message| {
                        signal.emit(message);
                    });
                }
            }
            begin = window.end;
            self.done.0.store(begin as u64, Relaxed);
        }
        let took = start.elapsed();
        let heap_calls = heap::calls_of_this_thread() - heap_before;
        let windows = windows.len() as u64;
        PassPart { account: stage.finish(), took, heap_calls, windows, late, latencies: Times::new(), at_peak: None }
    }

    /// One heartbeat: all its steps under one pin, then a moment for the bus itself.
    fn tick(&self, stage: &mut Stage<'_, W>, steps: &[Step], meter: &mut impl Meter) {
        self.domain.tick(|tick| {
            for step in steps {
                stage.perform(step, meter, |signal, message| {
                    tick.emit(signal, message);
                });
            }
        });
        self.wiring.maintain(MAINTENANCE);
    }
}
