//! A game server on the bus, in one file: players join, chat, shoot, die, come back and leave; obstacles appear; and at the
//! end nothing is left of any of it.
//!
//! Every connection says whose it is. So nobody keeps handles in order to end them: a character's go with its death, a
//! player's with the player, a service's with the service.
//!
//! ```sh
//! cargo run --example game_server              # six seconds of simulated time, in some milliseconds
//! cargo run --example game_server -- --real    # the same, by the clock on the wall
//! ```

use pulsebus::{
    Beat, Bus, Clock, Config, ConnectError, Heartbeat, Kind, LimitPolicy, Managed, ManualClock, Name, OwnerScope,
    Service, Signal, WeakBus,
};
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const END: Duration = Duration::from_secs(6);
const DAMAGE: i32 = 60;

type PlayerId = u32;

// What the parts of the server tell each other: one signal per type, `bus.signal::<Joined>()`.
struct Joined(PlayerId);
struct Left(PlayerId);
struct Spawned(PlayerId);
struct Died(PlayerId);
struct Shot {
    by: PlayerId,
    at: PlayerId,
}
struct Obstacle {
    x: u64,
}
/// Of many signals, one per room: `bus.topic::<Said>("room.lobby")`.
struct Said {
    by: PlayerId,
    text: &'static str,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let is_real = std::env::args().any(|argument| argument == "--real");
    let clock = if is_real { Clock::system() } else { ManualClock::new().clock() };

    let mut config = Config::default();
    config.limits.per_owner = Some(20); // a player with more has a bug, and is told so
    config.limits.policy = LimitPolicy::Reject;
    config.stale_sweep_every = Duration::from_secs(1);
    let bus = Bus::builder().config(config).clock(clock.clone()).build()?;

    // Sixty beats a second. Each ends with the bus's upkeep: timers; now and then stale connections, and rooms that nobody
    // uses; memory.
    let mut heartbeat = Heartbeat::at(60.0)?.clock(clock.clone()).drive(&bus, Duration::from_micros(500));

    // In the order in which they start; they stop in the reverse one.
    let players = bus.manage(Players::new(&bus))?;
    log_chat(&bus)?;
    spawn_obstacles(&bus)?;
    receive(&bus, heartbeat.stepped())?;

    heartbeat.run(|| clock.now() < END);

    println!("\n{} beats, {} players online", heartbeat.figures().beats, players.sessions().len());
    print!("{}", bus.statistics());
    for slow in bus.slow_slots() {
        println!("too slow: {slow}");
    }
    let while_running = bus.audit();
    print!("\n{while_running}");

    let report = bus.shutdown(Duration::from_secs(1))?;
    print!("\n{report}");
    let at_the_end = bus.audit();
    print!("\n{at_the_end}");
    let is_clean = while_running.is_clean() && report.is_clean() && at_the_end.is_clean() && bus.is_empty();
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn note(clock: &Clock, text: fmt::Arguments<'_>) {
    println!("{:5.2} s  {text}", clock.now().as_secs_f64());
}

/// Who is there, and what happens to them: a struct that the bus runs as a service.
struct Players {
    /// Weak: the bus keeps the service, not the other way round.
    bus: WeakBus,
    clock: Clock,
    sessions: Mutex<HashMap<PlayerId, Session>>,
}

/// A player who is connected. What hangs on the scopes goes with them, wherever it was connected.
struct Session {
    player: OwnerScope,
    /// Part of the player's scope: from a spawn to the next death.
    body: OwnerScope,
    hud: Arc<Hud>,
}

impl Managed for Players {
    fn name(&self) -> Name {
        "Players".into()
    }

