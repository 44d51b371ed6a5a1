//! A pass that a monitor watches, by the recorded clock: what an operator of a server with this traffic would see.
//!
//! It has a bus and a thread of its own, and comes after the passes that are measured. Each message has a payload from a
//! pool, which its topic keeps until its next message; the bus and the pool are maintained in each recorded second.

use super::latency::Unmetered;
use super::stage::{Message, Stage};
use super::wiring::Tracked;
use crate::plan::{self, Op, Plan};
use crate::progress::Progress;
use pulsebus::{Alert, Bus, Clock, Connection, Domain, Kind, ManualClock, Monitor, MonitorReport, Pool, Pooled, Pools};
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the process may use, in bytes: the example of the monitor's documentation, which this never comes near.
const BUDGET: u64 = 500_000_000;
/// How much upkeep a recorded second gets.
const UPKEEP: Duration = Duration::from_millis(1);
/// What each planted leak holds, in bytes.
const HELD: usize = 1024;
/// So many alerts are kept; all are counted.
const KEPT_ALERTS: usize = 1_000;
/// How often progress is told, in steps.
const SAY_EVERY: usize = 1 << 14;

/// What the monitor saw.
#[derive(Debug)]
pub struct Watched {
    /// By sample.
    pub points: Vec<Observed>,
    /// What it told, the first ones.
    pub alerts: Vec<Alert>,
    /// How often it told something.
    pub told: u64,
    /// Its own account, at the end of the recording.
    pub report: MonitorReport,
    /// Connections that were planted to stay; `None` if none were to be.
    pub planted: Option<u64>,
}

/// One sample.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// When, in Unix milliseconds of the recording.
    pub t_ms: u64,
    /// The resident set of the process, if the platform tells.
    pub resident: Option<u64>,
    /// Live bytes on the heap.
    pub heap: Option<u64>,
    /// Connections of the bus.
    pub connections: u64,
    /// Payloads that are out.
    pub out: u64,
    /// Payloads that are idle.
    pub idle: u64,
}

/// The listener that whoever leaves forgets, if a leak is planted.
struct Leak {
    bus: Bus,
    farewells: pulsebus::Topic<Message>,
    planted: u64,
}

impl Leak {
    fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone(), farewells: bus.signal::<Message>(), planted: 0 }
    }

    /// What a careless server does: a slot that nobody owns, and that nobody ends. The monitor names this place.
    fn plant(&mut self) -> Connection {
        let held = vec![0u8; HELD];
        self.planted += 1;
        let forgotten = self.bus.connect(&self.farewells).kind(Kind::Other);
        forgotten.slot(move |_| _ = black_box(&held)).expect("there is no limit, and the bus is not shut down")
    }
}

/// Replays the plan, whose steps are used up, under a monitor; with a leak, if one is to be planted.
pub fn watch(plan: &mut Plan, extra_slots: u32, leak: bool, progress: Progress) -> Watched {
    let parts = plan::split(plan, 1, extra_slots);
    let hand = ManualClock::new();
    let domain = Domain::new();
    let wiring = Tracked::by_clock(&domain, hand.clock());
    let (pools, payloads) = payloads(&hand.clock());
    let monitor = Monitor::builder().bus(wiring.bus()).pools(&pools).budget(BUDGET).build();
    let monitor = monitor.expect("nothing was asked for that contradicts itself");
    let alerts = Arc::new(Mutex::new((Vec::new(), 0)));
    let log = Arc::clone(&alerts);
    let _log = monitor.alerts().connect_scoped(move |alert| {
        let mut alerts = log.lock().unwrap_or_else(PoisonError::into_inner);
        if alerts.0.len() < KEPT_ALERTS {
            alerts.0.push(alert.clone());
        }
        alerts.1 += 1;
    });
    let mut leak = leak.then(|| Leak::new(wiring.bus()));
    let mut points = Vec::new();
    let (first, last) = (plan.times.first().copied().unwrap_or(0), plan.times.last().copied().unwrap_or(0));
    let mut observe = |t_ms: u64| {
        hand.set(Duration::from_millis(t_ms - first));
        if monitor.maintain(UPKEEP).sampled {
            points.extend(monitor.latest().map(|sample| Observed::new(t_ms, &sample)));
        }
    };
    let total = parts.iter().map(|part| part.steps.len()).sum::<usize>();
    let mut phase = progress.phase("monitored", "steps", Some(total as u64));
    let mut second = first;
    for part in &parts {
        let mut stage = Stage::new(part, &plan.topics, &wiring, extra_slots);
        let mut latest: Vec<Option<Pooled<Vec<u8>>>> = part.topics.iter().map(|_| None).collect();
        for (number, step) in part.steps.iter().enumerate() {
            let now = plan.times[step.event as usize];
            while now.saturating_sub(second) >= 1_000 {
                second += 1_000;
                observe(second);
            }
            match step.op {
                Op::Message { topic, bytes, .. } => {
                    let mut payload = payloads.get();
                    payload.resize(bytes as usize, 0);
                    latest[topic as usize] = Some(payload);
                }
                Op::Cleanup { .. } => {
                    leak.as_mut().map(Leak::plant);
                }
                Op::Join { .. } | Op::Leave(_) | Op::Merge { .. } => {}
            }
            stage.perform(step, &mut Unmetered, |signal, message| {
                signal.emit(message);
            });
            if number % SAY_EVERY == 0 {
                phase.at(number as u64);
            }
        }
        observe(last);
    }
    phase.finish(total as u64);
    let report = monitor.report();
    let (alerts, told) = std::mem::take(&mut *alerts.lock().unwrap_or_else(PoisonError::into_inner));
    Watched { points, alerts, told, report, planted: leak.map(|leak| leak.planted) }
}

/// The pool of payloads, and the list that it is in.
fn payloads(clock: &Clock) -> (Pools, Pool<Vec<u8>>) {
    let pools = Pools::new();
    let payloads = Pool::builder(Vec::<u8>::new).reset(Vec::clear).name("payloads").clock(clock).registry(&pools);
    (pools, payloads.build().expect("nothing was asked for that contradicts itself"))
}

impl Observed {
    fn new(t_ms: u64, sample: &pulsebus::Sample) -> Self {
        let sum = |of: fn(&pulsebus::PoolFigures) -> usize| sample.pools.iter().map(|pool| of(pool) as u64).sum();
        Self {
            t_ms,
            resident: sample.resident_bytes,
            heap: sample.heap.map(|heap| heap.live_bytes),
            connections: sample.bus.as_ref().map_or(0, |bus| bus.connections as u64),
            out: sum(|pool| pool.outstanding),
            idle: sum(|pool| pool.idle),
        }
    }
}
