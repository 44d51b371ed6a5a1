//! All figures of a run: what `--json` writes as it stands, and what the summary and the report show.
//!
//! The names are the schema of the JSON. Durations are in nanoseconds (`_ns`), times of the recording in Unix
//! milliseconds (`_t_ms`). Within one value of [`SCHEMA`], fields are only added.

mod text;
mod tracked;
mod verdict;
mod watched;

pub use text::{count, duration, rate, sections, text, title};
pub use tracked::{AtPeak, Named, Tracked};
pub use verdict::Verdict;
pub use watched::Watched;

use crate::check::Difference;
use crate::command::Loaded;
use crate::plan::Counts;
use crate::replay::{CHUNK_SLOTS, DISPATCH, Replay, Settings};
use serde::Serialize;
use std::time::Duration;

/// The version of the JSON's schema.
pub const SCHEMA: u32 = 1;

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of the program.
    pub version: &'static str,
    /// What was replayed.
    pub recording: Recording,
    /// How it was replayed.
    pub options: Options,
    /// How fast.
    pub dispatch: Dispatch,
    /// How long single emissions took.
    pub latency: Latency,
    /// What became of the connections.
    pub connections: Connections,
    /// What the bus used.
    pub bus: Bus,
    /// What the bus counted by itself; null with `--engine`.
    pub tracked: Option<Tracked>,
    /// The same at the recording's peak; null with `--engine`, and without connections.
    pub tracked_at_peak: Option<AtPeak>,
    /// What a monitor saw in a pass of its own; null without `--monitor`.
    pub watched: Option<Watched>,
    /// Whether the counts are right.
    pub check: Check,
}

/// What was replayed.
#[derive(Debug, Serialize)]
pub struct Recording {
    /// The file's name, as it was given.
    pub name: String,
    /// Events replayed.
    pub events: u64,
    /// Bad lines left out by `--lenient`.
    pub skipped_lines: u64,
    /// Different topics.
    pub topics: u64,
    /// Different owner names.
    pub owners: u64,
    /// The first event's time; null without events.
    pub first_t_ms: Option<u64>,
    /// The last event's time; null without events.
    pub last_t_ms: Option<u64>,
    /// Events by kind, and those that had no effect.
    #[serde(flatten)]
    pub counts: Counts,
}

/// How it was replayed.
#[derive(Debug, Serialize)]
pub struct Options {
    /// `--speed`; null is as fast as possible.
    pub speed: Option<f64>,
    /// `--tick-hz`; null is without ticks.
    pub tick_hz: Option<f64>,
    /// `--threads`.
    pub threads: usize,
    /// `--extra-slots`.
    pub extra_slots: u32,
    /// `--engine`.
    pub engine: bool,
    /// `--lenient`.
    pub lenient: bool,
}

/// The dispatch pass.
#[derive(Debug, Serialize)]
pub struct Dispatch {
    /// From the start to the end of the slowest thread.
    pub wall_ns: u64,
    /// Slots called for a message of someone else.
    pub deliveries: u64,
    /// Payload bytes of these deliveries.
    pub delivered_bytes: u64,
    /// Deliveries by wall time; null if no time passed.
    pub deliveries_per_second: Option<f64>,
    /// Events by wall time; null if no time passed.
    pub events_per_second: Option<f64>,
    /// Heap calls of the emitting threads from the first event to the last: the steady state.
    pub heap_calls: u64,
    /// Ticks that were not empty, summed over threads; null without `--tick-hz`.
    pub ticks: Option<u64>,
    /// By how much the worst moment was late; null without `--speed`.
    pub late_ns: Option<u64>,
}

/// How long single emissions took, all slots of the topic included.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Emissions measured.
    pub emissions: u64,
    /// Half did not take longer; null without emissions, like all that follow.
    pub p50_ns: Option<u64>,
    /// 90 of 100 did not take longer.
    pub p90_ns: Option<u64>,
    /// 99 of 100 did not take longer.
    pub p99_ns: Option<u64>,
    /// 999 of 1000 did not take longer.
    pub p999_ns: Option<u64>,
    /// The longest.
    pub max_ns: Option<u64>,
    /// The mean.
    pub mean_ns: Option<f64>,
    /// What the two readings of the clock cost by themselves: part of every figure above.
    pub clock_ns: u64,
}

/// What became of the owners' connections.
#[derive(Debug, Serialize)]
pub struct Connections {
    /// Connections made.
    pub connects: u64,
    /// Connections ended by the recording.
    pub disconnects: u64,
    /// The most at one time, in the order of the recording.
    pub peak_live: u64,
    /// What the recording left connected.
    pub live_at_end: u64,
    /// Extra slots, over all topics; not counted above.
    pub extra: u64,
    /// Captures not dropped, after everything was disconnected and collected. Must be 0.
    pub leaks: u64,
}

