//! Alerts of the monitor: when they are told, to whom, and what harms nothing.

mod common;

use common::keep;
use common::monitored::{MB, Rig};
use pulsebus::{Alert, AlertKind, AlertPhase, Bus, Config, Domain, Made, Monitor, Severity, Signal};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

fn phases(alerts: &[Alert]) -> Vec<(u64, AlertPhase, Severity)> {
    alerts.iter().map(|alert| (alert.time.as_secs(), alert.phase, alert.severity)).collect()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[test]
fn repeats_come_after_30_60_120_240_300_and_300_seconds_and_begin_anew_when_it_is_over() {
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    rig.run(&monitor, Duration::from_secs(1_100), |_| 450 * MB);
    let times: Vec<u64> = rig.told().iter().map(|alert| alert.time.as_secs()).collect();
    assert_eq!(times, [0, 30, 90, 210, 450, 750, 1050]);
    rig.run(&monitor, Duration::from_secs(100), |_| 100 * MB);
    let over = rig.told();
    assert_eq!(phases(&over), [(1100, AlertPhase::Over, Severity::Warning)]);
    assert_eq!((over[0].repeats, over[0].since, over[0].value), (6, Duration::ZERO, 100e6));
    rig.run(&monitor, Duration::from_secs(150), |_| 450 * MB);
    let again = rig.told();
    let start = again[0].time.as_secs();
    assert_eq!(again[0].phase, AlertPhase::Raised);
    assert_eq!(again.iter().map(|alert| alert.time.as_secs() - start).collect::<Vec<_>>(), [0, 30, 90]);
}

#[test]
fn what_gets_worse_is_told_at_once() {
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    rig.run(&monitor, Duration::from_secs(60), |second| if second < 40 { 410 * MB } else { 490 * MB });
    let told = rig.told();
    assert_eq!(
        phases(&told),
        [
            (0, AlertPhase::Raised, Severity::Warning),
            (30, AlertPhase::Repeated, Severity::Warning),
            (40, AlertPhase::Worse, Severity::Critical),
        ]
    );
    assert_eq!((told[0].threshold, told[2].threshold), (400e6, 480e6));
}

#[test]
fn a_flat_memory_a_sawtooth_and_a_step_are_no_alarm_and_a_slow_leak_is_one_within_minutes() {
    let flat = |_| 100 * MB;
    let sawtooth = |second: u64| 100 * MB + second % 97 * MB;
    let step = |second: u64| if second < 1_500 { 100 * MB } else { 200 * MB };
    let fills = |second: u64| 100 * MB + second.min(300) * MB / 3;
    for (name, memory) in
        [("flat", &flat as &dyn Fn(u64) -> u64), ("sawtooth", &sawtooth), ("step", &step), ("fills", &fills)]
    {
        let rig = Rig::default();
        rig.run(&rig.builder().build().unwrap(), minutes(90), memory);
        assert_eq!(rig.told(), [], "{name}");
    }
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    // One megabyte in 80 seconds: three quarters of one per cent a minute.
    rig.run(&monitor, minutes(15), |second| 100 * MB + second * MB / 80);
    let told = rig.told();
    assert_eq!(told[0].kind, AlertKind::Growth, "{told:?}");
    assert!(told[0].time <= minutes(12), "{:?}", told[0].time);
    assert_eq!((told[0].series.as_str(), told[0].severity), ("resident_bytes", Severity::Warning));
    let trend = told[0].trend.unwrap();
    assert!((5e6..6e6).contains(&told[0].threshold), "five per cent: {}", told[0].threshold);
    assert!(trend.grows && (40e6..50e6).contains(&trend.per_hour) && trend.confidence > 0.999, "{trend:?}");
    // It stops.
    let level = 100 * MB + 900 * MB / 80;
    rig.run(&monitor, minutes(60), |_| level);
    assert_eq!(rig.told().last().map(|alert| alert.phase), Some(AlertPhase::Over));
}

#[test]
fn growth_is_told_with_the_places_that_grew() {
    let rig = Rig::default();
    let bus = Bus::builder().domain(&Domain::new()).clock(rig.hand.clock()).build().unwrap();
    let signal = Signal::<u32>::new();
    let connect = |owner: u64| bus.connect(&signal).owner(owner).slot(|_| {}).unwrap();
    for owner in 0..300 {
        bus.connect(&signal).owner(owner).tag("steady").slot(|_| {}).unwrap();
    }
    let monitor = rig.builder().bus(&bus).clock(rig.hand.clock()).build().unwrap();
    for second in 0..minutes(20).as_secs() {
        if second % 20 == 0 {
            connect(7);
        }
        monitor.maintain(Duration::from_secs(1));
        rig.hand.advance(Duration::from_secs(1));
    }
    let told = rig.told();
    let growth = told.iter().find(|alert| alert.series == "connections").expect("they grow");
    assert_eq!(growth.kind, AlertKind::Growth);
    let place = &growth.places[0];
    assert!(place.place.file().ends_with("monitor_alerts.rs") && place.what == Made::Connections, "{growth}");
    assert!(place.count < 100 && place.grown.is_some_and(|(grown, _)| grown >= 10), "{growth}");
    assert!(growth.to_string().contains("more than"), "{growth}");
    let report = monitor.report();
    assert!(report.places[0].place == place.place && !report.alerts.is_empty());
    // With the bus, the growth of what was on it is over.
    drop(bus);
    for _ in 0..60 {
        monitor.sample_now();
        rig.hand.advance(Duration::from_secs(5));
    }
    let over = rig.told().into_iter().find(|alert| alert.series == "connections").expect("it is over");
    assert_eq!((over.phase, monitor.report().alerts), (AlertPhase::Over, vec![]));
}

#[test]
fn connections_are_told_before_the_limit_of_the_bus() {
    let rig = Rig::default();
    let mut config = Config::default();
    config.limits.overall = Some(100);
    let bus = Bus::with_config(config).unwrap();
    let monitor = rig.builder().bus(&bus).build().unwrap();
    let signal = Signal::<u32>::new();
    let connect = |count| {
        for owner in 0..count {
            bus.connect(&signal).owner(owner).slot(|_| {}).unwrap();
        }
        monitor.sample_now();
        rig.told()
    };
    assert_eq!(connect(79), []);
    let told = connect(1);
    assert_eq!(phases(&told), [(0, AlertPhase::Raised, Severity::Warning)]);
    assert_eq!((told[0].kind, told[0].value, told[0].threshold), (AlertKind::Connections, 80.0, 80.0));
    assert_eq!(told[0].places[0].count, 80);
    assert_eq!(phases(&connect(16)), [(0, AlertPhase::Worse, Severity::Critical)]);
}

#[test]
fn an_emission_that_does_not_return_is_told_with_its_place() {
    let rig = Rig::default();
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    let monitor = rig.builder().domain(&domain).build().unwrap();
    let (entered, inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let left = Mutex::new(left);
    signal.connect(move |_| {
        entered.send(()).unwrap();
        left.lock().unwrap().recv().unwrap();
    });
    std::thread::scope(|scope| {
        scope.spawn(|| signal.emit(&1));
        inside.recv().unwrap();
        monitor.sample_now();
        rig.hand.advance(Duration::from_secs(9));
        monitor.sample_now();
        assert_eq!(rig.told(), []);
        rig.hand.advance(Duration::from_secs(1));
        let pin = monitor.sample_now().domain.unwrap().oldest_pin.unwrap();
        assert_eq!(pin.age, Duration::from_secs(10));
        let told = rig.told();
        assert_eq!(phases(&told), [(10, AlertPhase::Raised, Severity::Warning)]);
        assert_eq!((told[0].kind, told[0].series.as_str()), (AlertKind::ReclamationStalled, "reclamation_lag_seconds"));
        assert_eq!(told[0].places[0].what, Made::Pin);
        assert!(told[0].places[0].place.file().ends_with("monitor_alerts.rs"));
        leave.send(()).unwrap();
    });
    rig.hand.advance(Duration::from_secs(5));
    monitor.sample_now();
    assert_eq!(phases(&rig.told()), [(15, AlertPhase::Over, Severity::Warning)]);
}

#[test]
fn a_callback_that_panics_hurts_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the callback's destructor");
        }
    }
    let rig = Rig::default();
    rig.memory.store(450 * MB, SeqCst);
    let bomb = Bomb;
    let panicking = Monitor::builder()
        .clock(rig.hand.clock())
        .budget(500 * MB)
        .memory(|| Some(450 * MB))
        .on_alert(move |_| panic!("{}", std::mem::size_of_val(&bomb)));
    let told = Arc::clone(&rig.told);
    let monitor = panicking.on_alert(move |alert| told.lock().unwrap().push(alert.clone())).build().unwrap();
    let slot = monitor.alerts().connect(|_| panic!("slot"));
    let (heard, hears) = mpsc::channel();
    monitor.alerts().connect(move |alert| heard.send(alert.kind).unwrap());
    assert!(monitor.poll());
    assert_eq!(rig.told().len(), 1);
    assert_eq!((hears.try_recv(), slot.panics()), (Ok(AlertKind::Memory), Some(1)));
    assert_eq!(monitor.report().callback_panics, 1);
    drop(monitor);
}

