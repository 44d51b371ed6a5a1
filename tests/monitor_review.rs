//! The monitor under a hostile reading: what is told is true, what panics stays inside, what is shown is bounded.

mod common;

use common::monitored::Rig;
use pulsebus::{
    AlertKind, AlertPhase, Bus, Domain, ManualClock, Monitor, MonitorError, Pool, Pooled, Pools, Severity, Signal,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Emits on a thread of its own, and stays inside until the returned sender is dropped.
fn stand(domain: &Domain) -> (mpsc::Sender<()>, std::thread::JoinHandle<pulsebus::Emitted>) {
    let (leave, left) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let signal = Signal::<()>::new_in(domain);
    let left = Mutex::new(left);
    signal.connect(move |()| {
        entered.send(()).unwrap();
        let _ = left.lock().unwrap().recv();
    });
    let thread = std::thread::spawn(move || signal.emit(&()));
    inside.recv().unwrap();
    (leave, thread)
}

#[test]
fn an_emission_is_as_old_as_it_was_seen_to_be_however_long_the_sample_before_it_took() {
    let (hand, domain, told) = (ManualClock::new(), Domain::new(), Arc::new(AtomicUsize::new(0)));
    let standing = Arc::new(Mutex::new(None));
    let (slow, theirs, of) = (hand.clone(), Arc::clone(&standing), domain.clone());
    let is_first = AtomicBool::new(true);
    let count = Arc::clone(&told);
    let monitor = Monitor::builder()
        .domain(&domain)
        .clock(hand.clock())
        .memory(move || {
            if is_first.swap(false, SeqCst) {
                // It takes its time; the emission begins at its end.
                slow.advance(seconds(100));
                *theirs.lock().unwrap() = Some(stand(&of));
            }
            None
        })
        .on_alert(move |alert| {
            assert_eq!(alert.kind, AlertKind::ReclamationStalled);
            count.fetch_add(1, SeqCst);
        })
        .build()
        .unwrap();
    monitor.sample_now();
    hand.advance(seconds(1));
    let sample = monitor.sample_now();
    let pin = sample.domain.unwrap().oldest_pin.unwrap();
    let (leave, thread) = standing.lock().unwrap().take().unwrap();
    drop(leave);
    thread.join().unwrap();
    assert_eq!((pin.age, told.load(SeqCst)), (seconds(1), 0));
}

#[test]
fn two_gauges_removed_while_a_thread_reads_them_may_both_panic_when_dropped() {
    struct Bomb(Arc<AtomicUsize>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            panic!("destructor");
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let monitor = Monitor::builder().domain(&Domain::new()).build().unwrap();
    let (inside, is_inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let (inside, left) = (Mutex::new(inside), Mutex::new(left));
    monitor
        .count("slow", move || {
            inside.lock().unwrap().send(()).unwrap();
            let _ = left.lock().unwrap().recv();
            1
        })
        .unwrap();
    for name in ["a", "b", "c"] {
        let bomb = Bomb(Arc::clone(&dropped));
        monitor.count(name, move || bomb.0.load(SeqCst)).unwrap();
    }
    let theirs = monitor.clone();
    let reader = std::thread::spawn(move || theirs.sample_now());
    is_inside.recv().unwrap();
    // From now on the list that the thread reads is the only one that has them.
    assert!(["a", "b", "c"].iter().all(|name| monitor.remove(name)));
    assert_eq!(dropped.load(SeqCst), 0);
    drop(leave);
    let sample = reader.join().unwrap();
    assert_eq!(dropped.load(SeqCst), 3);
    assert_eq!((sample.value("slow"), sample.value("a")), (Some(1.0), None));
}

#[test]
fn a_monitor_that_is_not_made_says_why_though_all_it_was_given_panics_when_dropped() {
    struct Bomb(Arc<AtomicUsize>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            panic!("destructor");
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let given = || {
        let (a, b, c, d) = [(); 4].map(|()| Bomb(Arc::clone(&dropped))).into();
        let size = |bomb: &Bomb| bomb.0.load(SeqCst);
        Monitor::builder()
            .count("a", move || size(&a))
            .count("b", move || size(&b))
            .on_alert(move |_| assert_eq!(size(&c), 0))
            .memory(move || Some(size(&d) as u64))
    };
    assert_eq!(given().budget(0).build().unwrap_err(), MonitorError::ZeroBudget);
    assert_eq!(dropped.load(SeqCst), 4);
    let error = given().count("a", || 1).count("c", || 1).build().unwrap_err();
    assert_eq!((error, dropped.load(SeqCst)), (MonitorError::DuplicateName { name: "a".into() }, 8));
}

#[test]
fn an_alert_does_not_say_that_something_is_beyond_what_it_is_below() {
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    assert!(rig.at(&monitor, 0, 410)[0].to_string().contains("is 410.0 MB, beyond 400.0 MB of the budget"));
    // Not over yet: it would be at 380.
    let told = rig.at(&monitor, 40, 390);
    assert_eq!((told[0].phase, told[0].value, told[0].threshold), (AlertPhase::Repeated, 390e6, 400e6));
    let text = told[0].to_string();
    assert!(!text.contains("beyond") && text.contains("is 390.0 MB, near 400.0 MB of the budget"), "{text}");
}

#[test]
fn an_alert_does_not_say_that_a_pool_had_nothing_left_when_it_had() {
    let rig = Rig::default();
    let pools = Pools::new();
    let pool = Pool::builder(|| [0_u8; 8]).name("bullets").max(100).registry(&pools).build().unwrap();
    let monitor = rig.builder().pools(&pools).build().unwrap();
    let mut out: Vec<Pooled<_>> = (0..81).map(|_| pool.try_get().unwrap()).collect();
    assert!(rig.at(&monitor, 0, 1)[0].to_string().contains("81 objects are out, beyond 80"));
    out.truncate(78);
    let text = rig.at(&monitor, 40, 1)[0].to_string();
    assert!(text.contains("78 objects are out, near 80") && !text.contains("nothing left"), "{text}");
    // Now it has.
    out.extend((0..22).map(|_| pool.try_get().unwrap()));
    assert!(pool.try_get().is_err());
    out.truncate(10);
    let text = rig.at(&monitor, 45, 1)[0].to_string();
    assert!(text.contains("had nothing left for who asked; 10 objects are out now"), "{text}");
}

#[test]
fn an_alert_says_how_often_it_was_told_before() {
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    let mut told = Vec::new();
    for second in 0..=150 {
        told.extend(rig.at(&monitor, second, if second < 40 { 410 } else { 490 }));
    }
    let phases: Vec<AlertPhase> = told.iter().map(|alert| alert.phase).collect();
    use AlertPhase::{Raised, Repeated, Worse};
    assert_eq!(phases, [Raised, Repeated, Worse, Repeated, Repeated]);
    for (before, alert) in told.iter().enumerate() {
        assert_eq!(alert.repeats as usize, before, "{alert}");
        let text = alert.to_string();
        let expected = match before {
            0 => "of the budget".to_string(),
            1 => ", told once before".to_string(),
            _ => format!(", told {before} times before"),
        };
        assert!(text.ends_with(&expected), "{text}");
    }
}

#[test]
fn a_gauge_may_show_the_largest_numbers_there_are() {
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    let flips = AtomicBool::new(false);
    monitor.gauge("largest", || f64::MAX).unwrap();
    monitor.gauge("flips", move || if flips.fetch_xor(true, SeqCst) { f64::MAX } else { f64::MIN }).unwrap();
    for second in 0..2_000 {
        rig.at(&monitor, second, 1);
    }
    for name in ["largest", "flips"] {
        let history = monitor.history(name).unwrap();
        for point in history.recent.iter().chain(&history.day) {
            assert!(point.mean.is_finite() && (point.min..=point.max).contains(&point.mean), "{name}: {point:?}");
        }
    }
    for series in monitor.report().series {
        let trend = series.trend;
        assert!(trend.is_none_or(|trend| trend.per_hour.is_finite() && trend.share.is_finite()), "{series:?}");
    }
}

#[test]
fn a_bus_whose_last_handle_is_the_samples_own_ends_quietly() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("destructor");
        }
    }
    let bus = Bus::new();
    let signal = bus.topic::<u32>("x").unwrap();
    let (a, b) = (Bomb, Bomb);
    bus.connect(&signal).owner(1).slot(move |_| _ = &a).unwrap();
    bus.connect(&signal).owner(2).on_cleanup(move |_| drop(b)).slot(|_| {}).unwrap();
    drop(signal);
    let kept = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&kept);
    let memory = move || {
        // The sample holds the bus by now.
        drop(theirs.lock().unwrap().take());
        None
    };
    let monitor = Monitor::builder().bus(&bus).memory(memory).build().unwrap();
    *kept.lock().unwrap() = Some(bus);
    let sample = monitor.sample_now();
    assert!(sample.bus.is_some());
    assert!(monitor.sample_now().bus.is_none());
}

