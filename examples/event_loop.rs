//! A game loop, and a worker that does what takes long: the worker emits, and the game's slots run in the game's own
//! tick.
//!
//! The slots of the event loop change what only the game's thread has, without a lock: they run when the tick says so,
//! and for no longer than it allows. In the end the game waits for what is left, asleep.
//!
//! ```sh
//! cargo run --example event_loop
//! ```

use pulsebus::{EventLoop, LoopHandle, Signal};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

const CHUNKS: u32 = 200;
const TICK: Duration = Duration::from_millis(2);
/// What a tick may spend on what the worker has done.
const BUDGET: Duration = Duration::from_micros(300);

/// A part of the world, computed by the worker.
#[derive(Clone)]
struct Chunk {
    number: u32,
    height: u32,
}

static LOADED: Signal<Chunk> = Signal::new();
static PROGRESS: Signal<u32> = Signal::new();

/// The game's: neither `Send` nor locked.
#[derive(Default)]
struct World {
    heights: BTreeMap<u32, u32>,
}

fn work(game: &LoopHandle) {
    for number in 0..CHUNKS {
        // Takes its time.
        let height = (0..2_000).fold(number, |height, n| height.wrapping_mul(31).wrapping_add(n)) % 256;
        LOADED.emit(&Chunk { number, height });
        if (number + 1) % 50 == 0 {
            PROGRESS.emit(&(number + 1));
        }
    }
    // Comes after all that this thread has emitted, and can therefore say that it is done.
    let stop = game.clone();
    let posted = game.post(move |_| {
        println!("the worker is done");
        stop.stop();
    });
    if let Err(error) = posted {
        eprintln!("nobody waits for the world any more: {error}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let world = Rc::new(RefCell::new(World::default()));

    let ours = Rc::clone(&world);
    let _loaded = event_loop.connect_scoped(&LOADED, move |chunk| {
        ours.borrow_mut().heights.insert(chunk.number, chunk.height);
    });
    let mut last = 0;
    let _progress = event_loop.connect_scoped(&PROGRESS, move |&done| {
        println!("{done} chunks, {} more", done - last);
        last = done;
    });

    let handle = event_loop.handle();
    let worker = thread::spawn(move || work(&handle));

    // The game runs while the world is being made; each tick takes in a part of it.
    let mut calls = 0;
    for tick in 0..10 {
        let begin = Instant::now();
        let run = event_loop.run_pending(BUDGET);
        calls += run.calls;
        println!("tick {tick}: {} calls, {} left, {} chunks", run.calls, run.left, world.borrow().heights.len());
        thread::sleep(TICK.saturating_sub(begin.elapsed()));
    }
    // Now there is nothing else to do.
    calls += event_loop.run().calls;
    worker.join().map_err(|_| "the worker has panicked")?;

    let figures = event_loop.figures();
    println!("{calls} calls; at most {} waited", figures.high_water);
    let chunks = world.borrow().heights.len();
    if chunks != CHUNKS as usize {
        return Err(format!("{chunks} chunks of {CHUNKS}").into());
    }
    Ok(())
}
