//! C6: `disconnect_and_wait` returns when no thread is inside the slot, and an error where it would wait for itself.

mod common;

use common::{Counter, Log, collect_all, holding};
use pulsebus::{Connection, Domain, Signal, WaitError};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const FOR_EVER: Duration = Duration::MAX;

/// An emission on another thread that stands inside a slot.
struct Blocked {
    connection: Connection,
    release: mpsc::Sender<()>,
    has_left: Arc<AtomicBool>,
    emitter: JoinHandle<pulsebus::Emitted>,
}

impl Blocked {
    fn in_a_slot_of(signal: &Arc<Signal<()>>) -> Self {
        let (entered, inside) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let (released, has_left) = (Mutex::new(released), Arc::new(AtomicBool::new(false)));
        let left = has_left.clone();
        let connection = signal.connect(move |()| {
            entered.send(()).expect("the test listens");
            released.lock().expect("nobody panics").recv().expect("the test lets go");
            // A return that does not wait finds this undone.
            (0..100).for_each(|_| thread::yield_now());
            left.store(true, SeqCst);
        });
        let emitting = signal.clone();
        let emitter = thread::spawn(move || emitting.emit(&()));
        inside.recv().expect("the slot says so");
        Self { connection, release, has_left, emitter }
    }

    fn let_go(&self) {
        self.release.send(()).expect("the slot waits");
    }

    fn join(self) {
        self.emitter.join().expect("it only emits");
    }
}

#[test]
fn c6_it_returns_what_disconnect_would() {
    let signal = Signal::<()>::new();
    let connection = signal.connect(|()| {});
    assert_eq!(connection.disconnect_and_wait(FOR_EVER), Ok(true));
    assert_eq!(connection.disconnect_and_wait(FOR_EVER), Ok(false));
    assert!(signal.is_empty());
}

#[test]
fn c6_it_times_out_while_a_thread_is_inside_and_the_connection_has_ended_all_the_same() {
    let signal = Arc::new(Signal::<()>::new_in(&Domain::new()));
    let blocked = Blocked::in_a_slot_of(&signal);
    let connection = blocked.connection;
    assert_eq!(connection.disconnect_and_wait(Duration::ZERO), Err(WaitError::TimedOut));
    assert!(!connection.is_connected() && signal.is_empty());
    assert_eq!(connection.disconnect_and_wait(Duration::from_millis(2)), Err(WaitError::TimedOut));
    blocked.let_go();
    assert_eq!(connection.disconnect_and_wait(FOR_EVER), Ok(false));
    assert!(blocked.has_left.load(SeqCst));
    blocked.join();
}

#[test]
fn c6_it_returns_only_when_the_slot_has_been_left() {
    for round in 0..100 {
        let signal = Arc::new(Signal::<()>::new_in(&Domain::new()));
        let blocked = Blocked::in_a_slot_of(&signal);
        let (connection, has_left) = (blocked.connection, blocked.has_left.clone());
        let (called, calling) = mpsc::channel();
        let waiter = thread::spawn(move || {
            called.send(()).expect("the test listens");
            let waited = connection.disconnect_and_wait(FOR_EVER);
            (waited, has_left.load(SeqCst))
        });
        calling.recv().expect("the waiter says so");
        blocked.let_go();
        assert_eq!(waiter.join().expect("it only waits"), (Ok(true), true), "round {round}");
        blocked.join();
    }
}

#[test]
fn c6_it_waits_whoever_won_the_disconnect() {
    let signal = Arc::new(Signal::<()>::new_in(&Domain::new()));
    let blocked = Blocked::in_a_slot_of(&signal);
    assert!(blocked.connection.disconnect());
    assert_eq!(blocked.connection.disconnect_and_wait(Duration::ZERO), Err(WaitError::TimedOut));
    blocked.let_go();
    assert_eq!(blocked.connection.disconnect_and_wait(FOR_EVER), Ok(false));
    assert!(blocked.has_left.load(SeqCst));
    blocked.join();
}

#[test]
fn c6_it_waits_for_emissions_of_its_domain_only() {
    let (busy, quiet) = (Domain::new(), Domain::new());
    let blocked = Blocked::in_a_slot_of(&Arc::new(Signal::new_in(&busy)));
    let beside = Signal::<()>::new_in(&busy);
    let apart = Signal::<()>::new_in(&quiet);
    assert_eq!(apart.connect(|()| {}).disconnect_and_wait(FOR_EVER), Ok(true));
    assert_eq!(beside.connect(|()| {}).disconnect_and_wait(Duration::ZERO), Err(WaitError::TimedOut));
    blocked.let_go();
    blocked.join();
}