    fn start(self: &Arc<Self>, service: &Service) -> Result<(), ConnectError> {
        let bus = service.bus();
        // Weak slots get the service itself, and do not keep it.
        service
            .connect(&bus.signal::<Joined>())
            .kind(Kind::Player)
            .weak(self, |this, e| this.tell(e.0, this.join(e.0)))?;
        service.connect(&bus.signal::<Left>()).kind(Kind::Player).weak(self, |this, e| this.leave(e.0))?;
        service.connect(&bus.signal::<Spawned>()).weak(self, |this, e| this.tell(e.0, this.embody(e.0)))?;
        service.connect(&bus.signal::<Died>()).weak(self, |this, e| this.tell(e.0, this.die(e.0)))?;
        // A timer is a connection like any other: it stops with its service.
        let this = Arc::downgrade(self);
        service.timer(Duration::from_secs(2)).describe("saves everybody").slot(move |fired| {
            if let Some(this) = this.upgrade() {
                let online = this.sessions().len();
                note(&this.clock, format_args!("save number {}: {online} players", fired.number));
            }
        })?;
        Ok(())
    }

    /// Called once, before the service's connections end.
    fn stop(&self) {
        let sessions = std::mem::take(&mut *self.sessions());
        note(&self.clock, format_args!("the server stops, and sends {} players home", sessions.len()));
        drop(sessions); // their scopes, and with them all that they had connected
    }
}

impl Players {
    fn new(bus: &Bus) -> Self {
        Self { bus: bus.downgrade(), clock: bus.clock().clone(), sessions: Mutex::default() }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<PlayerId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, id: PlayerId, outcome: Result<(), ConnectError>) {
        if let Err(error) = outcome {
            note(&self.clock, format_args!("something is missing for player {id}: {error}"));
        }
    }

    fn join(&self, id: PlayerId) -> Result<(), ConnectError> {
        let Some(bus) = self.bus.upgrade() else { return Ok(()) };
        let player = bus.owner(id);
        // (Should something below fail, the scope is dropped, and what was connected through it by then has ended.)
        let clock = self.clock.clone();
        player
            .connect(&bus.signal::<Joined>())
            .kind(Kind::Player)
            .named("greeter")
            .on_cleanup(move |reason| note(&clock, format_args!("player {id} greets nobody any more: {reason}")))
            .slot(move |other| println!("         player {id} greets player {}", other.0))?;
        // The display is an object with a life of its own: whoever drops it need not know what it listens to.
        let hud = Arc::new(Hud::default());
        bus.service("Players").connect(&bus.signal::<Obstacle>()).kind(Kind::Gui).weak(&hud, |hud, obstacle| {
            hud.seen().push(obstacle.x);
        })?;

        note(&self.clock, format_args!("player {id} joins"));
        let body = player.child("character");
        self.sessions().insert(id, Session { player, body, hud });
        bus.signal::<Spawned>().emit(&Spawned(id));
        Ok(())
    }

    /// Gives a player a character: what it feels and does, it does until it dies.
    fn embody(&self, id: PlayerId) -> Result<(), ConnectError> {
        let sessions = self.sessions();
        let Some(Session { body, .. }) = sessions.get(&id) else { return Ok(()) };
        let (health, died) = (Arc::new(AtomicI32::new(100)), body.bus().signal::<Died>());
        let felt = Arc::clone(&health);
        body.connect(&body.bus().signal::<Shot>()).kind(Kind::Remote).slot(move |shot| {
            if shot.at == id {
                let left = felt.fetch_sub(DAMAGE, Relaxed) - DAMAGE;
                println!("         player {} hits player {id}, who has {} left", shot.by, left.max(0));
                if left <= 0 {
                    died.emit(&Died(id)); // ends this very slot, which is fine
                }
            }
        })?;
        body.timer(Duration::from_millis(250)).describe("heals").slot(move |_| {
            let _ = health.fetch_update(Relaxed, Relaxed, |left| Some((left + 2).min(100)));
        })?;
        note(&self.clock, format_args!("player {id} has a character with {} connections", body.len()));
        Ok(())
    }

