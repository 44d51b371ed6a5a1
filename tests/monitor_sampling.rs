//! What the monitor samples, when, and how it takes what goes wrong.

mod common;

use common::keep;
use pulsebus::{Bus, Domain, Kind, ManualClock, Monitor, MonitorError, Pools, Signal, Trend};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn why(monitor: &Monitor, what: &str) -> Option<&'static str> {
    let missing = monitor.latest()?.missing.clone();
    missing.iter().find(|missing| missing.what == what).map(|missing| missing.why)
}

#[test]
fn a_sample_counts_what_the_library_holds() {
    let (hand, domain) = (ManualClock::new(), Domain::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let monitor = Monitor::builder().bus(&bus).pools(&Pools::new()).count("entities", || 42).build().unwrap();
    let signals: Vec<Signal<u32>> = (0..3).map(|_| Signal::new_in(&domain)).collect();
    for (owner, signal) in signals.iter().enumerate() {
        bus.connect(signal).owner(owner).kind(Kind::Remote).slot(|_| {}).unwrap();
    }
    let words = String::from("captured");
    signals[0].connect(move |n| println!("{words} {n}"));
    bus.timer(SECOND).owner(7).slot(|_| {}).unwrap();
    signals[0].disconnect_all();
    signals[0].connect(|_| {});
    bus.cleanup_owner(1);
    hand.advance(SECOND);
    let sample = monitor.sample_now();
    let in_bus = sample.bus.as_ref().unwrap();
    assert_eq!((in_bus.made, in_bus.timers, in_bus.peak), (4, 1, 4));
    assert_eq!((in_bus.connections, in_bus.ended), (3, 1), "the one ended behind the bus's back is not found yet");
    assert!(in_bus.kinds.contains(&(Kind::Timer, 1)));
    bus.maintain(SECOND);
    let swept = monitor.sample_now();
    let in_domain = swept.domain.as_ref().unwrap();
    assert_eq!(in_domain.signals, Some(domain.statistics().signals));
    assert_eq!(in_domain.chunks, domain.statistics().chunks);
    assert_eq!((sample.time, sample.value("entities")), (SECOND, Some(42.0)));
    assert_eq!(sample.value("connections"), Some(3.0));
    assert!(sample.resident_bytes.is_some_and(|bytes| bytes > 100_000), "{sample:?}");
    assert_eq!(sample.heap, None);
    assert_eq!(why(&monitor, "heap_bytes"), Some("no counting allocator is installed"));
}

#[test]
fn a_poll_samples_when_it_is_due_and_never_else() {
    let hand = ManualClock::new();
    let monitor = Monitor::builder().clock(hand.clock()).memory(|| Some(1_000_000)).build().unwrap();
    let mut times = Vec::new();
    for _ in 0..2_000 {
        if monitor.poll() {
            times.push(hand.now().as_secs_f64());
        }
        assert!(!monitor.poll(), "not twice at one time");
        hand.advance(Duration::from_millis(100));
    }
    let pauses: Vec<f64> = times.windows(2).map(|two| (two[1] - two[0]).round()).collect();
    // Calmer and calmer.
    assert_eq!(pauses, [8.0, 11.0, 17.0, 25.0, 30.0, 30.0, 30.0, 30.0]);
    assert_eq!(monitor.next_sample(), hand.now().max(monitor.next_sample()));
}

#[test]
fn samples_are_closer_when_something_moves_and_closest_near_the_budget() {
    let (hand, memory) = (ManualClock::new(), Arc::new(AtomicU64::new(100)));
    let read = Arc::clone(&memory);
    let monitor = Monitor::builder()
        .clock(hand.clock())
        .budget(500_000_000)
        .memory(move || Some(read.load(SeqCst) * 1_000_000))
        .build()
        .unwrap();
    let pause = |megabytes| {
        memory.store(megabytes, SeqCst);
        hand.set(monitor.next_sample());
        assert!(monitor.poll());
        monitor.next_sample() - hand.now()
    };
    (0..9).for_each(|_| assert!(pause(100) <= 30 * SECOND));
    assert_eq!(pause(100), 30 * SECOND);
    assert_eq!(pause(110), 15 * SECOND);
    assert_eq!(pause(105), Duration::from_millis(7_500));
    assert_eq!(pause(105), Duration::from_millis(11_250));
    // 70 % of the budget.
    assert_eq!((pause(351), pause(351), pause(351)), (5 * SECOND, 5 * SECOND, 5 * SECOND));
    assert_eq!(pause(100), 5 * SECOND, "it moves still");
    assert_eq!(pause(100), Duration::from_millis(7_500));
}

#[test]
fn a_gauge_that_panics_or_shows_nonsense_has_no_value_and_a_reason() {
    let monitor = Monitor::builder()
        .count("good", || 3)
        .count("bad", || panic!("gauge"))
        .gauge("nan", || f64::NAN)
        .memory(|| panic!("memory"))
        .build()
        .unwrap();
    let sample = monitor.sample_now();
    let values: Vec<_> = sample.gauges.iter().map(|gauge| (gauge.name.as_str(), gauge.value)).collect();
    assert_eq!(values, [("good", Some(3.0)), ("bad", None), ("nan", None)]);
    assert_eq!(why(&monitor, "bad"), Some("it panicked"));
    assert_eq!(why(&monitor, "nan"), Some("what it showed is no finite number"));
    assert_eq!((sample.resident_bytes, why(&monitor, "resident_bytes")), (None, Some("it panicked")));
    assert_eq!(monitor.report().gauge_panics, 2);
    assert_eq!(monitor.history("bad"), None);
    assert!(monitor.report().to_string().contains("bad"));
}

#[test]
fn a_gauge_may_ask_the_monitor_for_a_sample() {
    let own: Arc<OnceLock<Monitor>> = Arc::default();
    let theirs = Arc::clone(&own);
    let inner = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&inner);
    let gauge = move || {
        let monitor = theirs.get().unwrap();
        *seen.lock().unwrap() = Some(monitor.sample_now());
        let _ = (monitor.report(), monitor.remove("other"));
        7
    };
    let monitor = Monitor::builder().count("other", || 1).count("nosy", gauge).build().unwrap();
    own.set(monitor.clone()).unwrap();
    // The monitor and its callback hold each other.
    keep(Arc::clone(&own));
    assert_eq!(monitor.sample_now().value("nosy"), Some(7.0));
    let inner = inner.lock().unwrap().take().unwrap();
    assert_eq!(inner.gauges[1].missing, Some("it is being read, and has not answered yet"));
    assert_eq!(monitor.history("other"), None, "it was removed while it was sampled");
}