#[test]
fn severity_is_kept_while_a_value_swings_between_critical_and_warning() {
    let rig = Rig::default();
    let monitor = rig.builder().build().unwrap();
    assert_eq!(rig.at(&monitor, 0, 490)[0].severity, Severity::Critical);
    // 456 is five per cent below 480.
    assert_eq!(rig.at(&monitor, 5, 457), []);
    assert_eq!(monitor.standing()[0].severity, Severity::Critical);
    assert_eq!(rig.at(&monitor, 10, 455), []);
    assert_eq!(monitor.standing()[0].severity, Severity::Warning);
    let told = rig.at(&monitor, 15, 481);
    assert_eq!(
        (told[0].phase, told[0].severity, told[0].since),
        (AlertPhase::Worse, Severity::Critical, Duration::ZERO)
    );
}

#[cfg(feature = "metrics")]
#[test]
fn labels_are_bounded_however_many_pools_are_exhausted_and_whatever_they_are_called() {
    let rig = Rig::default();
    let pools = Pools::new();
    let names = (0..200).map(|number| format!("p\"{number}\\\n"));
    let made: Vec<Pool<u64>> =
        names.map(|name| Pool::builder(|| 0_u64).name(&name).max(1).registry(&pools).build().unwrap()).collect();
    let _out: Vec<_> = made.iter().map(|pool| pool.try_get().unwrap()).collect();
    let monitor = rig.builder().pools(&pools).build().unwrap();
    rig.at(&monitor, 0, 1);
    assert_eq!(monitor.standing().len(), 200);
    let text = monitor.open_metrics();
    for family in ["pulsebus_alert_severity{", "pulsebus_pool_bytes{", "pulsebus_trend_per_second{"] {
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(family)).collect();
        assert!(lines.len() <= 80, "{family} has {} values", lines.len());
        let labels: std::collections::BTreeSet<_> = lines.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(labels.len(), lines.len(), "{family}: each once");
    }
    assert!(text.contains(r#"pulsebus_pool_bytes{pool="p\"0\\\n"} "#), "{text}");
    assert!(text.lines().all(|line| line.starts_with("# ") || line.starts_with("pulsebus_")), "{text}");
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
}
