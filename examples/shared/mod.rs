//! What the examples of pools have in common: their options, how their heap calls are counted, what they print, and random
//! numbers.

use pulsebus::PoolFigures;
use pulsebus::alloc::Counting;
use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

/// What a game makes of so many ticks, with its pool or without: how it went, and what the pool has done.
pub type Game<S> = fn(ticks: u32, with_pool: bool) -> Result<(S, Option<PoolFigures>), Box<dyn Error>>;

/// Counts the heap calls. (A test that includes several examples has one for all of them.)
#[cfg_attr(not(test), global_allocator)]
static _ALLOCATOR: Counting = Counting::new();

/// Runs `f`: what it returns, and how often the heap handed memory out or took it back meanwhile.
pub fn counted<R>(f: impl FnOnce() -> R) -> (R, u64) {
    let calls = || {
        let figures = Counting::figures();
        figures.calls + figures.frees
    };
    let before = calls();
    let result = f();
    (result, calls() - before)
}

const OPTIONS: &str = "--ticks N, --without-pool, --json";

/// An example's `main`: plays the game as the command line says, and prints what it cost.
pub fn main<S: Display>(name: &str, mut ticks: u32, game: Game<S>) -> Result<ExitCode, Box<dyn Error>> {
    let (mut with_pool, mut json) = (true, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--ticks" => ticks = arguments.next().ok_or("--ticks needs a number")?.parse()?,
            "--without-pool" => with_pool = false,
            "--json" => json = true,
            other => return Err(format!("{other:?} is none of the options, which are {OPTIONS}").into()),
        }
    }
    let (outcome, heap_calls) = counted(|| game(ticks, with_pool));
    let (score, figures) = outcome?;
    // (No number of an example takes more than a plain `{}`.)
    if json {
        let (gets, misses, outstanding) = figures.as_ref().map_or((0, 0, 0), |f| (f.gets, f.misses, f.outstanding));
        println!(
            "{{\"example\":\"{name}\",\"ticks\":{ticks},\"with_pool\":{with_pool},\"heap_calls\":{heap_calls},\
             \"gets\":{gets},\"misses\":{misses},\"outstanding\":{outstanding}}}"
        );
    } else {
        println!("{ticks} ticks: {score}");
        figures.as_ref().map_or_else(|| println!("no pool"), |figures| println!("{figures}"));
        println!("{heap_calls} heap calls");
    }
    let all_returned = figures.is_none_or(|figures| figures.outstanding == 0);
    Ok(if all_returned { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Numbers that look random, and are the same in each run.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) % u64::from(sides)) as u32
    }

    /// A number from 0 to 1.
    pub fn share(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 20) as f32
    }
}