#[test]
fn a_gauge_that_blocks_holds_up_nobody_but_its_thread() {
    let hand = ManualClock::new();
    let (entered, inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let left = Mutex::new(left);
    let gauge = move || {
        entered.send(()).unwrap();
        left.lock().unwrap().recv().unwrap();
        1
    };
    let monitor = Monitor::builder().clock(hand.clock()).count("stuck", gauge).count("good", || 2).build().unwrap();
    std::thread::scope(|scope| {
        let stuck = scope.spawn(|| monitor.poll());
        inside.recv().unwrap();
        for _ in 0..10 {
            hand.advance(30 * SECOND);
            assert!(monitor.poll());
        }
        let latest = monitor.latest().unwrap();
        assert_eq!((latest.value("good"), latest.value("stuck")), (Some(2.0), None));
        leave.send(()).unwrap();
        assert!(stuck.join().unwrap());
        assert_eq!(monitor.latest().unwrap().time, latest.time, "the sample that was overtaken is no news");
    });
    assert_eq!(monitor.report().samples, 11);
}

#[test]
fn a_gauge_that_is_removed_is_dropped_with_its_history_and_its_name_is_free() {
    let held = Arc::new(());
    let captured = Arc::downgrade(&held);
    let monitor = Monitor::builder().build().unwrap();
    monitor.count("x", move || Arc::strong_count(&held)).unwrap();
    monitor.sample_now();
    assert!(monitor.history("x").is_some());
    assert!(matches!(monitor.count("x", || 1), Err(MonitorError::DuplicateName { .. })));
    assert!(monitor.remove("x") && !monitor.remove("x"));
    assert!(captured.upgrade().is_none() && monitor.history("x").is_none());
    monitor.count("x", || 1).unwrap();
    assert_eq!(monitor.sample_now().value("x"), Some(1.0));
}

#[test]
fn gauges_and_callbacks_whose_destructors_panic_keep_nothing_from_being_dropped() {
    struct Bomb(Arc<AtomicUsize>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            panic!("destructor");
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let bomb = || Bomb(Arc::clone(&dropped));
    let (a, b, c, d, e) = (bomb(), bomb(), bomb(), bomb(), bomb());
    let size = |_: &Bomb| 1;
    let monitor = Monitor::builder()
        .count("a", move || size(&a))
        .count("b", move || size(&b))
        .on_alert(move |_| assert_eq!(size(&c), 1))
        .on_alert(move |_| assert_eq!(size(&d), 1))
        .memory(move || Some(size(&e) as u64))
        .build()
        .unwrap();
    monitor.sample_now();
    assert!(monitor.remove("a"));
    assert_eq!(dropped.load(SeqCst), 1);
    drop(monitor);
    assert_eq!(dropped.load(SeqCst), 5);
}

#[test]
fn a_bus_that_is_dropped_is_not_kept_and_said_to_be_gone() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let weak = bus.downgrade();
    let monitor = Monitor::builder().bus(&bus).build().unwrap();
    hand.advance(SECOND);
    assert_eq!(monitor.sample_now().time, SECOND, "the bus's clock is the monitor's");
    drop(bus);
    assert!(weak.upgrade().is_none());
    let sample = monitor.sample_now();
    assert_eq!((sample.bus, sample.domain), (None, None));
    assert_eq!((why(&monitor, "bus"), why(&monitor, "domain")), (Some("the bus is gone"), Some("its bus is gone")));
    assert_eq!(monitor.maintain(SECOND).bus, None);
    assert!(monitor.report().to_string().contains("the bus is gone"));
}

#[test]
fn upkeep_runs_timers_sweeps_and_collects() {
    let (hand, domain) = (ManualClock::new(), Domain::new());
    let bus = Bus::builder().domain(&domain).clock(hand.clock()).build().unwrap();
    let monitor = Monitor::builder().bus(&bus).pools(&Pools::new()).build().unwrap();
    let fired = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fired);
    bus.timer(SECOND).slot(move |_| assert!(counted.fetch_add(1, SeqCst) < 9)).unwrap();
    let signal = Signal::<u32>::new_in(&domain);
    let held = Arc::new(());
    let captured = Arc::downgrade(&held);
    signal.connect(move |_| assert_eq!(Arc::strong_count(&held), 1)).disconnect();
    hand.advance(SECOND);
    let maintained = monitor.maintain(SECOND);
    assert!(maintained.sampled && maintained.bus.is_some_and(|bus| bus.timers == 1));
    assert!(fired.load(SeqCst) == 1 && captured.upgrade().is_none());
}

