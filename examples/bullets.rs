//! Combat at sixty ticks a second: some hundred bullets in the air, none of which is ever allocated again.
//!
//! Nobody holds a bullet. It is left to its pool, under a weak key, and the game goes over all of them once a tick; what has
//! hit, or flown too far, goes back. A gun remembers the key of its last shell, to set it off in the air: if the shell is gone
//! by then, the key finds nothing, and never another bullet in its place. When a level ends, so do all bullets.
//!
//! ```sh
//! cargo run --example bullets
//! cargo run --example bullets -- --without-pool    # the same combat, each bullet allocated and freed
//! ```

#[path = "shared/mod.rs"]
mod shared;

use pulsebus::{Bus, Heartbeat, Key, ManualClock, Pool, PoolFigures, Topic};
use shared::Dice;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Two minutes.
const TICKS: u32 = 2 * 60 * 60;
const LEVEL: u64 = 10 * 60;
const GUNS: usize = 4;
const TARGETS: usize = 32;
const HEALTH: i32 = 400;
/// Where the targets stand, and how far from each other.
const WALL: f32 = 60.0;
const LANE: f32 = 4.0;
/// As many bullets are in the air in a hard fight.
const MANY: usize = 256;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    shared::main("bullets", TICKS, run)
}

/// Plays so many ticks: how it went, and what the pool has done.
pub fn run(ticks: u32, with_pool: bool) -> Result<(Score, Option<PoolFigures>), Box<dyn Error>> {
    if !with_pool {
        return Ok((fight(ticks, Allocated::default())?, None));
    }
    let pool = Pool::builder(Bullet::new)
        .reset(Bullet::reset)
        .name("bullets")
        // Made while the level loads, not in the middle of the fight.
        .initial(MANY)
        .build()?;
    let score = fight(ticks, pool.clone())?;
    Ok((score, Some(pool.figures())))
}

/// A bullet has what bullets have, heap blocks of its own included: the pool saves those as well.
struct Bullet {
    flight: Flight,
    /// Where it has been, to be drawn.
    trail: Vec<[f32; 2]>,
    /// What it has gone through.
    pierced: Vec<usize>,
}

#[derive(Clone, Copy, Default)]
struct Flight {
    position: [f32; 2],
    velocity: [f32; 2],
    damage: i32,
    ticks_left: u32,
}

impl Bullet {
    fn new() -> Self {
        Self { flight: Flight::default(), trail: Vec::with_capacity(32), pierced: Vec::with_capacity(4) }
    }

    /// What the next user must not see goes; what it can use stays: the capacity.
    fn reset(&mut self) {
        self.flight = Flight::default();
        self.trail.clear();
        self.pierced.clear();
    }

    /// One tick of its flight. Is it still in the air?
    fn fly(&mut self, hits: &Topic<Hit>) -> bool {
        let Flight { position, velocity, damage, ticks_left } = &mut self.flight;
        let before = position[0];
        position[0] += velocity[0];
        position[1] += velocity[1];
        if *ticks_left % 4 == 0 {
            self.trail.push(*position);
        }
        *ticks_left = ticks_left.saturating_sub(1);
        // The targets stand in a row, one to a lane.
        let lane = (position[1] / LANE) as usize;
        if before < WALL && position[0] >= WALL && lane < TARGETS {
            self.pierced.push(lane);
            hits.emit(&Hit { target: lane, damage: *damage });
            *damage /= 2;
        }
        *ticks_left > 0 && *damage > 0
    }
}

/// What everyone is told of: the targets, the score, and whoever connects next.
struct Hit {
    target: usize,
    damage: i32,
}

/// How the fight needs its bullets kept.
trait Magazine: Send + Sync + 'static {
    type Key: Copy + Send;
    fn fire(&self, load: impl FnOnce(&mut Bullet)) -> Self::Key;
    /// Has all bullets fly; those that are over are gone afterwards.
    fn fly(&self, is_flying: impl FnMut(&mut Bullet) -> bool);
    /// Does something to a bullet, if it is still there.
    fn find<R>(&self, key: Self::Key, f: impl FnOnce(&mut Bullet) -> R) -> Option<R>;
    /// Takes a bullet out of the air, if it is still there.
    fn call_off(&self, key: Self::Key) -> bool;
    fn end_level(&self) -> usize;
}

/// With a pool there is nothing to write.
impl Magazine for Pool<Bullet> {
    type Key = Key;

    fn fire(&self, load: impl FnOnce(&mut Bullet)) -> Key {
        self.insert(load)
    }

    fn fly(&self, mut is_flying: impl FnMut(&mut Bullet) -> bool) {
        self.retain(|_, bullet| is_flying(bullet));
    }

    fn find<R>(&self, key: Key, f: impl FnOnce(&mut Bullet) -> R) -> Option<R> {
        self.with(key, f)
    }

    fn call_off(&self, key: Key) -> bool {
        self.release(key)
    }

    fn end_level(&self) -> usize {
        self.return_all()
    }
}

/// The same without one: each bullet on the heap, with a number to find it by.
#[derive(Default)]
struct Allocated {
    bullets: Mutex<Vec<(u64, Box<Bullet>)>>,
    fired: AtomicU64,
}

