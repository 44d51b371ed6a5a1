//! Ending connections of signals, owners and services, and waiting until nobody is inside them.

mod common;

use common::Counter;
use pulsebus::{Bus, Domain, Signal, WaitError};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

type Leave = Arc<Signal<Arc<std::sync::Mutex<mpsc::Receiver<()>>>>>;

/// A signal whose slots block until they are told to leave, and a thread that is inside one.
struct Inside {
    signal: Leave,
    leave: mpsc::Sender<()>,
    emitter: JoinHandle<pulsebus::Emitted>,
}

fn slot(entered: &Counter) -> impl Fn(&Arc<std::sync::Mutex<mpsc::Receiver<()>>>) + Send + Sync + 'static {
    let entered = entered.clone();
    move |leave| {
        entered.add(1);
        leave.lock().expect("nobody panics").recv().expect("told to leave");
    }
}

fn inside(domain: &Domain, entered: &Counter, connect: impl FnOnce(&Leave)) -> Inside {
    let signal: Leave = Arc::new(Signal::new_in(domain));
    connect(&signal);
    let (leave, left) = mpsc::channel();
    let (event, emitted) = (Arc::new(std::sync::Mutex::new(left)), Arc::clone(&signal));
    let before = entered.get();
    let emitter = thread::spawn(move || emitted.emit(&event));
    while entered.get() == before {
        thread::yield_now();
    }
    Inside { signal, leave, emitter }
}

impl Inside {
    fn leave(self) {
        self.leave.send(()).expect("it waits");
        assert!(self.emitter.join().expect("it emits").is_completed());
    }
}

#[test]
fn disconnect_all_and_wait_returns_when_nobody_is_inside() {
    let (domain, entered) = (Domain::new(), Counter::new());
    let inside = inside(&domain, &entered, |signal| _ = signal.connect(slot(&entered)));
    assert_eq!(inside.signal.disconnect_all_and_wait(Duration::ZERO), Err(WaitError::TimedOut));
    assert!(inside.signal.is_empty(), "ended all the same");
    let signal = Arc::clone(&inside.signal);
    inside.leave();
    assert_eq!(signal.disconnect_all_and_wait(Duration::MAX), Ok(0));
}

#[test]
fn an_owner_is_waited_for_in_the_domains_of_its_connections_and_in_no_other() {
    let (bus, entered) = (Bus::new(), Counter::new());
    let (near, far, foreign) = (Domain::new(), Domain::new(), Domain::new());
    let connect = |owner: u64| {
        let (bus, entered) = (&bus, &entered);
        move |signal: &Leave| _ = bus.connect(signal).owner(owner).slot(slot(entered)).expect("within limits")
    };
    let first = inside(&near, &entered, connect(7));
    let second = inside(&far, &entered, connect(7));
    let other = inside(&foreign, &entered, connect(8));
    assert_eq!(bus.cleanup_owner_and_wait(7, Duration::ZERO), Err(WaitError::TimedOut));
    assert_eq!(bus.cleanup_owner(7), 0, "ended all the same");
    first.leave();
    bus.connect(&second.signal).owner(7).slot(|_| {}).expect("within limits");
    assert_eq!(bus.cleanup_owner_and_wait(7, Duration::ZERO), Err(WaitError::TimedOut), "in the second domain");
    let signal = Arc::clone(&second.signal);
    second.leave();
    bus.connect(&signal).owner(7).slot(|_| {}).expect("within limits");
    assert_eq!(bus.cleanup_owner_and_wait(7, Duration::MAX), Ok(1), "though somebody is inside another owner's");
    assert_eq!(bus.quiesce(Duration::ZERO), Err(WaitError::TimedOut));
    other.leave();
    assert_eq!(bus.quiesce(Duration::MAX), Ok(()));
}

#[test]
fn scopes_and_services_wait_as_owners_do() {
    let (bus, domain, entered) = (Bus::new(), Domain::new(), Counter::new());
    let (scope, service) = (bus.owner(7), bus.service("radar"));
    let one = inside(&domain, &entered, |signal| _ = scope.connect(signal).slot(slot(&entered)).expect("connects"));
    assert_eq!(scope.leave_and_wait(Duration::ZERO), Err(WaitError::TimedOut));
    one.leave();
    let two = inside(&domain, &entered, |signal| _ = service.connect(signal).slot(slot(&entered)).expect("connects"));
    assert_eq!(service.stop_and_wait(Duration::from_millis(1)), Err(WaitError::TimedOut));
    assert!(service.has_stopped());
    two.leave();
    let signal = Signal::<u32>::new_in(&domain);
    bus.connect(&signal).service("sonar").slot(|_| {}).expect("connects");
    assert_eq!(bus.cleanup_service_and_wait("sonar", Duration::MAX), Ok(1));
}

#[test]
fn whoever_is_inside_an_emission_is_told_instead_of_waiting_for_itself() {
    let (bus, signal) = (Arc::new(Bus::new()), Arc::new(Signal::<u32>::new()));
    let (theirs, own, told) = (Arc::downgrade(&bus), Arc::downgrade(&signal), Counter::new());
    let counted = told.clone();
    signal.connect(move |_| {
        let (bus, signal) = (theirs.upgrade().expect("it lives"), own.upgrade().expect("it is emitted"));
        assert_eq!(bus.cleanup_owner_and_wait(1, Duration::MAX), Err(WaitError::WouldDeadlock));
        assert_eq!(bus.quiesce(Duration::MAX), Err(WaitError::WouldDeadlock));
        assert_eq!(signal.disconnect_all_and_wait(Duration::MAX), Err(WaitError::WouldDeadlock));
        counted.add(1);
    });
    signal.emit(&1);
    assert_eq!((told.get(), signal.is_empty()), (1, true));
}
