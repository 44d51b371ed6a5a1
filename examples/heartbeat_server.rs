//! A game server in one file: a heartbeat, and players who join, move, leave, and listen to each other meanwhile.
//!
//! Each tick of the heartbeat delivers what has come in under a single pin, lets the emissions of the tick finish, and
//! then, within a budget, drops what was left behind by those who have gone.
//!
//! ```sh
//! cargo run --example heartbeat_server
//! ```

use pulsebus::{Domain, ScopedConnection, Signal};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

const HEARTBEAT: Duration = Duration::from_millis(5);
const TICKS: u32 = 100;
/// What a tick may spend on dropping what has ended.
const MAINTENANCE: Duration = Duration::from_micros(500);

type PlayerId = u32;

/// What comes in from the network; here, from a thread that makes it up.
enum Message {
    Join(PlayerId),
    Move(PlayerId, f32),
    Leave(PlayerId),
}

struct Moved {
    player: PlayerId,
    x: f32,
}

/// What the parts of the server tell each other. Any thread may connect to them, at any time.
static JOINED: Signal<PlayerId> = Signal::new();
static MOVED: Signal<Moved> = Signal::new();
static LEFT: Signal<PlayerId> = Signal::new();

/// A player who is connected. When it goes, its guards do, and with them its slots.
struct Session {
    seen: Arc<AtomicU64>,
    _listening: [ScopedConnection; 2],
}

impl Session {
    fn open(player: PlayerId) -> Self {
        let seen = Arc::new(AtomicU64::new(0));
        let (moves, joins) = (seen.clone(), seen.clone());
        let listening = [
            // Everybody sees everybody else move, and join.
            MOVED.connect_scoped(move |moved| {
                if moved.player != player && moved.x.is_finite() {
                    moves.fetch_add(1, Relaxed);
                }
            }),
            JOINED.connect_scoped(move |&other| {
                if other != player {
                    joins.fetch_add(1, Relaxed);
                }
            }),
        ];
        Self { seen, _listening: listening }
    }
}

/// The server's state, of the heartbeat's thread alone.
struct Server {
    sessions: HashMap<PlayerId, Session>,
    seen_by_those_who_left: u64,
    inbox: Receiver<Message>,
}

impl Server {
    fn tick(&mut self) {
        pulsebus::tick(|t| {
            // All that has come in since the last one: one pin for the lot.
            while let Ok(message) = self.inbox.try_recv() {
                match message {
                    Message::Join(player) => {
                        self.sessions.insert(player, Session::open(player));
                        t.emit(&JOINED, &player);
                    }
                    Message::Move(player, x) => {
                        t.emit(&MOVED, &Moved { player, x });
                    }
                    Message::Leave(player) => {
                        if let Some(session) = self.sessions.remove(&player) {
                            self.seen_by_those_who_left += session.seen.load(Relaxed);
                            t.emit(&LEFT, &player);
                        }
                    }
                }
            }
        });
        // Between the ticks: no emission is in the way.
        pulsebus::maintain(MAINTENANCE);
    }
}

/// Thirty players who come, run about, and go.
fn make_up_traffic(outbox: &Sender<Message>) -> Result<(), mpsc::SendError<Message>> {
    for step in 0..1_000_u32 {
        let player = step / 30;
        match step % 30 {
            0 => outbox.send(Message::Join(player))?,
            29 if player >= 3 => outbox.send(Message::Leave(player - 3))?,
            n => outbox.send(Message::Move(player.saturating_sub(n % 3), n as f32 / 10.0))?,
        }
        thread::sleep(Duration::from_micros(400));
    }
    Ok(())
}

fn main() {
    let (outbox, inbox) = mpsc::channel();
    // The server may stop first; then there is nobody left to tell.
    let network = thread::spawn(move || drop(make_up_traffic(&outbox)));

    // Metrics are just another listener; `connect` without a guard lasts as long as the signal.
    let left = Arc::new(AtomicU64::new(0));
    let counter = left.clone();
    let metrics = LEFT.connect(move |_| {
        counter.fetch_add(1, Relaxed);
    });

    let mut server = Server { sessions: HashMap::new(), seen_by_those_who_left: 0, inbox };
    let mut next = Instant::now();
    for tick in 1..=TICKS {
        server.tick();
        if tick % 20 == 0 {
            println!(
                "tick {tick:3}: {:2} players, {:2} listen to moves, {:2} have left",
                server.sessions.len(),
                MOVED.len(),
                left.load(Relaxed)
            );
        }
        next += HEARTBEAT;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }

    let seen = server.seen_by_those_who_left;
    drop(server);
    network.join().expect("it only sends");
    metrics.disconnect();
    let collected = pulsebus::collect();
    println!("those who left had seen {seen} moves and joins");
    println!("slots left: {}; all that they captured is dropped: {}", MOVED.len() + JOINED.len(), collected.complete);
    println!("chunks of 32 slots held: {}", Domain::global().statistics().chunks);
}
