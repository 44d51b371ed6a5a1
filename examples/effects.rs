//! Effects that live for a while and then are over: sparks, smoke, and rings that spread. Battles come and go, and the pool
//! becomes as large as they need, and small again in between.
//!
//! Whoever starts an effect forgets it at once: it is the pool's. Once a tick `retain` lets all of them age, and takes back
//! those that are over. Once a second the pool is maintained: it is told how many there were of late, and makes some more
//! before they are asked for, or drops what nobody has needed for a while.
//!
//! ```sh
//! cargo run --example effects
//! cargo run --example effects -- --without-pool    # the same, each effect allocated and freed
//! ```

#[path = "shared/mod.rs"]
mod shared;

use pulsebus::{ManualClock, Pool, PoolFigures};
use shared::Dice;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const SECOND: u32 = 60;
/// Five minutes: a battle of one, two minutes of peace, and two of battle again.
const TICKS: u32 = 5 * 60 * SECOND;
const BATTLES: [std::ops::Range<u32>; 2] = [0..60 * SECOND, 180 * SECOND..300 * SECOND];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    shared::main("effects", TICKS, run)
}

/// Plays so many ticks: how it went, and what the pool has done.
pub fn run(ticks: u32, with_pool: bool) -> Result<(Score, Option<PoolFigures>), Box<dyn Error>> {
    if !with_pool {
        let mut effects = Vec::<Box<Effect>>::new();
        let start = |effects: &mut Vec<_>, kind, dice: &mut Dice| {
            let mut effect = Box::new(Effect::new());
            effect.start(kind, dice);
            effects.push(effect);
        };
        let score = play(ticks, &mut effects, start, |effects, age| effects.retain_mut(|effect| age(effect)), |_| {});
        return Ok((score, None));
    }

    let hand = ManualClock::new();
    let mut pool = Pool::builder(Effect::new)
        .reset(Effect::reset)
        .name("effects")
        .min(16)
        // What was needed in the last half minute decides how many are kept.
        .window(Duration::from_secs(30))
        .clock(&hand.clock())
        .build()?;
    let resizes = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&resizes);
    let _listening = pool.resized().connect_scoped(move |_resized| {
        // A server logs them here: `{from} to {to} objects, {reason:?}`.
        count.fetch_add(1, Relaxed);
    });
    let each_second = |pool: &mut Pool<Effect>| {
        hand.advance(Duration::from_secs(1));
        pool.maintain();
    };
    let score = play(
        ticks,
        &mut pool,
        |pool, kind, dice| {
            // The key, which could end it early, is not needed.
            pool.insert(|effect| effect.start(kind, dice));
        },
        |pool, age| {
            pool.retain(|_, effect| age(effect));
        },
        each_second,
    );
    let figures = pool.figures();
    assert_eq!(figures.resizes, resizes.load(Relaxed), "each resize is told");
    Ok((score, Some(figures)))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Sparks,
    Smoke,
    Ring,
}

impl Kind {
    fn ticks(self) -> u32 {
        match self {
            Self::Sparks => 20,
            Self::Smoke => 60,
            Self::Ring => 30,
        }
    }
}

#[derive(Clone, Copy)]
struct Particle {
    position: [f32; 2],
    velocity: [f32; 2],
}

/// Most of it is its particles, and those are what a pool saves: the object comes back with its capacity.
struct Effect {
    kind: Kind,
    ticks_left: u32,
    particles: Vec<Particle>,
    /// The label that tools show.
    label: String,
}

impl Effect {
    const MOST: u32 = 8;

    fn new() -> Self {
        Self {
            kind: Kind::default(),
            ticks_left: 0,
            particles: Vec::with_capacity(Self::MOST as usize),
            label: String::with_capacity(16),
        }
    }

    fn reset(&mut self) {
        self.particles.clear();
        self.label.clear();
    }

    fn start(&mut self, kind: Kind, dice: &mut Dice) {
        debug_assert!(self.particles.is_empty() && self.label.is_empty(), "reset when it returned");
        (self.kind, self.ticks_left) = (kind, kind.ticks() + dice.below(20));
        let velocity = |dice: &mut Dice| [dice.share() - 0.5, dice.share()];
        let count = 2 + dice.below(Self::MOST - 2);
        self.particles.extend((0..count).map(|_| Particle { position: [0.0; 2], velocity: velocity(dice) }));
        self.label.push_str(match kind {
            Kind::Sparks => "sparks",
            Kind::Smoke => "smoke",
            Kind::Ring => "ring",
        });
    }

    /// One tick more. Is it still to be seen?
    fn age(&mut self) -> bool {
        for Particle { position, velocity } in &mut self.particles {
            position[0] += velocity[0];
            position[1] += velocity[1];
            velocity[1] -= 0.02;
        }
        self.ticks_left -= 1;
        self.ticks_left > 0
    }
}

/// What was to be seen: the same with a pool and without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    started: u64,
    particles_drawn: u64,
    below_ground: u64,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { started, particles_drawn, below_ground } = self;
        write!(f, "{started} effects, {particles_drawn} particles drawn, {below_ground} of them below the ground")
    }
}

/// The game, whatever keeps its effects: `start` begins one, `age_all` keeps those for which its argument says yes.
fn play<E>(
    ticks: u32,
    effects: &mut E,
    start: impl Fn(&mut E, Kind, &mut Dice),
    age_all: impl Fn(&mut E, &mut dyn FnMut(&mut Effect) -> bool),
    each_second: impl Fn(&mut E),
) -> Score {
    let (mut dice, mut score) = (Dice::new(), Score::default());
    // After the last tick nothing begins any more, and everything is played to its end.
    for tick in 0..ticks + 2 * SECOND {
        let explosions = match BATTLES.iter().any(|battle| battle.contains(&tick)) {
            _ if tick >= ticks => 0,
            true => 1 + dice.below(2),
            false => u32::from(dice.below(SECOND) == 0),
        };
        for _ in 0..explosions {
            for kind in [Kind::Ring, Kind::Sparks, Kind::Smoke] {
                start(effects, kind, &mut dice);
                score.started += 1;
            }
        }
        age_all(effects, &mut |effect| {
            score.particles_drawn += effect.particles.len() as u64;
            let is_below = |particle: &&Particle| particle.position[1] < 0.0;
            score.below_ground += effect.particles.iter().filter(is_below).count() as u64;
            effect.age()
        });
        if tick % SECOND == 0 {
            each_second(effects);
        }
    }
    score
}
