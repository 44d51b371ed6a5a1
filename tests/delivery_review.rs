//! Promises of mailboxes, rings and loops in the corners: clones that panic, readers that join, capacities that are too large.

use pulsebus::{Ring, Wait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// Long enough for whatever is to happen.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_publisher_that_waits_for_a_reader_that_is_joining_goes_on_when_it_has_joined() {
    let ring = Ring::gated(1).expect("a capacity").with_wait(Wait::Park);
    let publishers: Vec<_> = (0..2)
        .map(|_| {
            let ring = ring.clone();
            let go_on = Arc::new(AtomicBool::new(true));
            let thread = thread::spawn({
                let go_on = go_on.clone();
                move || {
                    while go_on.load(SeqCst) {
                        ring.publish(());
                    }
                }
            });
            (go_on, thread)
        })
        .collect();
    let mut woken = true;
    for round in 0..2_000 {
        let mut reader = if round % 2 == 0 { ring.subscribe() } else { ring.subscribe_oldest() };
        woken &= reader.recv_timeout(LONG).is_ok();
        if !woken {
            break;
        }
    }
    for (go_on, thread) in publishers {
        go_on.store(false, SeqCst);
        thread.join().expect("it publishes");
    }
    assert!(woken, "publishers and reader wait for each other");
}