    fn die(&self, id: PlayerId) -> Result<(), ConnectError> {
        let sessions = self.sessions();
        let Some(Session { player, body, .. }) = sessions.get(&id) else { return Ok(()) };
        let ended = body.reset();
        note(&self.clock, format_args!("player {id} dies: {ended} connections end, {} stay", player.len()));
        // Of the player's scope, not of the body's: and if the player leaves before, nobody respawns.
        let spawned = player.bus().signal::<Spawned>();
        player.after(Duration::from_millis(500)).slot(move |_| {
            spawned.emit(&Spawned(id));
        })?;
        Ok(())
    }

    fn leave(&self, id: PlayerId) {
        let session = self.sessions().remove(&id);
        if let Some(Session { player, hud, .. }) = session {
            let ended = player.leave();
            note(&self.clock, format_args!("player {id} leaves: {ended} connections end; saw {:?}", hud.seen()));
        }
    }
}

/// What a player has seen: where obstacles were.
#[derive(Default)]
struct Hud(Mutex<Vec<u64>>);

impl Hud {
    fn seen(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears every room, those included that are opened later.
fn log_chat(bus: &Bus) -> Result<(), Box<dyn Error>> {
    let clock = bus.clock().clone();
    bus.service("Chat").connect_matching::<Said>("room.*")?.tag("log").slot(move |room, said| {
        note(&clock, format_args!("{room}: player {} says {:?}", said.by, said.text));
    })?;
    Ok(())
}

/// An obstacle a second, at the heartbeat. One that takes longer than two milliseconds to make is counted as too slow.
fn spawn_obstacles(bus: &Bus) -> Result<(), ConnectError> {
    let (obstacle, clock) = (bus.signal::<Obstacle>(), bus.clock().clone());
    let service = bus.service("Obstacles");
    service.connect_heartbeat(Duration::from_secs(1), Duration::from_millis(2)).slot(move |beat| {
        let x = beat.number * 37 % 100;
        obstacle.emit(&Obstacle { x });
        note(&clock, format_args!("an obstacle at {x}"));
    })?;
    let clock = bus.clock().clone();
    service.on_shutdown(move || note(&clock, format_args!("no more obstacles")));
    Ok(())
}

/// What comes in from the network; here, from a script.
enum Message {
    Join(PlayerId),
    Say(PlayerId, &'static str, &'static str),
    Shoot(PlayerId, PlayerId),
    Leave(PlayerId),
}

/// Delivers, at the beginning of each beat, what has come in since the last one.
fn receive(bus: &Bus, stepped: &Signal<Beat>) -> Result<(), ConnectError> {
    use Message::{Join, Leave, Say, Shoot};
    let script = [
        (400, Join(1)),
        (900, Join(2)),
        (1_200, Say(1, "room.lobby", "hello")),
        (1_700, Shoot(2, 1)),
        (1_900, Shoot(2, 1)), // player 1 dies, and is back at 2.4 s
        (2_600, Say(1, "room.arena", "again!")),
        (2_800, Join(3)),
        (3_100, Shoot(1, 2)),
        (3_300, Shoot(3, 2)), // player 2 dies,
        (3_500, Leave(2)),    // and leaves before coming back
        (4_200, Say(3, "room.arena", "where is everybody?")),
    ];
    let inbox = Mutex::new(VecDeque::from(script));
    let weak = bus.downgrade(); // a slot that kept the bus would be kept by it
    bus.service("Network").connect(stepped).kind(Kind::Stepped).slot(move |beat| {
        let Some(bus) = weak.upgrade() else { return };
        let next = || {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            let (at, _) = inbox.front()?;
            if Duration::from_millis(*at) <= beat.time { inbox.pop_front() } else { None }
        };
        while let Some((_, message)) = next() {
            match message {
                Join(id) => _ = bus.signal().emit(&Joined(id)),
                Leave(id) => _ = bus.signal().emit(&Left(id)),
                Shoot(by, at) => _ = bus.signal().emit(&Shot { by, at }),
                Say(by, room, text) => match bus.topic(room) {
                    Ok(room) => _ = room.emit(&Said { by, text }),
                    Err(error) => println!("player {by} says something, but {error}"),
                },
            }
        }
    })?;
    Ok(())
}
