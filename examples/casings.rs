//! Shell casings: they are thrown out, fall, jump a few times, and lie about. There may be only so many.
//!
//! The pool says how many: `max`. When all of them are out, `try_get` says so, and the gun takes the one that has been lying
//! there for the longest: dropping its guard is enough. No gun ever waits, and none ever allocates.
//!
//! ```sh
//! cargo run --example casings
//! cargo run --example casings -- --without-pool    # the same, each casing allocated and freed
//! ```

#[path = "shared/mod.rs"]
mod shared;

use pulsebus::{Pool, PoolError, PoolFigures};
use shared::Dice;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::ops::DerefMut;
use std::process::ExitCode;

/// Four minutes.
const TICKS: u32 = 4 * 60 * 60;
/// Physics ticks in each of them.
const STEPS: u32 = 2;
/// So many casings may lie about.
const MOST: usize = 120;
/// For how many ticks one lies there, if it is not taken away before.
const LIES: u32 = 90;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    shared::main("casings", TICKS, run)
}

/// Plays so many ticks: how it went, and what the pool has done.
pub fn run(ticks: u32, with_pool: bool) -> Result<(Score, Option<PoolFigures>), Box<dyn Error>> {
    if !with_pool {
        // The limit is kept by hand.
        let new = |lying: usize| Ok((lying < MOST).then(|| Box::new(Casing::new())));
        return Ok((play(ticks, new)?, None));
    }
    let pool = Pool::builder(Casing::new).reset(Casing::reset).name("casings").max(MOST).build()?;
    let take = |_: usize| match pool.try_get() {
        Ok(casing) => Ok(Some(casing)),
        Err(PoolError::Exhausted { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    };
    let score = play(ticks, take)?;
    let figures = pool.figures();
    assert_eq!(figures.exhausted, score.taken_away, "one is taken away each time that none is left");
    Ok((score, Some(figures)))
}

struct Casing {
    position: [f32; 3],
    velocity: [f32; 3],
    spin: f32,
    ticks_left: u32,
    /// Where it touched the ground: each is a clink, louder or softer.
    contacts: Vec<[f32; 2]>,
}

impl Casing {
    fn new() -> Self {
        Self {
            position: [0.0; 3],
            velocity: [0.0; 3],
            spin: 0.0,
            ticks_left: 0,
            contacts: Vec::with_capacity(Self::JUMPS),
        }
    }

    /// What `throw` sets anyway needs no reset.
    fn reset(&mut self) {
        self.contacts.clear();
    }

    const JUMPS: usize = 8;
    const GRAVITY: f32 = 9.81;

    fn throw(&mut self, dice: &mut Dice) {
        self.position = [0.0, 1.4, 0.0];
        self.velocity = [1.0 + dice.share(), 1.5 + dice.share(), dice.share() - 0.5];
        self.spin = 20.0 * dice.share();
        self.ticks_left = LIES;
    }

    /// One physics tick of so many seconds. Has it touched the ground?
    fn step(&mut self, seconds: f32) -> bool {
        if self.contacts.len() == Self::JUMPS {
            return false; // lies still
        }
        self.velocity[1] -= Self::GRAVITY * seconds;
        for (position, velocity) in self.position.iter_mut().zip(self.velocity) {
            *position += velocity * seconds;
        }
        let touches = self.position[1] <= 0.0 && self.velocity[1] < 0.0;
        if touches {
            self.position[1] = 0.0;
            self.velocity = [self.velocity[0] * 0.6, self.velocity[1] * -0.4, self.velocity[2] * 0.6];
            self.spin *= 0.5;
            self.contacts.push([self.position[0], self.position[2]]);
        }
        touches
    }
}

/// What was to be seen and heard: the same with a pool and without.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    thrown: u64,
    clinks: u64,
    taken_away: u64,
    /// How far those have come that were there to the end, together.
    metres: f64,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thrown, clinks, taken_away, metres } = self;
        write!(f, "{thrown} casings, {clinks} clinks, {taken_away} taken away early, {metres:.1} m covered")
    }
}

/// `take` gives a casing, or none if those that lie about are too many; it is told how many these are.
fn play<C>(ticks: u32, take: impl Fn(usize) -> Result<Option<C>, Box<dyn Error>>) -> Result<Score, Box<dyn Error>>
where
    C: DerefMut<Target = Casing>,
{
    // The oldest first.
    let mut lying = VecDeque::<C>::with_capacity(MOST);
    let (mut dice, mut score) = (Dice::new(), Score::default());
    for tick in 0..ticks {
        // Bursts: more than may lie about, and then a pause.
        let shots = if tick % 240 < 120 { 1 + dice.below(3) } else { 0 };
        for _ in 0..shots {
            let mut casing = loop {
                if let Some(casing) = take(lying.len())? {
                    break casing;
                }
                // It returns before the next try.
                lying.pop_front().ok_or("none is left, and none lies about")?;
                score.taken_away += 1;
            };
            casing.throw(&mut dice);
            score.thrown += 1;
            lying.push_back(casing);
        }
        for casing in &mut lying {
            let clinks = (0..STEPS).filter(|_| casing.step(1.0 / (60.0 * STEPS as f32))).count();
            score.clinks += clinks as u64;
            casing.ticks_left -= 1;
            score.metres += if casing.ticks_left == 0 { f64::from(casing.position[0]) } else { 0.0 };
        }
        // They were thrown one after the other, so they go one after the other.
        while lying.front().is_some_and(|casing| casing.ticks_left == 0) {
            lying.pop_front();
        }
    }
    Ok(score)
}
