//! C8: what a slot captured is dropped exactly once, after its disconnection, and all of it by a complete collection.

mod common;

use common::{Guard, Tally, collect_all, holding};
use pulsebus::{Connection, Domain, PanicPolicy, Signal};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

#[repr(align(64))]
struct OverAligned(Guard);

/// Connects one slot of every way to store a capture: inline (16 and 24 bytes), boxed for its size, boxed for its
/// alignment, as a slice slot, scoped.
fn connect_all_kinds(signal: &Signal<u32>, tally: &Tally) -> Vec<Connection> {
    let (inline, full, boxed, aligned, slice, scoped) =
        (tally.guard(), tally.guard(), tally.guard(), OverAligned(tally.guard()), tally.guard(), tally.guard());
    let (number, large) = (7_u64, [7_u64; 100]);
    let full = move |_: &u32| {
        full.check();
        assert_eq!(number, 7);
    };
    assert_eq!(size_of_val(&full), 24);
    let aligned = move |_: &u32| {
        let whole = &aligned;
        assert_eq!(std::ptr::from_ref(whole).addr() % 64, 0);
        whole.0.check();
    };
    assert_eq!(align_of_val(&aligned), 64);
    vec![
        signal.connect(move |_| inline.check()),
        signal.connect(full),
        signal.connect(move |_| {
            boxed.check();
            assert_eq!(large[99], 7);
        }),
        signal.connect(aligned),
        signal.connect_batch(move |_| slice.check()),
        signal.connect_scoped(move |_| scoped.check()).release(),
    ]
}

/// A signal of its own domain with some hundred slots of all kinds, each of which has run.
fn filled() -> (Domain, Signal<u32>, Tally, Vec<Connection>) {
    let domain = Domain::new();
    let (signal, tally) = (Signal::new_in(&domain), Tally::new());
    let connections = (0..50).flat_map(|_| connect_all_kinds(&signal, &tally)).collect();
    signal.on_panic(PanicPolicy::Propagate);
    signal.emit(&1);
    signal.emit_batch(&[1, 2]);
    assert_eq!((signal.len(), tally.made(), tally.dropped()), (300, 300, 0));
    (domain, signal, tally, connections)
}

#[test]
fn c8_drops_once_after_disconnect_and_collect() {
    let (domain, signal, tally, connections) = filled();
    assert!(connections.iter().all(Connection::disconnect));
    assert_eq!(tally.dropped(), 0, "disconnect itself drops nothing");
    let collected = domain.collect();
    assert!(collected.complete);
    assert_eq!((collected.dropped, collected.pending), (300, 0));
    tally.assert_all_dropped();
    drop(signal);
    assert_eq!(domain.collect().dropped, 0);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_once_after_disconnect_all_and_collect() {
    let (domain, signal, tally, _) = filled();
    assert_eq!(signal.disconnect_all(), 300);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_at_once_with_the_signal() {
    let (_domain, signal, tally, _) = filled();
    drop(signal);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_with_the_domain_what_still_waited() {
    let (domain, signal, tally, connections) = filled();
    for connection in &connections[..100] {
        connection.disconnect();
    }
    // Sweeps, so that a hundred are on their way when signal and domain go.
    domain.statistics();
    drop(signal);
    assert_eq!(tally.dropped(), 200, "what waits for its grace period goes on waiting");
    drop(domain);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_with_the_domain_if_the_signal_is_its_last_handle() {
    let (domain, signal, tally, connections) = filled();
    drop(domain);
    for connection in &connections[..100] {
        connection.disconnect();
    }
    signal.domain().statistics();
    drop(signal);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_once_after_part_of_it_was_disconnected_and_collected() {
    let (domain, signal, tally, connections) = filled();
    for (nth, connection) in connections.iter().enumerate().filter(|(nth, _)| nth % 3 == 0) {
        connection.disconnect();
        if nth % 30 == 0 {
            domain.collect();
        }
    }
    collect_all(&domain);
    assert_eq!(tally.dropped(), 100);
    signal.emit(&1);
    drop(signal);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_once_after_a_panic_policy_ended_it() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    signal.on_panic(PanicPolicy::DisconnectAfter(1));
    for _ in 0..40 {
        let guard = tally.guard();
        signal.connect(move |_| {
            guard.check();
            panic!("as the test wants");
        });
    }
    signal.emit(&1);
    assert_eq!((signal.len(), tally.dropped()), (0, 0));
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn c8_drops_closures_of_no_size() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, SeqCst);
        }
    }
    #[repr(align(128))]
    struct AlignedNothing(Nothing);
    assert_eq!(size_of::<AlignedNothing>(), 0);

    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    let connections = [signal.connect(holding(Nothing)), signal.connect(holding(AlignedNothing(Nothing)))];
    signal.connect(holding(Nothing));
    signal.emit(&1);
    assert!(connections.iter().all(Connection::disconnect));
    assert_eq!(DROPPED.load(SeqCst), 0);
    collect_all(&domain);
    assert_eq!(DROPPED.load(SeqCst), 2);
    drop(signal);
    assert_eq!(DROPPED.load(SeqCst), 3);
}

struct PanicOnDrop(Guard);

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        self.0.check();
        panic!("a destructor panics, as the test wants");
    }
}

