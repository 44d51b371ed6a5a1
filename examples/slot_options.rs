//! What one slot may want of its events, all inline: a game's damage, seen by armour, log, achievements and cut scenes.
//!
//! `cargo run --example slot_options`

use pulsebus::{OverBudget, PanicPolicy, Priority, Query, Signal, SlotBudget};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

struct Hit {
    target: u32,
    amount: u32,
}

struct Hud {
    player: u32,
}

fn main() {
    let hit = Signal::<Hit>::new();

    // Priorities: the shield comes first, and may keep a hit from everybody else.
    let shield = Arc::new(AtomicU32::new(2));
    let left = Arc::clone(&shield);
    hit.slot().priority(Priority::BEFORE).connect_flow(move |_| {
        let absorbed = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if absorbed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    // Plain ones, and the log after them.
    let health = Arc::new(AtomicU32::new(500));
    let remaining = Arc::clone(&health);
    hit.connect(move |hit| _ = remaining.fetch_sub(hit.amount, Relaxed));
    hit.slot().after().connect(|hit| println!("log: {} takes {}", hit.target, hit.amount));
    // Once, some, until.
    hit.slot().once().connect(|_| println!("achievement: first blood"));
    hit.slot().filter(|hit| hit.amount >= 100).times(2).connect(|_| println!("the screen shakes"));
    hit.slot().until(|hit| hit.target == 9).connect(|hit| println!("tutorial: that was {}", hit.amount));
    // A weak one: ends with its target.
    let hud = Arc::new(Hud { player: 7 });
    hit.slot().connect_weak(&hud, |hud, hit| println!("hud of {}: -{}", hud.player, hit.amount));

    // Stopped twice by the shield, then seen by all.
    for amount in [10, 20, 30, 120] {
        let emitted = hit.emit(&Hit { target: 7, amount });
        println!("{amount}: {emitted:?}");
    }
    assert_eq!(health.load(Relaxed), 350);

    // A cut scene: a pause of all of them, for as long as the guard lives.
    {
        let _cut_scene = hit.block();
        assert!(hit.emit(&Hit { target: 7, amount: 1_000 }).is_blocked());
    }
    drop(hud);
    hit.emit(&Hit { target: 9, amount: 50 });
    println!("{} slots are left", hit.len());

    // Other signals: what is passed on, to whom it may concern. A circle would be found, not run.
    let score = Arc::new(Signal::<u32>::new());
    hit.slot().filter(|hit| hit.target != 7).forward(&score, |hit| hit.amount);
    score.connect(|points| println!("{points} points"));
    hit.emit(&Hit { target: 8, amount: 25 });

    // A slot from a mod: it may be wrong, or slow, and ends if it is too often.
    let budget = SlotBudget::new(Duration::from_millis(2)).over(OverBudget::DisconnectAfter(3));
    let foreign = hit.slot().on_panic(PanicPolicy::DisconnectAfter(1)).budget(&budget).connect(|hit| {
        assert!(hit.amount < 100, "this mod has not thought of more");
    });
    hit.domain().set_panic_hook(|panic| println!("{panic}"));
    std::panic::set_hook(Box::new(|_| {})); // told by the line above
    hit.emit(&Hit { target: 8, amount: 100 });
    assert!(!foreign.is_connected());

    // Answers.
    let may_respawn = Query::<u32, bool>::new();
    may_respawn.connect(|player| *player != 13);
    may_respawn.connect_at(Priority::BEFORE, move |_| health.load(Relaxed) < 1_000);
    println!("may respawn: {}", may_respawn.all(&7));
}
