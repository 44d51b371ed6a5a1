//! Threads may end at any time, also while others use what they showed, and use signals to their very end.

mod common;

use common::{Counter, Tally, collect_all, holding};
use pulsebus::{Connection, Domain, ScopedConnection, Signal};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

#[test]
fn threads_come_and_go_beside_collections() {
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<()>::new_in(&domain)), Tally::new());
    let done = Arc::new(AtomicBool::new(false));
    let (collecting, stop) = (domain.clone(), done.clone());
    let collector = thread::spawn(move || {
        while !stop.load(SeqCst) {
            collecting.collect();
            collecting.statistics();
        }
    });
    for _ in 0..200 {
        let short_lived = [0; 4].map(|_| {
            let (signal, tally) = (signal.clone(), tally.clone());
            thread::spawn(move || {
                let guard = tally.guard();
                let connection = signal.connect(move |()| guard.check());
                signal.emit(&());
                assert!(connection.disconnect());
                signal.emit(&());
            })
        });
        short_lived.into_iter().for_each(|thread| thread.join().expect("no slot panics"));
    }
    done.store(true, SeqCst);
    collector.join().expect("it only collects");
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!(domain.statistics().slot_panics, 0);
}

#[test]
fn what_a_thread_connected_outlives_it() {
    let (signal, calls) = (Arc::new(Signal::<()>::new()), Counter::new());
    let (connecting, slot) = (signal.clone(), calls.slot());
    let connection = thread::spawn(move || connecting.connect(slot)).join().expect("it only connects");
    signal.emit(&());
    assert_eq!(calls.get(), 1);
    assert!(connection.disconnect());
}

/// Uses everything, in its destructor.
struct AtEnd {
    signal: Arc<Signal<u32>>,
    scoped: Option<ScopedConnection>,
    tally: Tally,
    report: mpsc::Sender<usize>,
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        let (signal, tally) = (&self.signal, &self.tally);
        let domain = signal.domain();
        self.scoped = None;
        let before = signal.len();
        let calls = Counter::new();
        let connection = signal.connect(calls.slot());
        let guard = tally.guard();
        let nested = signal.connect_scoped(move |_| guard.check());
        signal.emit(&1);
        signal.emit_batch(&[2, 3]);
        domain.tick(|t| t.emit(signal, &4));
        assert!(connection.disconnect());
        drop(nested);
        collect_all(domain);
        domain.maintain(Duration::ZERO);
        domain.statistics();
        // A domain that this thread has never used, too.
        let other = Signal::<u32>::new_in(&Domain::new());
        other.connect(calls.slot());
        other.emit(&5);
        assert_eq!(other.connect(|_| {}).disconnect_and_wait(Duration::MAX), Ok(true));
        self.report.send(100 * before + calls.get()).expect("the test listens");
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// A thread whose thread-local uses the library in its destructor; `early` says whether the thread-local is there before
/// the thread's first use of the library, so that their destructors run in the one or in the other order.
fn thread_with_destructor(early: bool, use_before: bool) -> (usize, Domain, Tally) {
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<u32>::new_in(&domain)), Tally::new());
    let (report, reports) = mpsc::channel();
    let (inner, inner_tally) = (signal.clone(), tally.clone());
    let thread = thread::spawn(move || {
        let use_it = || {
            if use_before {
                inner.connect(holding(inner_tally.guard())).disconnect();
                inner.emit(&0);
            }
        };
        if early {
            AT_END.with(|_| ());
        } else {
            use_it();
        }
        let scoped = Some(inner.connect_scoped(|_| {}));
        AT_END.set(Some(AtEnd { signal: inner.clone(), scoped, tally: inner_tally.clone(), report }));
        use_it();
    });
    thread.join().expect("it ends in order");
    (reports.recv().expect("the destructor reports"), domain, tally)
}

#[test]
fn destructors_of_thread_locals_may_use_everything_in_both_orders() {
    for early in [false, true] {
        for use_before in [false, true] {
            let (reported, domain, tally) = thread_with_destructor(early, use_before);
            assert_eq!(reported, 5, "no slot was left; its own ran five times; {early} {use_before}");
            collect_all(&domain);
            tally.assert_all_dropped();
            assert_eq!(domain.statistics().oldest_pin, None, "no pin is left");
        }
    }
}

