//! What costs memory rather than time, as JSON: bytes per connection at a million connections, the heap calls of our epoch
//! beside those of crossbeam-epoch, which it replaces, and those of pools of objects.

use std::io;

use clap::Parser;
use pulsebus::Pool;
use pulsebus_benches::heap::{self, Counting};
use pulsebus_benches::peer::{Bus, Emitter};
use pulsebus_benches::peers;
use pulsebus_benches::pool::{Object, cycle};
use serde::Serialize;

#[global_allocator]
static HEAP: Counting = Counting::new();

/// Prints bytes per connection of every peer, and heap calls of two epochs and of pools, as JSON
#[derive(Parser)]
struct Args {
    /// Connections to one signal
    #[arg(long, default_value_t = 1_000_000)]
    connections: usize,

    /// Times that something is retired
    #[arg(long, default_value_t = 100_000)]
    cycles: u64,

    /// Only the pools
    #[arg(long)]
    only_pools: bool,
}

#[derive(Serialize)]
struct Report {
    connections: usize,
    footprints: Vec<Footprint>,
    epochs: Vec<EpochHeap>,
    pools: Vec<PoolHeap>,
}

#[derive(Serialize)]
struct PoolHeap {
    operation: &'static str,
    cycles: u64,
    heap_calls: u64,
}

#[derive(Serialize)]
struct Footprint {
    peer: &'static str,
    /// Bytes asked of the allocator; nothing for C++, which does not ask ours.
    requested: Option<f64>,
    /// Bytes that malloc has handed out for it, headers and rounding included.
    held: Option<f64>,
}

#[derive(Serialize)]
struct EpochHeap {
    epoch: &'static str,
    cycles: u64,
    heap_calls: u64,
}

fn main() -> io::Result<()> {
    let Args { connections, cycles, only_pools } = Args::parse();
    let pools = pools(cycles);
    if only_pools {
        return print(&Report { connections, footprints: Vec::new(), epochs: Vec::new(), pools });
    }
    // (Not changed where there is no Boost.)
    #[cfg_attr(not(has_boost), expect(unused_mut))]
    let mut footprints = vec![
        footprint::<peers::pulsebus::Pulsebus>(connections),
        footprint::<peers::raw::Raw<0>>(connections),
        footprint::<peers::arc_swap::Swapped>(connections),
        footprint::<peers::locked::Locked>(connections),
        footprint::<peers::slab::LockedSlab>(connections),
        footprint::<peers::signals2::Signals2>(connections),
        footprint::<peers::rt_events::RtEvents>(connections),
        footprint::<peers::broadcast::Broadcast>(connections),
        footprint::<peers::channel::Channel>(connections),
    ];
    #[cfg(has_boost)]
    footprints.push(footprint::<peers::boost::Boost>(connections));

    let epochs = vec![ours(cycles), crossbeam(cycles)];
    print(&Report { connections, footprints, epochs, pools })
}

fn print(report: &Report) -> io::Result<()> {
    serde_json::to_writer(io::stdout(), report)?;
    println!();
    Ok(())
}

/// What a user does with a pool, again and again.
fn pools(cycles: u64) -> Vec<PoolHeap> {
    const OUT: usize = 100;
    let pool = Pool::builder(Object::default).reset(cycle::reset).build().expect("the rest are defaults");
    let key = pool.insert(cycle::reset);
    let mut out = Vec::with_capacity(OUT);
    let count =
        |operation, cycle: &mut dyn FnMut()| PoolHeap { operation, cycles, heap_calls: calls_when_warm(cycles, cycle) };
    vec![
        count("get and put", &mut || drop(pool.get())),
        count("100 gets, then 100 puts", &mut || {
            out.extend(std::iter::repeat_with(|| pool.get()).take(OUT));
            out.clear();
        }),
        count("insert, use by key, release", &mut || {
            let key = pool.insert(cycle::reset);
            assert_eq!(cycle::with(&pool, key), Some(0));
            assert!(pool.release(key));
        }),
        count("use by key", &mut || assert_eq!(cycle::with(&pool, key), Some(0))),
        count("100 inserts, then the return of all", &mut || {
            (0..OUT).for_each(|_| _ = pool.insert(cycle::reset));
            assert!(pool.return_all() >= OUT);
        }),
    ]
}

/// What a bus with that many slots adds to the heap, the handles of the connections left out.
fn footprint<P: Emitter>(connections: usize) -> Footprint {
    if connections > P::LARGEST {
        return Footprint { peer: P::NAME, requested: None, held: None };
    }
    eprintln!("filling {}", P::NAME);
    let (requested, held) = (HEAP.live_bytes(), heap::malloc_bytes());
    let bus = P::with_slots(connections);
    let per_connection = |now: u64, before: u64| (now - before) as f64 / connections as f64;
    let requested = per_connection(HEAP.live_bytes(), requested);
    let held = held.zip(heap::malloc_bytes()).map(|(before, now)| per_connection(now, before));
    drop(bus);
    // C++ asks another allocator: what it requests of ours is next to nothing.
    Footprint { peer: P::NAME, requested: (requested >= 1.0).then_some(requested), held }
}

/// A connection that ends retires its slot, and now and then the chunk that the slot is in.
fn ours(cycles: u64) -> EpochHeap {
    let mut bus = peers::pulsebus::Pulsebus::with_slots(1);
    let mut cycle = || {
        let connection = bus.connect();
        bus.disconnect(connection);
    };
    let heap_calls = calls_when_warm(cycles, &mut cycle);
    EpochHeap { epoch: "pulsebus", cycles, heap_calls }
}

/// The least that can be retired: a closure that captures nothing and does nothing.
fn crossbeam(cycles: u64) -> EpochHeap {
    let mut cycle = || crossbeam_epoch::pin().defer(|| ());
    let heap_calls = calls_when_warm(cycles, &mut cycle);
    EpochHeap { epoch: "crossbeam-epoch", cycles, heap_calls }
}

/// The heap calls of so many cycles after as many to warm up.
fn calls_when_warm(cycles: u64, cycle: &mut dyn FnMut()) -> u64 {
    (0..cycles).for_each(|_| cycle());
    let before = HEAP.calls();
    (0..cycles).for_each(|_| cycle());
    HEAP.calls() - before
}