#[test]
fn c8_a_destructor_that_panics_hurts_no_other() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    let connect = |_| {
        [signal.connect(holding(PanicOnDrop(tally.guard()))), signal.connect(holding([tally.guard(), tally.guard()]))]
    };
    let connections: Vec<_> = (0..50).flat_map(connect).collect();
    for connection in &connections[..50] {
        connection.disconnect();
    }
    collect_all(&domain);
    assert_eq!((tally.dropped(), domain.statistics().drop_panics), (75, 25));
    drop(signal);
    tally.assert_all_dropped();
    assert_eq!(domain.statistics().drop_panics, 50);
}

#[test]
fn c8_a_destructor_may_panic_with_something_whose_own_drop_panics() {
    struct BombOnDrop(Tally);
    impl Drop for BombOnDrop {
        fn drop(&mut self) {
            std::panic::panic_any(PanicOnDrop(self.0.guard()));
        }
    }
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    signal.connect(holding(BombOnDrop(tally.clone()))).disconnect();
    let guard = tally.guard();
    signal.connect(move |_| guard.check()).disconnect();
    collect_all(&domain);
    tally.assert_all_dropped();
    assert_eq!((tally.made(), domain.statistics().drop_panics), (2, 1));
}

#[test]
fn c8_a_destructor_may_drop_the_very_signal_it_lived_in() {
    let domain = Domain::new();
    let tally = Tally::new();
    for slots in [1, 31, 32, 33, 100] {
        let signal = Arc::new(Signal::<u32>::new_in(&domain));
        // Each slot owns the signal and is owned by it, until all are disconnected.
        let connect = |_| signal.connect(holding((signal.clone(), tally.guard())));
        let connections: Vec<_> = (0..slots).map(connect).collect();
        let guard = tally.guard();
        signal.connect(move |_| guard.check());
        let weak = Arc::downgrade(&signal);
        drop(signal);
        assert!(connections.iter().all(Connection::disconnect));
        collect_all(&domain);
        assert!(weak.upgrade().is_none(), "the last destructor dropped it");
        tally.assert_all_dropped();
    }
}

/// Does what it is told when it is dropped.
struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl OnDrop {
    fn new(act: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(act)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.take().expect("dropped once")();
    }
}

#[test]
fn c8_a_destructor_may_connect_emit_disconnect_and_collect() {
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<u32>::new_in(&domain)), Tally::new());
    let made: Arc<Mutex<Vec<Connection>>> = Arc::default();
    for _ in 0..40 {
        let (signal_at_end, domain, tally, made) = (signal.clone(), domain.clone(), tally.clone(), made.clone());
        let at_end = OnDrop::new(move || {
            let guard = tally.guard();
            let connection = signal_at_end.connect(move |_| guard.check());
            signal_at_end.emit(&1);
            signal_at_end.emit_batch(&[1, 2]);
            if let Some(earlier) = made.lock().expect("nobody panics").pop() {
                assert!(earlier.disconnect());
            }
            made.lock().expect("nobody panics").push(connection);
            domain.collect();
            domain.statistics();
            Domain::new().collect();
        });
        signal.connect(holding(at_end)).disconnect();
    }
    collect_all(&domain);
    assert_eq!((signal.len(), tally.made()), (1, 40));
    drop(signal);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn c8_a_destructor_that_disconnects_its_neighbours_never_wins_when_the_signal_goes() {
    let signal = Signal::<u32>::new();
    let wins = Arc::new(AtomicUsize::new(0));
    let connections: Arc<Mutex<Vec<Connection>>> = Arc::default();
    for _ in 0..70 {
        let (wins, neighbours) = (wins.clone(), connections.clone());
        let at_end = OnDrop::new(move || {
            let neighbours = neighbours.lock().expect("nobody panics");
            wins.fetch_add(neighbours.iter().filter(|connection| connection.disconnect()).count(), SeqCst);
        });
        let connection = signal.connect(holding(at_end));
        connections.lock().expect("nobody panics").push(connection);
    }
    drop(signal);
    assert_eq!(wins.load(SeqCst), 0);
}