impl Magazine for Allocated {
    type Key = u64;

    fn fire(&self, load: impl FnOnce(&mut Bullet)) -> u64 {
        let mut bullet = Box::new(Bullet::new());
        load(&mut bullet);
        let key = self.fired.fetch_add(1, Relaxed);
        locked(&self.bullets).push((key, bullet));
        key
    }

    fn fly(&self, mut is_flying: impl FnMut(&mut Bullet) -> bool) {
        locked(&self.bullets).retain_mut(|(_, bullet)| is_flying(bullet));
    }

    fn find<R>(&self, key: u64, f: impl FnOnce(&mut Bullet) -> R) -> Option<R> {
        locked(&self.bullets).iter_mut().find(|(number, _)| *number == key).map(|(_, bullet)| f(bullet))
    }

    fn call_off(&self, key: u64) -> bool {
        let mut bullets = locked(&self.bullets);
        let found = bullets.iter().position(|(number, _)| *number == key);
        found.map(|index| bullets.swap_remove(index)).is_some()
    }

    fn end_level(&self) -> usize {
        std::mem::take(&mut *locked(&self.bullets)).len()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a fight went: the same with a pool and without, or the pool has mixed up bullets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    shots: u64,
    damage: u64,
    destroyed: u64,
    set_off: u64,
    called_off: u64,
    ended_with_a_level: usize,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shots, damage, destroyed, set_off, called_off, ended_with_a_level } = self;
        write!(
            f,
            "{shots} shots, {damage} points of damage, {destroyed} targets destroyed, {set_off} shells set off, "
        )?;
        write!(f, "{called_off} called off, {ended_with_a_level} in the air when their level ended")
    }
}

/// One tick after the other, with the signals that tell of them.
struct Fight<M: Magazine> {
    magazine: M,
    hits: Topic<Hit>,
    health: Arc<[AtomicI32; TARGETS]>,
    state: Mutex<State<M>>,
}

struct State<M: Magazine> {
    dice: Dice,
    /// What each gun has fired last.
    last: [Option<M::Key>; GUNS],
    score: Score,
}

impl<M: Magazine> Fight<M> {
    fn tick(&self, number: u64) {
        let mut state = locked(&self.state);
        let State { dice, last, score } = &mut *state;
        for (gun, last) in last.iter_mut().enumerate() {
            // Keys of what has long hit are harmless: nothing is found.
            match last.take() {
                Some(key) if dice.below(16) == 0 => score.called_off += u64::from(self.magazine.call_off(key)),
                Some(key) if dice.below(8) == 0 => {
                    let set_off = |bullet: &mut Bullet| bullet.flight.ticks_left = 1;
                    score.set_off += u64::from(self.magazine.find(key, set_off).is_some());
                }
                _ => {}
            }
            let flight = Flight {
                position: [0.0, (gun * TARGETS / GUNS) as f32 * LANE + dice.share() * 8.0 * LANE],
                velocity: [1.0 + dice.share(), 0.02 * dice.share()],
                damage: 5 + dice.below(20) as i32,
                ticks_left: 70,
            };
            *last = Some(self.magazine.fire(|bullet| bullet.flight = flight));
            score.shots += 1;
        }
        // What hits emits from in here: its slots may fire and call off, too.
        self.magazine.fly(|bullet| bullet.fly(&self.hits));
        for health in self.health.iter().filter(|health| health.load(Relaxed) <= 0) {
            health.store(HEALTH, Relaxed);
            score.destroyed += 1;
        }
        if number % LEVEL == 0 {
            score.ended_with_a_level += self.magazine.end_level();
        }
    }
}

fn fight<M: Magazine>(ticks: u32, magazine: M) -> Result<Score, Box<dyn Error>> {
    let clock = ManualClock::new().clock();
    let bus = Bus::builder().clock(clock.clone()).build()?;
    let mut heartbeat = Heartbeat::at(60.0)?.clock(clock).drive(&bus, Duration::from_micros(500));

    let health = Arc::new(std::array::from_fn(|_| AtomicI32::new(HEALTH)));
    let hurt = Arc::clone(&health);
    bus.service("Targets").connect(&bus.signal::<Hit>()).slot(move |hit| {
        hurt[hit.target].fetch_sub(hit.damage, Relaxed);
    })?;
    let damage = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&damage);
    bus.service("Score").connect(&bus.signal::<Hit>()).slot(move |hit| {
        total.fetch_add(u64::from(hit.damage.unsigned_abs()), Relaxed);
    })?;

    let state = Mutex::new(State { dice: Dice::new(), last: [None; GUNS], score: Score::default() });
    let fight = Arc::new(Fight { magazine, hits: bus.signal(), health, state });
    let ticking = Arc::clone(&fight);
    bus.service("Fight").connect(heartbeat.stepped()).slot(move |beat| ticking.tick(beat.number))?;
    for _ in 0..ticks {
        heartbeat.step();
    }

    bus.shutdown(Duration::from_secs(1))?;
    let mut score = locked(&fight.state).score;
    score.damage = damage.load(Relaxed);
    score.ended_with_a_level += fight.magazine.end_level();
    Ok(score)
}
