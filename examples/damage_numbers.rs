//! Damage numbers: the fight writes them, and the display, on a thread of its own, shows each for a third of a second.
//!
//! A number is a text buffer that comes out of a pool. Its guard goes through a channel like any other value; when the display
//! drops it, it returns, on that thread, and the fight gets it again. Nobody allocates a text, and nobody sends buffers back.
//!
//! ```sh
//! cargo run --example damage_numbers
//! cargo run --example damage_numbers -- --without-pool    # the same, each number allocated and freed
//! ```

#[path = "shared/mod.rs"]
mod shared;

use pulsebus::{Pool, PoolFigures};
use shared::Dice;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt::{self, Write};
use std::ops::DerefMut;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Five minutes.
const TICKS: u32 = 5 * 60 * 60;
/// For how many frames a number is shown.
const SHOWN: u32 = 20;
/// The display may be behind by so many messages; then the fight waits for it.
const BEHIND: usize = 64;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    shared::main("damage_numbers", TICKS, run)
}

/// Plays so many ticks: how it went, and what the pool has done.
pub fn run(ticks: u32, with_pool: bool) -> Result<(Score, Option<PoolFigures>), Box<dyn Error>> {
    if !with_pool {
        return Ok((play(ticks, || Box::new(Number::new()))?, None));
    }
    let pool = Pool::builder(Number::new).reset(|number| number.text.clear()).name("damage numbers").build()?;
    let score = play(ticks, || pool.get())?;
    Ok((score, Some(pool.figures())))
}

struct Number {
    text: String,
    position: [f32; 2],
    colour: [u8; 3],
}

impl Number {
    fn new() -> Self {
        Self { text: String::with_capacity(16), position: [0.0; 2], colour: [255; 3] }
    }
}

/// What the fight tells the display: `N` is a number that is dropped after use, and goes to wherever it belongs.
enum Message<N> {
    Show(N),
    Frame,
}

/// What the display has drawn: the same with a pool and without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    numbers: u64,
    letters_drawn: u64,
    /// Of all texts as they were drawn.
    checksum: u64,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { numbers, letters_drawn, checksum } = self;
        write!(f, "{numbers} numbers, {letters_drawn} letters drawn (checksum {checksum:016x})")
    }
}

/// `new` gives a number that is empty: out of a pool, or off the heap.
fn play<N>(ticks: u32, new: impl Fn() -> N) -> Result<Score, Box<dyn Error>>
where
    N: DerefMut<Target = Number> + Send + 'static,
{
    let (sender, receiver) = sync_channel(BEHIND);
    let display = thread::Builder::new().name("display".into()).spawn(move || draw(&receiver))?;
    let fought = fight(ticks, &sender, new);
    drop(sender);
    let score = display.join().map_err(|_| "the display has panicked")?;
    fought.map(|()| score)
}

fn fight<N>(ticks: u32, display: &SyncSender<Message<N>>, new: impl Fn() -> N) -> Result<(), Box<dyn Error>>
where
    N: DerefMut<Target = Number> + Send + 'static,
{
    let mut dice = Dice::new();
    for _ in 0..ticks {
        for _ in 0..1 + dice.below(5) {
            let damage = 1 + dice.below(999);
            let is_critical = damage > 900;
            let mut number = new();
            // Into the buffer that is there: a text that `format!` makes would be a heap call of its own.
            write!(number.text, "-{damage}{}", if is_critical { " critical!" } else { "" })?;
            number.position = [dice.share(), dice.share()];
            number.colour = if is_critical { [255, 64, 0] } else { [255; 3] };
            display.send(Message::Show(number)).map_err(|_| "the display is gone")?;
        }
        display.send(Message::Frame).map_err(|_| "the display is gone")?;
    }
    Ok(())
}

fn draw<N: DerefMut<Target = Number>>(messages: &Receiver<Message<N>>) -> Score {
    // In the order in which they appeared, which is the one in which they go.
    let mut shown = VecDeque::<(u32, N)>::with_capacity(256);
    let mut score = Score::default();
    let mut frame = 0;
    for message in messages {
        match message {
            Message::Show(number) => {
                score.numbers += 1;
                shown.push_back((frame + SHOWN, number));
            }
            Message::Frame => {
                frame += 1;
                while shown.front().is_some_and(|(until, _)| *until < frame) {
                    shown.pop_front(); // back to the pool, from this thread
                }
                for (_, number) in &mut shown {
                    number.position[1] += 0.01;
                    score.letters_drawn += number.text.len() as u64;
                    let first = number.text.as_bytes().iter().rev().take(2).chain(&number.colour[1..2]);
                    first.for_each(|byte| score.checksum = score.checksum.rotate_left(5) ^ u64::from(*byte));
                }
            }
        }
    }
    score
}