#[test]
fn a_thread_of_its_own_samples_and_stops_with_its_handle() {
    let monitor = Monitor::builder().intervals(Duration::from_millis(100), SECOND).build().unwrap();
    let (heard, hears) = mpsc::channel();
    let beat = move || usize::from(heard.send(()).is_ok());
    monitor.count("beat", beat).unwrap();
    let thread = monitor.spawn().unwrap();
    hears.recv().unwrap();
    hears.recv().unwrap();
    drop(thread);
    let samples = monitor.report().samples;
    assert!(samples >= 2);
    let upkeep = monitor.maintain_every(Duration::from_millis(1), SECOND).unwrap();
    hears.recv().unwrap();
    // The thread ends with the monitor, too.
    drop(monitor);
    drop(upkeep);
}

#[test]
fn a_handle_of_a_thread_may_be_dropped_in_its_own_callback() {
    let handle = Arc::new(Mutex::new(None));
    let (theirs, (done, is_done)) = (Arc::clone(&handle), mpsc::channel());
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = Arc::clone(&ready);
    let monitor = Monitor::builder()
        .intervals(Duration::from_millis(100), SECOND)
        .repeats(Duration::from_millis(1), SECOND)
        .budget(1)
        .memory(|| Some(1))
        .on_alert(move |_| {
            if is_ready.load(SeqCst) {
                drop(theirs.lock().unwrap().take());
                let _ = done.send(());
            }
        })
        .build()
        .unwrap();
    *handle.lock().unwrap() = Some(monitor.spawn().unwrap());
    ready.store(true, SeqCst);
    is_done.recv().unwrap();
    assert!(handle.lock().unwrap().is_none());
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let seconds = Duration::from_secs;
    let built = |builder: pulsebus::MonitorBuilder| builder.build().unwrap_err().to_string();
    let new = Monitor::builder;
    for (error, part) in [
        (built(new().budget(0)), "zero bytes"),
        (built(new().connections(0)), "no connections"),
        (built(new().thresholds(0.96, 0.8)), "0 < warning < critical <= 1"),
        (built(new().thresholds(f64::NAN, 0.8)), "NaN"),
        (built(new().thresholds(0.5, 1.5)), "1.5"),
        (built(new().intervals(seconds(30), seconds(5))), "the shortest first"),
        (built(new().intervals(Duration::ZERO, seconds(5))), "from 100 ms"),
        (built(new().intervals(seconds(5), seconds(121))), "to 2 min"),
        (built(new().repeats(seconds(300), seconds(30))), "the shortest first"),
        (built(new().repeats(Duration::ZERO, seconds(30))), "more than zero"),
        (built(new().stalled_after(seconds(60), seconds(10))), "the warning first"),
        (built(new().growth(0.0, seconds(600))), "from 0.001"),
        (built(new().growth(f64::INFINITY, seconds(600))), "to 10"),
        (built(new().growth(0.05, seconds(30))), "1 to 30 min"),
        (built(new().count("my gauge", || 1)), "letters, digits and underscores"),
        (built(new().count("connections", || 1)), "choose another name"),
        (built(new().count("a", || 1).count("a", || 2)), "already"),
    ] {
        assert!(error.contains(part), "{error}");
    }
    let monitor = Monitor::builder().build().unwrap();
    for number in 0..128 {
        monitor.count(format!("g{number}"), || 1).unwrap();
    }
    assert_eq!(monitor.count("more", || 1), Err(MonitorError::TooManyGauges { most: 128 }));
}

#[test]
fn a_report_shows_each_series_with_its_range_and_trend() {
    let hand = ManualClock::new();
    let read = hand.clone();
    let monitor = Monitor::builder()
        .clock(hand.clock())
        .budget(500_000_000)
        .memory(move || Some(100_000_000 + read.now().as_secs() * 100_000))
        .build()
        .unwrap();
    for _ in 0..180 {
        monitor.poll();
        hand.advance(5 * SECOND);
    }
    let report = monitor.report();
    let memory = report.series.iter().find(|series| series.name == "resident_bytes").unwrap();
    let trend: Trend = memory.trend.unwrap();
    assert!(trend.grows && (trend.per_hour / 360e6 - 1.0).abs() < 0.05, "{trend:?}");
    assert_eq!(memory.recent.0, 100e6);
    assert_eq!(memory.recent.1, memory.latest);
    let text = report.to_string();
    for part in ["resident_bytes", "growing steadily", "budget 500.0 MB", "alerts: 1", "not known: no counting"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let history = monitor.history("resident_bytes").unwrap();
    assert!(history.recent.len() > 100 && history.day.len() == 3, "{history:?}");
    assert_eq!(monitor.history("nothing"), None);
}
