//! What callgrind counts of pools: like `probe`, each operation in a function of its own that is never inlined, so that
//! `--toggle-collect=measured_…` counts it alone. Prints its heap calls as JSON.
//!
//! `cargo xtask budget` runs every part at two sizes and takes the slope.

use std::hint::black_box;
use std::io;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use pulsebus::{Key, Pool, Pooled};
use pulsebus_benches::heap::Counting;
use pulsebus_benches::pool::{Object, cycle};
use serde::Serialize;

#[global_allocator]
static HEAP: Counting = Counting::new();

/// Runs one operation of a pool for callgrind to count, and prints its heap calls
#[derive(Parser)]
struct Args {
    /// What to run
    #[arg(value_enum)]
    part: Part,

    /// Times that the operation is done, or objects that it is about (`burst`, `return-all`)
    size: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `measured_get_put`: takes an object and gives it back
    GetPut,
    /// `measured_get_put`: the same, resetting it
    Reset,
    /// `measured_get_put`: the same, noting who has it
    Tracked,
    /// `measured_malloc`: the same with the heap
    Malloc,
    /// `measured_burst`: takes as many objects, and gives them back
    Burst,
    /// `measured_insert_release`: puts an object under a key, and takes it back
    InsertRelease,
    /// `measured_with`: uses the object under a key
    With,
    /// `measured_return_all`: takes back all objects under keys
    ReturnAll,
}

#[derive(Serialize)]
struct Report {
    pin: String,
    heap_calls: u64,
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_get_put(pool: &Pool<Object>) {
    drop(black_box(pool.get()));
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_malloc() {
    drop(black_box(Box::<Object>::new_uninit()));
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_burst(pool: &Pool<Object>, out: &mut Vec<Pooled<Object>>, count: usize) {
    burst(pool, out, count);
}

fn burst(pool: &Pool<Object>, out: &mut Vec<Pooled<Object>>, count: usize) {
    out.extend(std::iter::repeat_with(|| pool.get()).take(count));
    out.clear();
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_insert_release(pool: &Pool<Object>) -> bool {
    cycle::insert_release(pool)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_with(pool: &Pool<Object>, key: Key) -> Option<u64> {
    cycle::with(pool, key)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_return_all(pool: &Pool<Object>) -> usize {
    pool.return_all()
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let heap_calls = args.part.run(args.size);
    let report = Report { pin: format!("{:?}", pulsebus::pin_flavour()), heap_calls };
    serde_json::to_writer(io::stdout(), &report)?;
    println!();
    Ok(())
}

impl Part {
    /// Runs the part after warming up, and returns its heap calls.
    fn run(self, size: usize) -> u64 {
        let builder = Pool::builder(Object::default);
        let pool = match self {
            Self::Reset => builder.reset(cycle::reset),
            Self::Tracked => builder.leak_after(Duration::from_secs(60)),
            _ => builder,
        };
        let pool = pool.build().expect("the rest are defaults");
        let times = |f: &dyn Fn()| counted(|| (0..size).for_each(|_| f()));
        match self {
            Self::GetPut | Self::Reset | Self::Tracked => {
                (0..size).for_each(|_| drop(pool.get()));
                times(&|| measured_get_put(black_box(&pool)))
            }
            Self::Malloc => {
                drop(black_box(Box::<Object>::new_uninit()));
                times(&measured_malloc)
            }
            Self::Burst => {
                let mut out = Vec::with_capacity(size);
                (0..2).for_each(|_| burst(&pool, &mut out, size));
                counted(|| measured_burst(black_box(&pool), black_box(&mut out), size))
            }
            Self::InsertRelease => {
                (0..size).for_each(|_| assert!(cycle::insert_release(&pool)));
                times(&|| _ = measured_insert_release(black_box(&pool)))
            }
            Self::With => {
                let key = pool.insert(cycle::reset);
                times(&|| _ = measured_with(black_box(&pool), key))
            }
            Self::ReturnAll => {
                for _ in 0..2 {
                    (0..size).for_each(|_| _ = pool.insert(cycle::reset));
                    pool.return_all();
                }
                (0..size).for_each(|_| _ = pool.insert(cycle::reset));
                counted(|| assert_eq!(measured_return_all(black_box(&pool)), size))
            }
        }
    }
}

/// The heap calls of a closure.
fn counted(measured: impl FnOnce()) -> u64 {
    let before = HEAP.calls();
    measured();
    HEAP.calls() - before
}
