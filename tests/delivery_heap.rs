//! What states and event loops ask of the heap, once they are warm.

use pulsebus::alloc::Counting;
use pulsebus::{EventLoop, LoopBudget, Signal, State};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// The counts are the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The heap calls of `f`: for memory that is asked for, and for memory that is given back. The least of many, for the
/// thread that runs the tests allocates beside them, now and then.
fn calls(f: impl Fn()) -> (u64, u64) {
    let once = |_| {
        let before = Counting::figures();
        f();
        let after = Counting::figures();
        (after.calls - before.calls, after.frees - before.frees)
    };
    (0..20).map(once).min().expect("twenty of them")
}

static SUM: AtomicU64 = AtomicU64::new(0);

#[test]
fn a_set_makes_one_heap_call_for_the_value_and_connecting_none() {
    let _alone = alone();
    let state = State::new(1_u64);
    let round = || {
        state.set(2);
        state.update(|n| n + 1);
    };
    let connects = || {
        let (a, b) = (1_u64, 2_u64);
        let connection = state.connect(move |n| _ = SUM.fetch_add(n + a + b, Relaxed));
        connection.disconnect();
        pulsebus::collect();
    };
    (0..100).for_each(|_| {
        round();
        connects();
    });
    assert_eq!(calls(round), (2, 2), "one for each value");
    assert_eq!(calls(connects), (0, 0));
    assert_eq!(calls(|| assert!(state.get().is_some())), (0, 0));
}

#[test]
fn a_bounded_loop_makes_no_heap_call_for_a_small_event() {
    let _alone = alone();
    let (signal, event_loop) = (Signal::<[u64; 3]>::new(), EventLoop::bounded(64).expect("there is memory"));
    event_loop.connect(&signal, |n| _ = SUM.fetch_add(n[0], Relaxed));
    let round = || {
        (0..64).for_each(|n| _ = signal.emit(&[n; 3]));
        assert_eq!(event_loop.run_pending(LoopBudget::Queued).calls, 64);
    };
    round();
    assert_eq!(calls(|| (0..100).for_each(|_| round())), (0, 0));
}

#[test]
fn a_growing_loop_makes_one_heap_call_for_31_small_events() {
    let _alone = alone();
    let (signal, event_loop) = (Signal::<u64>::new(), EventLoop::new());
    event_loop.connect(&signal, |n| _ = SUM.fetch_add(*n, Relaxed));
    let round = || {
        (0..31).for_each(|n| _ = signal.emit(&n));
        assert_eq!(event_loop.run_pending(LoopBudget::Queued).calls, 31);
    };
    round();
    assert_eq!(calls(|| (0..100).for_each(|_| round())), (100, 100));
}