#[test]
fn c6_inside_any_emission_it_would_deadlock() {
    let own = Domain::new();
    let (waited, other) = (Signal::<()>::new_in(&own), Signal::<()>::new());
    let log = Log::new();
    for emitting in [&waited, &other] {
        // Its own slot, or one of another domain's signal: in both the caller is inside an emission.
        let victim: Arc<OnceLock<Connection>> = Arc::default();
        let (inner, inner_log) = (victim.clone(), log.clone());
        let connection = emitting.connect(move |()| {
            let victim = inner.get().expect("set before the emission");
            inner_log.push((victim.disconnect_and_wait(FOR_EVER), victim.is_connected()));
        });
        victim.set(waited.connect(|()| {})).expect("set once");
        emitting.emit(&());
        connection.disconnect();
    }
    assert_eq!(log.take(), [(Err(WaitError::WouldDeadlock), false); 2]);
}

#[test]
fn c6_inside_its_own_slot_it_would_deadlock() {
    let (signal, log) = (Signal::<()>::new(), Log::new());
    let own: Arc<OnceLock<Connection>> = Arc::default();
    let (inner, inner_log) = (own.clone(), log.clone());
    let connection = signal.connect(move |()| {
        inner_log.push(inner.get().expect("set before the emission").disconnect_and_wait(FOR_EVER));
    });
    own.set(connection).expect("set once");
    signal.emit(&());
    assert_eq!(log.take(), [Err(WaitError::WouldDeadlock)]);
    assert!(!connection.is_connected());
}

#[test]
fn c6_inside_any_tick_it_would_deadlock() {
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    let wait = |connection: Connection| connection.disconnect_and_wait(FOR_EVER);
    let connect = || signal.connect(|()| {});
    assert_eq!(domain.tick(|_| wait(connect())), Err(WaitError::WouldDeadlock));
    assert_eq!(pulsebus::tick(|_| wait(connect())), Err(WaitError::WouldDeadlock));
    assert_eq!(pulsebus::tick(|_| domain.tick(|_| wait(connect()))), Err(WaitError::WouldDeadlock));
    assert_eq!(wait(connect()), Ok(true), "and after them it waits");
}

#[test]
fn c6_after_a_panic_in_a_tick_it_waits_again() {
    let domain = Domain::new();
    let signal = Signal::<()>::new_in(&domain);
    let tick = || domain.tick(|_| panic!("as the test wants"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(tick)).is_err());
    assert_eq!(signal.connect(|()| {}).disconnect_and_wait(FOR_EVER), Ok(true));
}

#[test]
fn c6_in_the_destructor_of_a_capture_it_waits() {
    struct WaitOnDrop(Connection, Log<Result<bool, WaitError>>);
    impl Drop for WaitOnDrop {
        fn drop(&mut self) {
            self.1.push(self.0.disconnect_and_wait(FOR_EVER));
        }
    }
    let domain = Domain::new();
    let (signal, log) = (Signal::<()>::new_in(&domain), Log::new());
    let captured = WaitOnDrop(signal.connect(|()| {}), log.clone());
    signal.connect(holding(captured)).disconnect();
    collect_all(&domain);
    assert_eq!(log.take(), [Ok(true)]);
}

#[test]
fn c6_what_the_slot_did_comes_before_the_return() {
    // The slot's counter is read without any synchronisation of its own, but that of the wait.
    let domain = Domain::new();
    let signal = Arc::new(Signal::<()>::new_in(&domain));
    for _ in 0..200 {
        let (calls, stop) = (Counter::new(), Arc::new(AtomicBool::new(false)));
        let connection = signal.connect(calls.slot());
        let (emitting, stopped) = (signal.clone(), stop.clone());
        let emitter = thread::spawn(move || {
            while !stopped.load(SeqCst) {
                emitting.emit(&());
            }
        });
        assert_eq!(connection.disconnect_and_wait(FOR_EVER), Ok(true));
        let at_return = calls.get();
        stop.store(true, SeqCst);
        emitter.join().expect("it only emits");
        assert_eq!(calls.get(), at_return, "nobody runs it after the return");
    }
}

#[test]
fn c6_its_errors_say_what_to_do() {
    assert!(WaitError::WouldDeadlock.to_string().contains("wait outside"));
    assert!(WaitError::TimedOut.to_string().contains("still under way"));
}
