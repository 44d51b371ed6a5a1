//! Rings: one write for any number of readers. A stream of prices that slow readers may miss, and a pipeline in which nobody misses
//! anything.
//!
//! `cargo run --example ring`

use pulsebus::{CapacityError, RecvError, RingPublisher, Signal};
use std::thread;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    lossy()?;
    pipeline()?;
    Ok(())
}

/// A signal's events, for three readers at their own speeds.
fn lossy() -> Result<(), CapacityError> {
    const EVENTS: u64 = 100_000;
    let prices = Signal::<u64>::new();
    let ring = prices.ring(1_024)?;
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let mut stream = ring.subscribe();
            thread::spawn(move || {
                let (mut read, mut lost) = (0, 0);
                loop {
                    match stream.recv() {
                        Ok(_) => read += 1,
                        Err(RecvError::Lagged(count)) => lost += count,
                        Err(_) => return (reader, read, lost),
                    }
                    if reader == 2 && read % 100 == 0 {
                        thread::yield_now(); // a slow one
                    }
                }
            })
        })
        .collect();
    for block in 0..EVENTS / 100 {
        let batch: Vec<u64> = (block * 100..(block + 1) * 100).collect();
        prices.emit_batch(&batch);
    }
    drop((prices, ring)); // ends the stream, after what is there
    for reader in readers {
        let (reader, read, lost) = reader.join().expect("it reads");
        println!("reader {reader} has read {read}, and was told of {lost} that it has lost");
        assert_eq!(read + lost, EVENTS);
    }
    Ok(())
}

/// One publisher, two that work side by side, and a third that comes after both: nobody overtakes, nothing is lost.
fn pipeline() -> Result<(), Box<dyn std::error::Error>> {
    const ORDERS: u32 = 10_000;
    let mut publisher = RingPublisher::gated(256)?;
    let (mut journal, mut checks) = (publisher.subscribe(), publisher.subscribe());
    let mut engine = publisher.subscribe_after(&[&journal, &checks])?;
    let (journalled, checked, matched) = thread::scope(|scope| {
        let journal = scope.spawn(move || count(|f| journal.read(64, f)));
        let checks = scope.spawn(move || count(|f| checks.read(64, f)));
        let engine = scope.spawn(move || count(|f| engine.read(64, f)));
        publisher.publish_iter(0..ORDERS);
        drop(publisher);
        (journal.join(), checks.join(), engine.join())
    });
    for (step, sum) in [("journalled", journalled), ("checked", checked), ("matched", matched)] {
        let sum = sum.expect("it runs");
        println!("{step}: a sum of {sum}");
        assert_eq!(sum, (0..ORDERS).map(u64::from).sum::<u64>());
    }
    Ok(())
}

/// Reads to the end, in batches, without cloning; the sum.
fn count(mut read: impl FnMut(&mut dyn FnMut(&u32)) -> Result<usize, RecvError>) -> u64 {
    let mut sum = 0;
    while read(&mut |order| sum += u64::from(*order)).is_ok() {}
    sum
}
