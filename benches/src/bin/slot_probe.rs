//! What callgrind counts of the options of slots, and of queries: one emission, or one question, to so many slots.
//!
//! `cargo xtask budget` runs every part at two sizes and takes the slope.

use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use pulsebus::{PanicPolicy, Priority, Query, Signal, SlotBudget};
use pulsebus_benches::event::{Event, Lane, Sums, slot};
use pulsebus_benches::heap::Counting;
use serde::Serialize;

#[global_allocator]
static HEAP: Counting = Counting::new();

/// Runs one emission to slots with an option, or one question, for callgrind to count
#[derive(Parser)]
struct Args {
    /// What the slots are
    #[arg(value_enum)]
    part: Part,

    /// How many there are
    size: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// As they come
    Plain,
    /// With a limit that is not reached
    Times,
    /// With a filter that lets all through
    Filter,
    /// With a filter that lets none through
    Filtered,
    /// With an end that does not come
    Until,
    /// Blocked once, and no more
    Unblocked,
    /// Blocked
    Blocked,
    /// Weak, of a target that is there
    Weak,
    /// That know their own connection
    Own,
    /// With a panic policy of their own
    Policy,
    /// With a budget of time
    Budget,
    /// Plain ones of a signal with a second, empty lane
    Lanes,
    /// At the front
    Front,
    /// That might stop the emission
    Flow,
    /// `measured_query`: a fold of a query
    Fold,
    /// `measured_boxes`: the same over a vector of boxed closures
    Boxes,
}

#[derive(Serialize)]
struct Report {
    pin: String,
    heap_calls: u64,
}

type Answer = Box<dyn Fn(&u64) -> u64>;

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_emit(signal: &Signal<Event>, event: &Event) {
    signal.emit(event);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_query(query: &Query<u64, u64>, argument: &u64) -> u64 {
    query.fold(argument, 0, |sum, answer| sum ^ answer)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_boxes(boxes: &[Answer], argument: &u64) -> u64 {
    boxes.iter().fold(0, |sum, answer| sum ^ answer(argument))
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
    /// Runs the part once to warm up, and once to be counted; the heap calls of that.
    fn run(self, size: usize) -> u64 {
        match self {
            Self::Fold => {
                let query = Query::new();
                (0..size as u64).for_each(|number| _ = query.connect(move |argument| argument + number));
                counted(|| _ = measured_query(black_box(&query), black_box(&1)))
            }
            Self::Boxes => {
                let box_of = |number| -> Answer { Box::new(move |argument| argument + number) };
                let boxes: Vec<Answer> = (0..size as u64).map(box_of).collect();
                counted(|| _ = measured_boxes(black_box(&boxes), black_box(&1)))
            }
            _ => self.emit(size),
        }
    }

    fn emit(self, size: usize) -> u64 {
        let (signal, event) = (Signal::new(), Sums::leaked().event());
        let budget = SlotBudget::new(Duration::from_secs(1));
        let target = Arc::new(());
        let mut blocks = Vec::new();
        if matches!(self, Self::Lanes) {
            signal.slot().priority(Priority::AFTER).connect(|_: &Event| {}).disconnect();
        }
        for _ in 0..size {
            let (call, builder) = (slot(Lane::next()), signal.slot());
            let connection = match self {
                Self::Times => builder.times(u64::MAX).connect(call),
                Self::Filter => builder.filter(|event| black_box(event).is_event()).connect(call),
                Self::Filtered => builder.filter(|event| !black_box(event).is_event()).connect(call),
                Self::Until => builder.until(|event| !black_box(event).is_event()).connect(call),
                Self::Weak => builder.connect_weak(&target, move |(), event| call(event)),
                Self::Own => builder.connect_self(move |event, _| call(event)),
                Self::Policy => builder.on_panic(PanicPolicy::Isolate).connect(call),
                Self::Budget => builder.budget(&budget).connect(call),
                Self::Front => builder.at_front().connect(call),
                Self::Flow => builder.connect_flow(move |event| {
                    call(event);
                    ControlFlow::Continue(())
                }),
                _ => builder.connect(call),
            };
            match self {
                Self::Unblocked => drop(connection.block()),
                Self::Blocked => blocks.push(connection.block()),
                _ => {}
            }
        }
        counted(|| measured_emit(black_box(&signal), black_box(&event)))
    }
}

/// Runs it twice; the heap calls of the second time. (callgrind counts both: the difference of two sizes holds both.)
fn counted(measured: impl Fn()) -> u64 {
    measured();
    let before = HEAP.calls();
    measured();
    HEAP.calls() - before
}