#[test]
fn c8_what_happened_before_a_disconnect_comes_before_the_destructor() {
    // Plain memory, written by the disconnecting thread, read by the destructor on the collecting one.
    struct Reader(Arc<std::sync::OnceLock<String>>, Tally);
    impl Drop for Reader {
        fn drop(&mut self) {
            assert_eq!(self.0.get().map(String::as_str), Some("written before"));
            drop(self.1.guard());
        }
    }
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    let (sender, orders) = mpsc::channel::<(Connection, Arc<std::sync::OnceLock<String>>)>();
    let disconnecting = thread::spawn(move || {
        for (connection, note) in orders {
            note.set("written before".to_owned()).expect("set once");
            assert!(connection.disconnect());
        }
    });
    for _ in 0..1_000 {
        let note = Arc::default();
        let connection = signal.connect(holding(Reader(Arc::clone(&note), tally.clone())));
        sender.send((connection, note)).expect("the thread listens");
        domain.collect();
    }
    drop(sender);
    disconnecting.join().expect("it only disconnects");
    collect_all(&domain);
    assert_eq!((tally.dropped(), domain.statistics().drop_panics), (1_000, 0));
}

#[test]
fn c8_a_forgotten_signal_leaks_what_it_holds_and_nothing_else() {
    let domain = Domain::new();
    let (signal, tally) = (Signal::<u32>::new_in(&domain), Tally::new());
    let connections = connect_all_kinds(&signal, &tally);
    std::mem::forget(signal);
    for (nth, connection) in connections.iter().enumerate() {
        assert!(connection.is_connected() && connection.disconnect());
        assert!(domain.collect().complete);
        assert_eq!(tally.dropped(), nth + 1);
    }
}

#[test]
fn c8_collect_is_not_complete_while_an_emission_is_under_way_and_drops_it_after() {
    let domain = Domain::new();
    let (signal, tally) = (Arc::new(Signal::<u32>::new_in(&domain)), Tally::new());
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (released, guard) = (Mutex::new(released), tally.guard());
    let connection = signal.connect(move |_| {
        entered.send(()).expect("the test listens");
        released.lock().expect("nobody panics").recv().expect("the test lets go");
        // Still there, although it was disconnected and collected meanwhile.
        guard.check();
    });
    signal.on_panic(PanicPolicy::Propagate);
    let emitting = signal.clone();
    let emitter = thread::spawn(move || emitting.emit(&1));
    inside.recv().expect("the slot says so");
    assert!(connection.disconnect());
    for _ in 0..10 {
        let collected = domain.collect();
        assert_eq!((collected.complete, collected.pending, tally.dropped()), (false, 1, 0));
    }
    release.send(()).expect("the slot waits");
    emitter.join().expect("the guard is alive");
    assert!(domain.collect().complete);
    tally.assert_all_dropped();
}

#[test]
fn c8_collect_is_not_complete_while_another_thread_still_runs_a_destructor() {
    let domain = Domain::new();
    for dropped_with_signal in [false, true] {
        let signal = Signal::<u32>::new_in(&domain);
        let (entered, inside) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let at_end = OnDrop::new(move || {
            entered.send(()).expect("the test listens");
            released.lock().expect("nobody panics").recv().expect("the test lets go");
        });
        signal.connect(holding(at_end)).disconnect();
        let collecting = domain.clone();
        let dropper = thread::spawn(move || if dropped_with_signal { drop(signal) } else { collect_all(&collecting) });
        inside.recv().expect("the destructor says so");
        let complete = domain.collect().complete;
        release.send(()).expect("the destructor waits");
        dropper.join().expect("it only drops");
        assert!(!complete, "dropped with its signal: {dropped_with_signal}");
        assert!(domain.collect().complete);
    }
}
