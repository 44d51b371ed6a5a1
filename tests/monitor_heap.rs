//! The counting allocator, installed, and what the monitor costs on the heap.

use pulsebus::alloc::{self, Counting};
use pulsebus::{AlertKind, Bus, Domain, ManualClock, Monitor, Signal};
use std::hint::black_box;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// The counts are the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Is `f` exact once at least? (The thread that runs the tests allocates beside them, now and then.)
fn once(f: impl Fn() -> bool) -> bool {
    (0..100).any(|_| f())
}

#[test]
fn calls_and_bytes_are_exact_of_one_thread() {
    let _alone = alone();
    assert!(alloc::installed());
    assert!(once(|| {
        let before = Counting::figures();
        let mut bytes: Vec<u8> = black_box(Vec::with_capacity(1_000));
        let made = Counting::figures();
        bytes.reserve_exact(3_000);
        let resized = Counting::figures();
        drop(black_box(bytes));
        let dropped = Counting::figures();
        drop(black_box(vec![0_u64; 100]));
        let zeroed = alloc::figures().unwrap();
        (made.live_bytes, made.calls, made.frees) == (before.live_bytes + 1_000, before.calls + 1, before.frees)
            && (resized.live_bytes, resized.calls) == (before.live_bytes + 3_000, before.calls + 2)
            && resized.frees == before.frees + 1
            && (dropped.live_bytes, dropped.live_blocks()) == (before.live_bytes, before.live_blocks())
            && dropped.allocated_bytes == before.allocated_bytes + 4_000
            && zeroed.allocated_bytes == before.allocated_bytes + 4_800
    }));
}

#[test]
fn what_threads_hand_to_each_other_adds_up() {
    let _alone = alone();
    let before = Counting::figures();
    for _ in 0..50 {
        let boxes: Vec<Box<[u8; 100]>> =
            std::thread::spawn(|| (0..100).map(|_| Box::new([0; 100])).collect()).join().unwrap();
        std::thread::spawn(move || drop(boxes)).join().unwrap();
    }
    let after = Counting::figures();
    assert!(after.allocated_bytes >= before.allocated_bytes + 50 * 100 * 100);
    assert!(after.live_bytes < before.live_bytes + 10_000, "{before} {after}");
}

#[test]
fn thread_locals_that_allocate_when_they_end_are_counted() {
    struct Last(Vec<u8>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0 = black_box(vec![1; 1_000]);
        }
    }
    thread_local! {
        static LAST: Last = const { Last(Vec::new()) };
    }
    let _alone = alone();
    let before = Counting::figures();
    for _ in 0..300 {
        std::thread::spawn(|| LAST.with(|last| assert!(last.0.is_empty()))).join().unwrap();
    }
    let after = Counting::figures();
    assert!(after.allocated_bytes >= before.allocated_bytes + 300_000);
    assert!(after.live_bytes < before.live_bytes + 10_000, "{before} {after}");
}

#[test]
fn the_monitor_finds_the_allocator_and_judges_by_it_where_there_is_no_resident_set() {
    let _alone = alone();
    let held = black_box(vec![1_u8; 1_000_000]);
    let monitor = Monitor::builder().memory(|| None).budget(1_000_000).build().unwrap();
    let (told, hears) = std::sync::mpsc::channel();
    monitor.alerts().connect(move |alert| told.send((alert.kind, alert.series.to_string())).unwrap());
    let sample = monitor.sample_now();
    assert!(sample.heap.is_some_and(|heap| heap.live_bytes > 1_000_000) && sample.resident_bytes.is_none());
    assert_eq!(hears.try_recv(), Ok((AlertKind::Memory, "heap_bytes".to_string())));
    drop(held);
}

#[test]
fn a_poll_that_is_not_due_makes_no_heap_call() {
    let _alone = alone();
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    for monitor in [Monitor::builder().bus(&bus).build().unwrap(), Monitor::builder().build().unwrap()] {
        assert!(monitor.poll());
        assert!(once(|| {
            let before = Counting::figures();
            for _ in 0..10_000 {
                assert!(!black_box(&monitor).poll());
            }
            Counting::figures() == before
        }));
    }
}

#[test]
fn timing_an_emission_makes_no_heap_call() {
    let _alone = alone();
    let monitor = Monitor::builder().build().unwrap();
    let (dispatch, signal) = (monitor.dispatch(), Signal::<u32>::new());
    signal.connect(|n| assert!(black_box(*n) < 1_000));
    signal.emit(&1);
    assert!(once(|| {
        let before = Counting::figures();
        (0..1_000).for_each(|n| {
            dispatch.time(|| signal.emit(&n));
        });
        Counting::figures() == before
    }));
    assert!(dispatch.figures().count >= 1_000);
}

#[test]
fn a_week_of_samples_takes_bounded_memory() {
    let _alone = alone();
    let hand = ManualClock::new();
    let time = hand.clone();
    let every = Duration::from_secs(30);
    let builder = Monitor::builder().domain(&Domain::new()).clock(hand.clock()).intervals(every, every);
    let monitor = builder.memory(move || Some(100_000_000 + time.now().as_secs() % 3600 * 10_000)).build().unwrap();
    for number in 0..3 {
        let time = hand.clone();
        monitor.count(format!("g{number}"), move || time.now().as_secs() as usize / 10 % (100 + number)).unwrap();
    }
    let base = Counting::figures().live_bytes;
    let mut by_day = Vec::new();
    for _ in 0..7 {
        let end = hand.now() + Duration::from_secs(24 * 3600);
        while hand.now() < end {
            hand.set(monitor.next_sample());
            assert!(monitor.poll());
        }
        by_day.push(Counting::figures().live_bytes - base);
    }
    let series = monitor.report().series.len() as u64;
    assert!(by_day[0] < series * 64_000, "{by_day:?} bytes of {series} series");
    assert!(by_day[6] < by_day[1] + 20_000, "{by_day:?}");
}

#[test]
fn gauges_that_come_and_go_do_not_grow_memory() {
    let _alone = alone();
    let hand = ManualClock::new();
    let monitor = Monitor::builder().clock(hand.clock()).memory(|| Some(1)).build().unwrap();
    let mut round = |number: u64| {
        let held = Arc::new(number);
        monitor.count(format!("g{number}"), move || *held as usize).unwrap();
        monitor.sample_now();
        assert!(monitor.remove(&format!("g{number}")));
        hand.advance(Duration::from_secs(5));
    };
    (0..1_000).for_each(&mut round);
    let before = Counting::figures().live_bytes;
    (1_000..2_000).for_each(&mut round);
    let grown = Counting::figures().live_bytes.saturating_sub(before);
    assert!(grown < 40_000, "{grown} bytes by a thousand gauges");
}
