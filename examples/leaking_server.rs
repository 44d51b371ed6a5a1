//! A server that leaks on purpose, and a monitor that says where.
//!
//! Players come and go. What they listen with is owned by them, and ends when they leave; but the one that greets each of them
//! connects a slot that nobody owns, and forgets it. Nothing is wrong with any of it for a minute or two: connections come and go
//! anyway. Then the monitor sees that they grow, whatever leaves, and names the line.
//!
//! ```sh
//! cargo run --example leaking_server              # by the real clock: a minute or two
//! cargo run --example leaking_server -- --fast    # the same by a clock driven by hand: at once
//! ```

use pulsebus::{AlertKind, Bus, Clock, Kind, ManualClock, Monitor, Signal};
use std::collections::VecDeque;
use std::error::Error;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

const TICK: Duration = Duration::from_secs(1);
/// So many players are there at a time, and one comes and one goes in each tick.
const PLAYERS: usize = 60;
/// The monitor has so long.
const PATIENCE: Duration = Duration::from_secs(300);

struct Damage;
struct Chat;

struct Server {
    bus: Bus,
    damage: Signal<Damage>,
    chat: Signal<Chat>,
    players: VecDeque<u64>,
    next: u64,
}

impl Server {
    fn join(&mut self) -> Result<(), Box<dyn Error>> {
        let player = self.next;
        self.next += 1;
        self.players.push_back(player);
        for _ in 0..5 {
            self.bus.connect(&self.damage).owner(player).kind(Kind::Player).slot(|_hit| {})?;
        }
        self.greet(player)
    }

    /// The mistake: no `.owner(player)`.
    fn greet(&self, player: u64) -> Result<(), Box<dyn Error>> {
        let greeting = format!("welcome, player {player}");
        self.bus.connect(&self.chat).kind(Kind::Player).slot(move |_said| drop(greeting.clone()))?; // THE LEAK
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(player) = self.players.pop_front() {
            self.bus.cleanup_owner(player);
        }
    }

    fn tick(&mut self) -> Result<(), Box<dyn Error>> {
        self.join()?;
        if self.players.len() > PLAYERS {
            self.leave();
        }
        self.damage.emit(&Damage);
        self.chat.emit(&Chat);
        Ok(())
    }
}

/// What the monitor has told of the leak.
#[derive(Debug, Clone)]
pub struct Told {
    /// How long the server had run.
    pub after: Duration,
    /// The file of the first place it named.
    pub file: &'static str,
    /// The line.
    pub line: u32,
    /// The alert, as an operator reads it.
    pub text: String,
}

/// Runs the server until the monitor tells of the leak, for five minutes of that clock at the most; `wait` lets a tick go by.
pub fn run(clock: Clock, mut wait: impl FnMut(Duration)) -> Result<Option<Told>, Box<dyn Error>> {
    let bus = Bus::builder().clock(clock.clone()).build()?;
    // Growth of a twentieth over a minute is enough, seen by samples of five seconds: with ten minutes, the default, an evening's
    // players look less like a leak, but it would make a long example.
    let monitor = Monitor::builder()
        .bus(&bus)
        .budget(500_000_000)
        .growth(0.05, Duration::from_secs(60))
        .intervals(Duration::from_secs(1), Duration::from_secs(5))
        .build()?;
    let told = Arc::new(Mutex::new(None));
    let note = Arc::clone(&told);
    let _listening = monitor.alerts().connect_scoped(move |alert| {
        let is_growth = alert.kind == AlertKind::Growth && &*alert.series == "connections";
        if let Some(place) = alert.places.first().filter(|_| is_growth) {
            let (file, line) = (place.place.file(), place.place.line());
            let told = Told { after: alert.time, file, line, text: alert.to_string() };
            note.lock().expect("nothing panics while it holds it").get_or_insert(told);
        }
    });
    let mut server = Server { bus, damage: Signal::new(), chat: Signal::new(), players: VecDeque::new(), next: 1 };
    // A server that has been running for a while.
    for _ in 0..PLAYERS {
        server.join()?;
    }
    while clock.now() < PATIENCE {
        server.tick()?;
        // What a server does in each of its ticks, or has a heartbeat do.
        monitor.maintain(Duration::from_millis(1));
        if let Some(told) = told.lock().expect("nothing panics while it holds it").take() {
            return Ok(Some(told));
        }
        wait(TICK);
    }
    Ok(None)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let told = match std::env::args().nth(1).as_deref() {
        Some("--fast") => {
            let hand = ManualClock::new();
            run(hand.clock(), |tick| hand.advance(tick))?
        }
        None => {
            if stdout().is_terminal() {
                println!("a player comes and goes each second; wait a minute or two (or run it with --fast) ...");
            }
            run(Clock::system(), sleep)?
        }
        Some(other) => {
            eprintln!("unknown argument {other:?}: expected --fast, or nothing");
            return Ok(ExitCode::from(2));
        }
    };
    match told {
        Some(told) => {
            println!("after {:.0?} the monitor says:\n{}", told.after, told.text);
            Ok(ExitCode::SUCCESS)
        }
        None => {
            eprintln!("the monitor said nothing within {PATIENCE:?}");
            Ok(ExitCode::FAILURE)
        }
    }
}