#[test]
fn a_thread_that_is_past_its_end_can_hold_many_domains_at_once() {
    struct Nest(mpsc::Sender<usize>);
    impl Drop for Nest {
        fn drop(&mut self) {
            fn nest(depth: usize, calls: &Counter) {
                let signal = Signal::<()>::new_in(&Domain::new());
                let inner = calls.clone();
                signal.connect(move |()| {
                    inner.add(1);
                    if depth > 0 {
                        nest(depth - 1, &inner);
                    }
                });
                signal.emit(&());
                signal.emit(&());
            }
            let calls = Counter::new();
            nest(5, &calls);
            self.0.send(calls.get()).expect("the test listens");
        }
    }
    thread_local! {
        static NEST: RefCell<Option<Nest>> = const { RefCell::new(None) };
    }
    let (report, reports) = mpsc::channel();
    thread::spawn(move || {
        NEST.with(|_| ());
        pulsebus::tick(|_| ());
        NEST.set(Some(Nest(report)));
    })
    .join()
    .expect("it ends in order");
    assert_eq!(reports.recv(), Ok(2 + 4 + 8 + 16 + 32 + 64));
}

#[test]
fn a_thread_may_use_a_hundred_domains() {
    let domains: Vec<Domain> = (0..100).map(|_| Domain::new()).collect();
    let signals: Arc<Vec<Signal<usize>>> = Arc::new(domains.iter().map(Signal::new_in).collect());
    let (calls, tally) = (Counter::new(), Tally::new());
    // Each emission is inside those of all domains before it.
    for (nth, signal) in signals.iter().enumerate() {
        let (weak, calls, guard) = (Arc::downgrade(&signals), calls.clone(), tally.guard());
        signal.connect(move |&event| {
            guard.check();
            calls.add(1);
            if let Some(next) = weak.upgrade().expect("kept by the test").get(nth + 1) {
                next.emit(&event);
            }
        });
    }
    for _ in 0..10 {
        signals[0].emit(&1);
        assert_eq!(calls.take(), 100);
    }
    for (signal, domain) in signals.iter().zip(&domains) {
        signal.emit_batch(&[]);
        signal.disconnect_all();
        assert!(domain.collect().complete);
    }
    tally.assert_all_dropped();
}

#[test]
fn a_panic_in_a_tick_leaves_no_pin() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
    let connection = signal.connect(holding(tally.guard()));
    for _ in 0..3 {
        let panicking = || {
            domain.tick(|t| {
                t.emit(&signal, &());
                pulsebus::tick(|_| panic!("as the test wants"))
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(panicking)).is_err());
    }
    connection.disconnect();
    assert!(domain.collect().complete);
    tally.assert_all_dropped();
}

#[test]
fn a_thread_that_panics_inside_a_tick_leaves_its_record_to_others() {
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<()>::new_in(&domain)), Tally::new());
    for _ in 0..20 {
        let (ticking, inner, guard) = (domain.clone(), signal.clone(), tally.guard());
        let thread = thread::spawn(move || {
            ticking.tick(|t| {
                inner.connect(holding(guard)).disconnect();
                t.emit(&inner, &());
                panic!("as the test wants");
            })
        });
        assert!(thread.join().is_err());
    }
    assert!(domain.collect().complete);
    tally.assert_all_dropped();
}

static STATIC: Signal<u32> = Signal::new();

#[test]
fn a_static_signal_serves_all_threads() {
    let calls = Counter::new();
    let connections: Vec<Connection> = (0..4)
        .map(|_| {
            let slot = calls.slot();
            thread::spawn(move || {
                let connection = STATIC.connect(slot);
                STATIC.emit(&1);
                connection
            })
        })
        .map(|thread| thread.join().expect("it connects and emits"))
        .collect();
    assert_eq!((calls.take(), STATIC.len()), (1 + 2 + 3 + 4, 4));
    assert!(connections.iter().all(Connection::disconnect));
    STATIC.emit(&1);
    assert_eq!(calls.get(), 0);
}