#[test]
fn a_callback_may_call_everything_of_the_monitor() {
    let rig = Rig::default();
    let own: Arc<OnceLock<Monitor>> = Arc::default();
    let (theirs, calls) = (Arc::clone(&own), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    let builder = rig.builder().on_alert(move |_| {
        let monitor = theirs.get().unwrap();
        counted.fetch_add(1, SeqCst);
        monitor.sample_now();
        assert_eq!(monitor.report().alerts.len(), 1);
        monitor.count(format!("g{}", counted.load(SeqCst)), || 1).unwrap();
        assert!(monitor.history("resident_bytes").is_some());
        monitor.maintain(Duration::from_millis(1));
        monitor.poll();
    });
    let monitor = builder.build().unwrap();
    own.set(monitor.clone()).unwrap();
    // The monitor and its callback hold each other.
    keep(Arc::clone(&own));
    rig.memory.store(450 * MB, SeqCst);
    assert!(monitor.poll());
    rig.hand.advance(Duration::from_secs(30));
    assert!(monitor.poll());
    assert_eq!((calls.load(SeqCst), rig.told().len(), monitor.report().callback_panics), (2, 2, 0));
}

#[test]
fn an_alert_from_within_a_callback_is_told_after_it() {
    let rig = Rig::default();
    let own: Arc<OnceLock<Monitor>> = Arc::default();
    let (theirs, memory) = (Arc::clone(&own), Arc::clone(&rig.memory));
    let monitor = rig
        .builder()
        .on_alert(move |alert| {
            if alert.phase == AlertPhase::Raised {
                memory.store(490 * MB, SeqCst);
                theirs.get().unwrap().sample_now();
            }
        })
        .build()
        .unwrap();
    own.set(monitor.clone()).unwrap();
    // The monitor and its callback hold each other.
    keep(Arc::clone(&own));
    rig.memory.store(450 * MB, SeqCst);
    monitor.poll();
    let told: Vec<AlertPhase> = rig.told().iter().map(|alert| alert.phase).collect();
    assert_eq!(told, [AlertPhase::Raised, AlertPhase::Worse]);
}

#[test]
fn while_a_callback_blocks_other_threads_go_on_to_sample() {
    let rig = Rig::default();
    let (entered, inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let left = Mutex::new(left);
    let monitor = rig
        .builder()
        .on_alert(move |alert| {
            if alert.phase == AlertPhase::Raised {
                entered.send(()).unwrap();
                left.lock().unwrap().recv().unwrap();
            }
        })
        .build()
        .unwrap();
    rig.memory.store(450 * MB, SeqCst);
    std::thread::scope(|scope| {
        scope.spawn(|| monitor.poll());
        inside.recv().unwrap();
        for second in 1..=120 {
            rig.hand.advance(Duration::from_secs(5));
            assert!(monitor.poll(), "sample {second}");
        }
        assert_eq!(rig.told().len(), 1, "what comes later waits");
        leave.send(()).unwrap();
    });
    // Told by the thread that was blocked.
    let times: Vec<u64> = rig.told().iter().map(|alert| alert.time.as_secs()).collect();
    assert_eq!(times, [30, 90, 210, 450]);
}

#[test]
fn what_waits_for_a_callback_that_blocks_is_bounded_and_what_falls_out_is_counted() {
    let rig = Rig::default();
    let (entered, inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let left = Mutex::new(left);
    let first = AtomicUsize::new(0);
    let monitor = rig
        .builder()
        .on_alert(move |_| {
            if first.fetch_add(1, SeqCst) == 0 {
                entered.send(()).unwrap();
                left.lock().unwrap().recv().unwrap();
            }
        })
        .build()
        .unwrap();
    rig.memory.store(450 * MB, SeqCst);
    std::thread::scope(|scope| {
        scope.spawn(|| monitor.poll());
        inside.recv().unwrap();
        for round in 0..300 {
            rig.memory.store(if round % 2 == 0 { 100 * MB } else { 450 * MB }, SeqCst);
            rig.hand.advance(Duration::from_secs(5));
            monitor.sample_now();
        }
        leave.send(()).unwrap();
    });
    assert_eq!((rig.told().len(), monitor.report().alerts_dropped), (1 + 256, 44));
}

#[test]
fn a_monitor_may_be_dropped_inside_its_callback() {
    let own: Arc<Mutex<Option<Monitor>>> = Arc::default();
    let theirs = Arc::clone(&own);
    let dropped = Arc::new(());
    let captured = Arc::downgrade(&dropped);
    let monitor = Monitor::builder()
        .budget(1)
        .memory(|| Some(1))
        .on_alert(move |_| {
            let _ = &dropped;
            drop(theirs.lock().unwrap().take());
        })
        .build()
        .unwrap();
    *own.lock().unwrap() = Some(monitor.clone());
    assert!(monitor.poll());
    assert!(own.lock().unwrap().is_none());
    drop(monitor);
    assert!(captured.upgrade().is_none());
}

#[test]
fn no_two_threads_tell_at_a_time_and_each_sample_is_taken_once() {
    let rig = Rig::default();
    let inside = AtomicUsize::new(0);
    let monitor = rig
        .builder()
        .on_alert(move |_| {
            assert_eq!(inside.fetch_add(1, SeqCst), 0);
            std::thread::yield_now();
            inside.fetch_sub(1, SeqCst);
        })
        .build()
        .unwrap();
    rig.memory.store(450 * MB, SeqCst);
    let taken = AtomicUsize::new(0);
    for _ in 0..200 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| taken.fetch_add(usize::from(monitor.poll()), SeqCst));
            }
        });
        rig.hand.advance(Duration::from_secs(5));
    }
    assert_eq!((taken.load(SeqCst), monitor.report().samples), (200, 200));
    assert_eq!(monitor.report().callback_panics, 0);
    let times: Vec<u64> = rig.told().iter().map(|alert| alert.time.as_secs()).collect();
    assert_eq!(times, [0, 30, 90, 210, 450, 750]);
}
