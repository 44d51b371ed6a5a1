//! What callgrind counts of the bus: like `probe`, each operation in a function of its own that is never inlined, so that
//! `--toggle-collect=measured_…` counts it alone. Prints its heap calls as JSON.
//!
//! `cargo xtask budget` runs every part at two sizes and takes the slope.

use std::hint::black_box;
use std::io;

use clap::{Parser, ValueEnum};
use pulsebus::{Bus, CallStatistics, Connection, ManualClock, Signal};
use pulsebus_benches::bus::{OWNER, bus, connect_described, connect_owned, tick};
use pulsebus_benches::event::{Event, Lane, Sums, slot};
use pulsebus_benches::heap::Counting;
use serde::Serialize;

#[global_allocator]
static HEAP: Counting = Counting::new();

/// Runs one operation of the bus for callgrind to count, and prints its heap calls
#[derive(Parser)]
struct Args {
    /// What to run
    #[arg(value_enum)]
    part: Part,

    /// Slots of the signal (emissions), pending timers (tick), or times that the operation is done (others)
    size: usize,

    /// How calls are counted
    #[arg(long, value_enum, default_value = "off")]
    statistics: Statistics,
}

#[derive(Clone, Copy, ValueEnum)]
enum Statistics {
    Off,
    Sampled,
    Exact,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `measured_bare`: connects without the bus
    Bare,
    /// `measured_owned`: connects with an owner
    Owned,
    /// `measured_described`: connects with an owner, a service and two tags
    Described,
    /// `measured_cleanup`: the cleanup of an owner with as many connections
    Cleanup,
    /// `measured_emit`: one emission through bare connections
    EmitBare,
    /// `measured_emit`: one emission through tracked connections
    Emit,
    /// `measured_by_type`: looks up the signal of a type, and lets go of it
    ByType,
    /// `measured_by_name`: looks up the signal of a name, and lets go of it
    ByName,
    /// `measured_tick`: a tick with 100 timers that are due, beside so many that are not
    Tick,
}

#[derive(Serialize)]
struct Report {
    pin: String,
    heap_calls: u64,
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_bare(signal: &Signal<Event>, lane: Lane) -> Connection {
    signal.connect(slot(lane))
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_owned(bus: &Bus, signal: &Signal<Event>) -> Connection {
    connect_owned(bus, signal)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_described(bus: &Bus, signal: &Signal<Event>) -> Connection {
    connect_described(bus, signal)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_cleanup(bus: &Bus) -> usize {
    bus.cleanup_owner(OWNER)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_emit(signal: &Signal<Event>, event: &Event) {
    signal.emit(event);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_by_type(bus: &Bus) {
    black_box(bus.signal::<Event>());
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_by_name(bus: &Bus) {
    black_box(bus.topic::<Event>("room.lobby")).expect("always of this type");
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_tick(bus: &Bus, hand: &ManualClock) {
    tick::tick(bus, hand);
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let bus = bus(match args.statistics {
        Statistics::Off => CallStatistics::Off,
        Statistics::Sampled => CallStatistics::Sampled,
        Statistics::Exact => CallStatistics::Exact,
    });
    let heap_calls = args.part.run(&bus, args.size);
    let report = Report { pin: format!("{:?}", pulsebus::pin_flavour()), heap_calls };
    serde_json::to_writer(io::stdout(), &report)?;
    println!();
    Ok(())
}

/// Timers that are due in a tick.
const DUE: usize = 100;

impl Part {
    /// Runs the part after warming up, and returns its heap calls.
    fn run(self, bus: &Bus, size: usize) -> u64 {
        let signal = Signal::new();
        let times = |f: &dyn Fn()| counted(|| (0..size).for_each(|_| f()));
        match self {
            Self::Bare => {
                warm_up(bus, &signal, size, |_, signal| signal.connect(slot(Lane::next())));
                times(&|| _ = measured_bare(black_box(&signal), Lane::next()))
            }
            Self::Owned => {
                warm_up(bus, &signal, size, connect_owned);
                times(&|| _ = measured_owned(black_box(bus), black_box(&signal)))
            }
            Self::Described => {
                warm_up(bus, &signal, size, connect_described);
                times(&|| _ = measured_described(black_box(bus), black_box(&signal)))
            }
            Self::Cleanup => {
                warm_up(bus, &signal, size, connect_owned);
                (0..size).for_each(|_| _ = connect_owned(bus, &signal));
                counted(|| assert_eq!(measured_cleanup(black_box(bus)), size))
            }
            Self::Emit | Self::EmitBare => {
                for _ in 0..size {
                    match self {
                        Self::Emit => connect_owned(bus, &signal),
                        _ => signal.connect(slot(Lane::next())),
                    };
                }
                let event = Sums::leaked().event();
                signal.emit(&event);
                counted(|| measured_emit(black_box(&signal), black_box(&event)))
            }
            Self::ByType => {
                let _held = bus.signal::<Event>();
                times(&|| measured_by_type(black_box(bus)))
            }
            Self::ByName => {
                let _held = bus.topic::<Event>("room.lobby");
                times(&|| measured_by_name(black_box(bus)))
            }
            Self::Tick => {
                let (bus, hand) = tick::server(DUE, u32::try_from(size).expect("fewer than four billion"));
                (0..100).for_each(|_| tick::tick(&bus, &hand));
                counted(|| measured_tick(black_box(&bus), black_box(&hand)))
            }
        }
    }
}

/// Has the pools, the registry and every list grow to what the measured part will need.
fn warm_up(bus: &Bus, signal: &Signal<Event>, size: usize, connect: impl Fn(&Bus, &Signal<Event>) -> Connection) {
    // (The table that finds records is filled lazily, and cleared up now and then.)
    for _ in 0..16 {
        (0..size).for_each(|_| _ = connect(bus, signal));
        bus.cleanup_owner(OWNER);
        signal.disconnect_all();
        pulsebus::collect();
    }
}

/// The heap calls of a closure.
fn counted(measured: impl FnOnce()) -> u64 {
    let before = HEAP.calls();
    measured();
    HEAP.calls() - before
}
