//! Runs heartbeats, and prints as JSON by how much their beats were late, and how long they took.

use std::io;
use std::time::{Duration, Instant};

use clap::Parser;
use pulsebus::{CallStatistics, Heartbeat, Quantiles};
use pulsebus_benches::bus::{OWNER, bus};
use serde::Serialize;

/// Runs heartbeats at each rate, one after the other, and prints their figures as JSON
#[derive(Parser)]
struct Args {
    /// Beats per second (may be repeated)
    #[arg(long, default_values_t = [60.0, 1_000.0])]
    hz: Vec<f64>,

    /// Seconds for which each of them runs
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

/// One heartbeat's figures, in nanoseconds.
#[derive(Serialize)]
struct Beats {
    hz: f64,
    beats: u64,
    skipped: u64,
    caught_up: u64,
    jitter: Figures,
    work: Figures,
}

#[derive(Serialize)]
struct Figures {
    p50: u64,
    p99: u64,
    p99_9: u64,
    max: u64,
}

impl From<Quantiles> for Figures {
    fn from(Quantiles { p50, p99, p99_9, max, .. }: Quantiles) -> Self {
        Self { p50, p99, p99_9, max }
    }
}

/// Slots of each phase.
const SLOTS: usize = 64;

fn main() -> io::Result<()> {
    let args = Args::parse();
    let measured: Vec<Beats> =
        args.hz.into_iter().map(|hz| beat(hz, args.seconds)).collect::<Result<_, _>>().map_err(io::Error::other)?;
    serde_json::to_writer(io::stdout(), &measured)?;
    println!();
    Ok(())
}

/// A small server: some slots in each phase, some timers, and the upkeep of the bus.
fn beat(hz: f64, seconds: f64) -> Result<Beats, pulsebus::HeartbeatError> {
    eprintln!("running a heartbeat at {hz} Hz");
    let bus = bus(CallStatistics::Sampled);
    let theirs = bus.clone();
    let mut heartbeat = Heartbeat::at(hz)?.on_maintain(Duration::from_micros(200), move |budget| {
        theirs.maintain(budget);
    });
    let phases = heartbeat.phases();
    for phase in [phases.stepped(), phases.heartbeat(), phases.render_stepped()] {
        for _ in 0..SLOTS {
            bus.connect(phase)
                .owner(OWNER)
                .slot(|beat| _ = std::hint::black_box(beat.number))
                .expect("limits only warn");
        }
    }
    for n in 1..=100 {
        bus.timer(Duration::from_millis(10 * n)).owner("timers").slot(|_| {}).expect("limits only warn");
    }
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    heartbeat.run(|| Instant::now() < end);
    let figures = heartbeat.figures();
    let (jitter, work) = (figures.jitter.into(), figures.work.into());
    Ok(Beats { hz, beats: figures.beats, skipped: figures.skipped, caught_up: figures.caught_up, jitter, work })
}
