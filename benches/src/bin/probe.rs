//! What callgrind counts: each operation in a function of its own that is never inlined, so that
//! `--toggle-collect=measured_…` counts it alone. Prints its heap calls as JSON.
//!
//! `cargo xtask budget` runs every part at two sizes and takes the slope.

use std::hint::black_box;
use std::io;

use clap::{Parser, ValueEnum};
use pulsebus::{Connection, PinFlavour, Signal};
use pulsebus_benches::event::{Event, Lane, Sums, slice_slot, slot};
use pulsebus_benches::heap::Counting;
use pulsebus_benches::peer::Emitter;
use pulsebus_benches::peers::raw::Raw;
use serde::Serialize;

#[global_allocator]
static HEAP: Counting = Counting::new();

/// Runs one operation for callgrind to count, and prints its heap calls
#[derive(Parser)]
struct Args {
    /// What to run
    #[arg(value_enum)]
    part: Part,

    /// Slots of the signal (emit…, batch, raw), or times that the operation is done (others)
    size: usize,

    /// Pin with a fence, also where the asymmetric pin is available
    #[arg(long)]
    fence: bool,
}

/// So many slots come and go beside those that an emission is to call.
const PASSING: usize = 100_000;

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// `measured_emit`: one emission
    Emit,
    /// `measured_emit`: one emission, after 100,000 slots that were connected after these have been disconnected
    EmitAfter,
    /// The same, if they were connected before these
    EmitBehind,
    /// The first emission after that, which finds the disconnected
    EmitFirst,
    /// `measured_batch`: one batch of 64 events to slots that take slices
    Batch,
    /// `measured_raw`: one pass of the raw loop
    Raw,
    /// `measured_callback`: the callback alone
    Callback,
    /// `measured_connect`: connects to a growing list, out of a pool that has seen as many
    Connect,
    /// `measured_connect`: connects that are each followed by a disconnect
    Churn,
    /// `measured_disconnect`: disconnects, oldest first
    Disconnect,
    /// `measured_collect`: a collection of as many dead slots
    Collect,
}

#[derive(Serialize)]
struct Report {
    pin: String,
    heap_calls: u64,
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_emit(signal: &Signal<Event>, event: &Event) {
    signal.emit(event);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_batch(signal: &Signal<Event>, events: &[Event]) {
    signal.emit_batch(events);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_raw(raw: &mut Raw<0>, event: &Event) {
    raw.emit(event);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_callback(lane: &Lane, event: &Event) {
    slot(*lane)(event);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_connect(signal: &Signal<Event>, lane: Lane) -> Connection {
    signal.connect(slot(lane))
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_disconnect(connection: Connection) -> bool {
    connection.disconnect()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_collect() {
    pulsebus::collect();
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    if args.fence {
        let flavour = pulsebus::prefer_fence();
        assert_eq!(flavour, PinFlavour::Fence, "asked before anything was connected");
    }
    let heap_calls = args.part.run(args.size);
    let report = Report { pin: format!("{:?}", pulsebus::pin_flavour()), heap_calls };
    serde_json::to_writer(io::stdout(), &report)?;
    println!();
    Ok(())
}

impl Part {
    /// Runs the part after warming up, and returns its heap calls.
    fn run(self, size: usize) -> u64 {
        let sums = Sums::leaked();
        let event = sums.event();
        let signal = Signal::new();
        let mut connections = Vec::with_capacity(size);
        match self {
            Self::Emit => {
                connections.extend((0..size).map(|_| signal.connect(slot(Lane::next()))));
                signal.emit(&event);
                counted(|| measured_emit(black_box(&signal), black_box(&event)))
            }
            Self::EmitAfter | Self::EmitBehind | Self::EmitFirst => {
                let mut connect = |count| connections.extend((0..count).map(|_| signal.connect(slot(Lane::next()))));
                let (ended, live) = if matches!(self, Self::EmitBehind) {
                    connect(PASSING);
                    connect(size);
                    (0..PASSING, PASSING..PASSING + size)
                } else {
                    connect(size);
                    connect(PASSING);
                    (size..size + PASSING, 0..size)
                };
                // As any emission before; the stack and the thread's record are warm.
                signal.emit(&event);
                connections[ended].iter().for_each(|connection| assert!(connection.disconnect(), "it was connected"));
                if !matches!(self, Self::EmitFirst) {
                    // Meets the dead, and unlinks them.
                    signal.emit(&event);
                }
                assert!(connections[live].iter().all(Connection::is_connected));
                counted(|| measured_emit(black_box(&signal), black_box(&event)))
            }
            Self::Batch => {
                connections.extend((0..size).map(|_| signal.connect_batch(slice_slot(Lane::next()))));
                let events: [Event; 64] = sums.batch();
                signal.emit_batch(&events);
                counted(|| measured_batch(black_box(&signal), black_box(&events)))
            }
            Self::Raw => {
                let mut raw = Raw::with_slots(size);
                counted(|| measured_raw(black_box(&mut raw), black_box(&event)))
            }
            Self::Callback => {
                let lane = Lane::next();
                counted(|| {
                    (0..size).for_each(|_| measured_callback(black_box(&lane), black_box(&event)));
                })
            }
            Self::Connect => {
                warm_up(&signal, size);
                counted(|| {
                    connections.extend((0..size).map(|_| measured_connect(&signal, Lane::next())));
                })
            }
            Self::Churn => {
                warm_up(&signal, size);
                counted(|| {
                    for _ in 0..size {
                        measured_connect(black_box(&signal), Lane::next()).disconnect();
                    }
                })
            }
            Self::Disconnect => {
                warm_up(&signal, size);
                connections.extend((0..size).map(|_| signal.connect(slot(Lane::next()))));
                counted(|| {
                    for connection in &connections {
                        assert!(measured_disconnect(black_box(*connection)), "it was connected");
                    }
                })
            }
            Self::Collect => {
                warm_up(&signal, size);
                connections.extend((0..size).map(|_| signal.connect(slot(Lane::next()))));
                connections.drain(..).for_each(|connection| {
                    connection.disconnect();
                });
                counted(measured_collect)
            }
        }
    }
}

/// Has the pool, this thread's record and every list grow to what the measured part will need.
fn warm_up(signal: &Signal<Event>, size: usize) {
    for _ in 0..2 {
        let connections: Vec<_> = (0..size).map(|_| signal.connect(slot(Lane::next()))).collect();
        connections.into_iter().for_each(|connection| {
            connection.disconnect();
        });
        pulsebus::collect();
    }
    for _ in 0..size {
        signal.connect(slot(Lane::next())).disconnect();
    }
    pulsebus::collect();
}

/// The heap calls of a closure.
fn counted(measured: impl FnOnce()) -> u64 {
    let before = HEAP.calls();
    measured();
    HEAP.calls() - before
}