/// What the bus used, over all passes.
#[derive(Debug, Serialize)]
pub struct Bus {
    /// Passes of the recording.
    pub passes: usize,
    /// Chunks made.
    pub chunks_made: u64,
    /// Of these, in the dispatch pass: 0 if the warm-up had needed as many.
    pub chunks_made_in_dispatch: u64,
    /// How often a chunk was taken into use.
    pub chunks_taken: u64,
    /// The most chunks in use at one time.
    pub chunks_peak: u64,
    /// How often a chunk was used, on average.
    pub uses_per_chunk: Option<f64>,
    /// Slots connected, extra ones included.
    pub slots_connected: u64,
    /// How many connections a slot's memory served, on average.
    pub uses_per_slot: Option<f64>,
    /// How often the domain's epoch moved.
    pub grace_periods: u64,
    /// Slots that panicked. Must be 0.
    pub slot_panics: u64,
}

/// Whether the counts are right.
#[derive(Debug, Serialize)]
pub struct Check {
    /// Whether the oracle ran; if not, the passes were only compared with each other.
    pub oracle: bool,
    /// No difference, no leak, no panic.
    pub passed: bool,
    /// Every count that is not as it should be.
    pub differences: Vec<Difference>,
}

impl Summary {
    /// Puts together what was read, how it was replayed, what came of it, and what is wrong with that.
    pub fn new(loaded: &Loaded, settings: &Settings, replay: &Replay, differences: Vec<Difference>) -> Self {
        let figures = &replay.passes[DISPATCH].1;
        let connections = Connections {
            connects: figures.connects,
            disconnects: figures.disconnects,
            peak_live: figures.peak_live,
            live_at_end: figures.live_at_end,
            extra: loaded.plan.topics.len() as u64 * u64::from(settings.extra_slots),
            leaks: replay.leaks,
        };
        let bus = Bus::new(replay);
        let passed = differences.is_empty() && connections.leaks == 0 && bus.slot_panics == 0;
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            recording: Recording {
                name: loaded.name.clone(),
                events: loaded.facts.events,
                skipped_lines: loaded.facts.skipped,
                topics: loaded.plan.topics.len() as u64,
                owners: loaded.owners as u64,
                first_t_ms: loaded.plan.times.first().copied(),
                last_t_ms: loaded.plan.times.last().copied(),
                counts: loaded.plan.counts,
            },
            options: Options {
                speed: settings.pace.speed,
                tick_hz: settings.pace.tick_hz,
                threads: settings.threads,
                extra_slots: settings.extra_slots,
                engine: settings.engine,
                lenient: loaded.lenient,
            },
            dispatch: Dispatch::new(loaded, settings, replay),
            latency: Latency::new(replay),
            connections,
            bus,
            tracked: Tracked::new(replay),
            tracked_at_peak: AtPeak::new(replay),
            watched: replay.watched.as_ref().map(Watched::new),
            check: Check { oracle: loaded.expected.is_some(), passed, differences },
        }
    }
}

impl Dispatch {
    fn new(loaded: &Loaded, settings: &Settings, replay: &Replay) -> Self {
        let figures = &replay.passes[DISPATCH].1;
        let pass = &replay.dispatch;
        let per_second = |n: u64| (!pass.wall.is_zero()).then(|| n as f64 / pass.wall.as_secs_f64());
        Self {
            wall_ns: nanoseconds(pass.wall),
            deliveries: figures.deliveries,
            delivered_bytes: figures.delivered_bytes,
            deliveries_per_second: per_second(figures.deliveries),
            events_per_second: per_second(loaded.facts.events),
            heap_calls: pass.heap_calls,
            ticks: settings.pace.tick_hz.map(|_| pass.ticks),
            late_ns: settings.pace.speed.map(|_| nanoseconds(pass.late)),
        }
    }
}

impl Latency {
    fn new(replay: &Replay) -> Self {
        let all = &replay.latency.all;
        let quantile = |q: f64| (!all.is_empty()).then(|| all.value_at_quantile(q));
        Self {
            emissions: all.len(),
            p50_ns: quantile(0.5),
            p90_ns: quantile(0.9),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            max_ns: quantile(1.0),
            mean_ns: (!all.is_empty()).then(|| all.mean()),
            clock_ns: replay.latency.clock_ns,
        }
    }
}

impl Bus {
    fn new(replay: &Replay) -> Self {
        let bus = &replay.bus;
        let per = |n: u64, of: u64| (of > 0).then(|| n as f64 / of as f64);
        let statistics = &bus.statistics;
        Self {
            passes: replay.passes.len(),
            chunks_made: bus.chunks_made,
            chunks_made_in_dispatch: bus.chunks_made_in_dispatch,
            chunks_taken: statistics.chunks_taken,
            chunks_peak: statistics.chunks_peak as u64,
            uses_per_chunk: per(statistics.chunks_taken, bus.chunks_made),
            slots_connected: bus.slots_connected,
            uses_per_slot: per(bus.slots_connected, bus.chunks_made * CHUNK_SLOTS),
            grace_periods: statistics.grace_periods,
            slot_panics: statistics.slot_panics,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
