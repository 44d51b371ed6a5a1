//! Taking a plan through the bus: several passes over the same bus and domain, by threads that stay the same.
//!
//! The warm-up pass lets the bus take from the heap what it will need; the dispatch pass has no clock in its loop and is
//! what throughput and heap calls are taken from; the latency pass has a clock around every emission. A paced replay waits
//! most of the time, so there a clock costs no throughput, and the last two are one.

mod latency;
mod schedule;
mod stage;
mod timeline;
mod watched;
mod wiring;
mod worker;

pub use latency::{Bin, Latency};
pub use schedule::Pace;
pub use stage::CHUNK_SLOTS;
pub use timeline::Point;
pub use watched::{Observed, Watched, watch};

use crate::check::Figures;
use crate::error::Error;
use crate::plan::{self, Part, Plan};
use crate::progress::{Phase, Progress};
use pulsebus::{BusStatistics, Domain, Statistics};
use stage::{Hall, Ledger};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};
use wiring::{Bare, Tracked, Wiring};
use worker::{Done, Look, Order, PassPart, PassPlan, Reply, Worker};

/// The place of the dispatch pass among all passes.
pub const DISPATCH: usize = 1;

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How a plan is to be replayed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// In which windows.
    pub pace: Pace,
    /// From how many threads.
    pub threads: usize,
    /// How many slots every topic has besides its owners'.
    pub extra_slots: u32,
    /// On bare signals, not through the bus.
    pub engine: bool,
    /// How progress is shown.
    pub progress: Progress,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replay {
    /// The counts of every pass, by its name.
    pub passes: Vec<(&'static str, Figures)>,
    /// The pass that throughput is taken from.
    pub dispatch: Dispatch,
    /// How long emissions took.
    pub latency: Latency,
    /// Live connections after every event that changed them, in the dispatch pass.
    pub live: Vec<Point>,
    /// What the bus used for all passes.
    pub bus: Bus,
    /// What the bus counted by itself; `None` on bare signals.
    pub tracked: Option<TrackedFigures>,
    /// Captures that were not dropped after the final collection.
    pub leaks: u64,
    /// What a monitor saw in a pass of its own, if there was one.
    pub watched: Option<Watched>,
}

/// The pass that throughput is taken from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dispatch {
    /// From the common start to the end of the slowest thread.
    pub wall: Duration,
    /// Heap calls of the emitting threads, from the first event to the last.
    pub heap_calls: u64,
    /// Ticks that were not empty, of all threads.
    pub ticks: u64,
    /// By how much the worst window of a paced replay was late.
    pub late: Duration,
}

/// What the bus used for all passes.
#[derive(Debug)]
pub struct Bus {
    /// The domain at the end, after the final collection.
    pub statistics: Statistics,
    /// Chunks made while the replay ran.
    pub chunks_made: u64,
    /// Of these, in the dispatch pass: more than the warm-up had needed.
    pub chunks_made_in_dispatch: u64,
    /// Slots connected in all passes, extra ones included.
    pub slots_connected: u64,
}

/// What the bus counted by itself.
#[derive(Debug)]
pub struct TrackedFigures {
    /// When the recording had most connections, in the warm-up pass; `None` if it never had any.
    pub at_peak: Option<BusStatistics>,
    /// After all passes.
    pub at_end: BusStatistics,
}

/// Replays `plan`, whose steps are used up.
///
/// # Errors
/// When the threads cannot be started.
pub fn replay(plan: &mut Plan, settings: &Settings) -> Result<Replay, Error> {
    let domain = Domain::new();
    if settings.engine {
        replay_through(&Bare(&domain), &domain, plan, settings)
    } else {
        replay_through(&Tracked::new(&domain), &domain, plan, settings)
    }
}

fn replay_through<W: Wiring>(
    wiring: &W,
    domain: &Domain,
    plan: &mut Plan,
    settings: &Settings,
) -> Result<Replay, Error> {
    let parts = plan::split(plan, settings.threads, settings.extra_slots);
    let plan = &*plan;
    let progress: Vec<Done> = parts.iter().map(|_| Done::default()).collect();
    thread::scope(|scope| {
        let mut crew = Vec::with_capacity(parts.len());
        for (part, done) in parts.iter().zip(&progress) {
            let worker = Worker { plan, part, extra_slots: settings.extra_slots, domain, wiring, done };
            let (orders, ordered) = mpsc::channel();
            let (reply, replies) = mpsc::channel();
            let thread = thread::Builder::new().name("emitter".to_owned());
            let spawned = thread.spawn_scoped(scope, move || worker.work(&ordered, &reply));
            spawned.map_err(|error| Error::Threads { threads: parts.len(), error })?;
            crew.push(Emitter { orders, replies, done });
        }
        Ok(Run { plan, parts: &parts, settings, domain, wiring, crew }.passes())
    })
}

/// The main thread's side of an emitting thread.
struct Emitter<'a> {
    orders: Sender<Order>,
    replies: Receiver<Reply>,
    done: &'a Done,
}

struct Run<'a, W> {
    plan: &'a Plan,
    parts: &'a [Part],
    settings: &'a Settings,
    domain: &'a Domain,
    wiring: &'a W,
    crew: Vec<Emitter<'a>>,
}

/// One pass, put together.
struct Pass {
    figures: Figures,
    dispatch: Dispatch,
    live: Vec<Point>,
    latencies: Vec<latency::Times>,
    ledgers: Vec<Arc<Ledger>>,
    at_peak: Option<BusStatistics>,
    chunks_made: u64,
    slots_connected: u64,
}

