//! Mailboxes: each subscriber at its own speed, on its own thread, with its own idea of what to do when it falls behind.
//!
//! `cargo run --example mailbox`

use pulsebus::{CapacityError, Overflow, RecvError, Signal};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[derive(Clone, Debug)]
struct Trade {
    number: u64,
    price: f64,
}

fn main() -> Result<(), CapacityError> {
    let trades = Signal::<Trade>::new();

    // An archive may lose nothing: the emitter waits for it, if it must.
    let mut archive = trades.mailbox(64, Overflow::Block(Duration::from_secs(5)))?;
    let archive = thread::spawn(move || {
        let mut written = 0;
        while let Ok(trade) = archive.recv() {
            assert_eq!(trade.number, written, "in order, all of them");
            written += 1;
        }
        written
    });

    // A chart wants the present: what is old makes room, and it is told how much that was.
    let mut chart = trades.mailbox(16, Overflow::DropOldest)?;
    let chart = thread::spawn(move || {
        let (mut drawn, mut missed) = (0_u64, 0_u64);
        loop {
            match chart.recv() {
                Ok(_) => drawn += 1,
                Err(RecvError::Lagged(count)) => missed += count,
                Err(_) => return (drawn, missed),
            }
            if drawn % 64 == 0 {
                thread::sleep(Duration::from_micros(200)); // drawing takes time
            }
        }
    });

    // Two that read the same events share them: one `Arc` per emission, and none if nobody listens.
    let shared = trades.shared();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut inbox = shared.mailbox(100_000, Overflow::Disconnect)?;
            Ok(thread::spawn(move || inbox.iter().flatten().map(|trade: Arc<Trade>| trade.price).sum::<f64>()))
        })
        .collect::<Result<_, CapacityError>>()?;

    const TRADES: u64 = 50_000;
    for number in 0..TRADES {
        trades.emit(&Trade { number, price: 100.0 + (number % 10) as f64 });
    }
    drop((trades, shared)); // ends all streams, after what is queued

    assert_eq!(archive.join().expect("it archives"), TRADES);
    let (drawn, missed) = chart.join().expect("it draws");
    println!("archived {TRADES}, drew {drawn}, missed {missed}");
    assert_eq!(drawn + missed, TRADES, "what is lost is told");
    let sums: Vec<f64> = readers.into_iter().map(|reader| reader.join().expect("it adds up")).collect();
    println!("sums of those that share: {sums:?}");
    assert_eq!(sums[0], sums[1]);
    Ok(())
}