impl<W: Wiring> Run<'_, W> {
    fn passes(&self) -> Replay {
        let pace = self.settings.pace;
        let flat_out = Pace { speed: None, ..pace };
        let mut warm_up = self.pass("warm-up", PassPlan { pace: flat_out, look: Look::AtPeak });
        let paced = pace.speed.is_some();
        let look = if paced { Look::AtClock } else { Look::Away };
        let mut dispatch = self.pass("dispatch", PassPlan { pace, look });
        let metered = (!paced).then(|| self.pass("latency", PassPlan { pace, look: Look::AtClock }));

        let at_peak = warm_up.at_peak.take();
        let mut latencies = std::mem::take(&mut dispatch.latencies);
        let mut passes = vec![("warm-up", warm_up), ("dispatch", dispatch)];
        if let Some(mut metered) = metered {
            latencies = std::mem::take(&mut metered.latencies);
            passes.push(("latency", metered));
        }
        let latency = Latency::new(self.parts.iter().zip(&latencies), &self.plan.times);
        let live = std::mem::take(&mut passes[DISPATCH].1.live);
        let sum = |of: fn(&Pass) -> u64| passes.iter().map(|(_, pass)| of(pass)).sum();
        let leaks = passes.iter().flat_map(|(_, pass)| &pass.ledgers).map(|ledger| ledger.undropped()).sum();
        Replay {
            dispatch: passes[DISPATCH].1.dispatch,
            latency,
            live,
            bus: Bus {
                statistics: self.domain.statistics(),
                chunks_made: sum(|pass| pass.chunks_made),
                chunks_made_in_dispatch: passes[DISPATCH].1.chunks_made,
                slots_connected: sum(|pass| pass.slots_connected),
            },
            tracked: self.wiring.statistics().map(|at_end| TrackedFigures { at_peak, at_end }),
            leaks,
            watched: None,
            passes: passes.into_iter().map(|(name, pass)| (name, pass.figures)).collect(),
        }
    }

    /// One pass by all threads, from the making of its topics to the collection of all that they held.
    fn pass(&self, name: &'static str, plan: PassPlan) -> Pass {
        let total: usize = self.parts.iter().map(|part| part.steps.len()).sum();
        let mut phase = self.settings.progress.phase(name, "steps", Some(total as u64));
        let made_before = self.domain.statistics().chunks_made;
        self.tell(Order::Prepare(plan));
        for emitter in &self.crew {
            let Reply::Ready = self.reply(emitter, &mut phase) else { unreachable!("nothing was begun") };
        }
        self.tell(Order::Go(Instant::now()));
        let mut done = Vec::with_capacity(self.crew.len());
        for emitter in &self.crew {
            let Reply::Done(part) = self.reply(emitter, &mut phase) else { unreachable!("it was ready before") };
            done.push(*part);
        }
        self.wiring.end_pass();
        // All signals are gone by now; this drops what was waiting for its grace period. What it leaves is counted.
        let _ = self.domain.collect();
        phase.finish(total as u64);
        let made = self.domain.statistics().chunks_made - made_before;
        self.put_together(done, made as u64)
    }

    fn put_together(&self, parts: Vec<PassPart>, chunks_made: u64) -> Pass {
        let counts = &self.plan.counts;
        let mut figures = Figures {
            repeated_joins: counts.repeated_joins,
            unmatched_leaves: counts.unmatched_leaves,
            unmatched_quits: counts.unmatched_quits,
            idle_renames: counts.idle_renames,
            collapsed: counts.collapsed,
            ..Figures::default()
        };
        let mut dispatch = Dispatch::default();
        let mut changes = Vec::with_capacity(parts.len());
        let mut latencies = Vec::with_capacity(parts.len());
        let mut ledgers = Vec::with_capacity(parts.len());
        let mut at_peak = None;
        for (planned, part) in self.parts.iter().zip(parts) {
            let account = part.account;
            figures.messages += account.messages;
            figures.connects += account.connects;
            figures.disconnects += account.disconnects;
            figures.live_at_end += account.live_at_end;
            for (topic, Hall { room, .. }) in planned.topics.iter().zip(account.halls) {
                figures.deliveries += room.deliveries();
                figures.delivered_bytes += room.delivered_bytes();
                figures.topics.insert(self.plan.topics[topic.number as usize].name.clone(), room.deliveries());
            }
            dispatch.wall = dispatch.wall.max(part.took);
            dispatch.heap_calls += part.heap_calls;
            dispatch.ticks += part.windows;
            dispatch.late = dispatch.late.max(part.late);
            changes.push(account.changes);
            latencies.push(part.latencies);
            at_peak = at_peak.or(part.at_peak);
            ledgers.push(account.ledger);
        }
        if self.settings.pace.tick_hz.is_none() {
            dispatch.ticks = 0;
        }
        let live = timeline::live_over_time(changes);
        figures.peak_live = timeline::peak(&live);
        let extra = self.plan.topics.len() as u64 * u64::from(self.settings.extra_slots);
        let slots_connected = figures.connects + extra;
        Pass { figures, dispatch, live, latencies, ledgers, at_peak, chunks_made, slots_connected }
    }

    fn tell(&self, order: Order) {
        for emitter in &self.crew {
            // One that is gone has panicked: the scope says so at its end, and `reply` ends it.
            let _ = emitter.orders.send(order);
        }
    }

    fn reply(&self, emitter: &Emitter<'_>, phase: &mut Phase) -> Reply {
        loop {
            match emitter.replies.recv_timeout(LOOK_EVERY) {
                Ok(reply) => return reply,
                Err(RecvTimeoutError::Timeout) => {
                    phase.at(self.crew.iter().map(|emitter| emitter.done.0.load(Relaxed)).sum());
                }
                Err(RecvTimeoutError::Disconnected) => panic!("an emitting thread has panicked"),
            }
        }
    }
}
