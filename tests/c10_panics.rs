//! C10: a slot that panics hurts nobody else.

mod common;

use common::{Counter, Log, Tally, collect_all};
use pulsebus::{Connection, Domain, PanicPolicy, Signal};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Where panicking slots stand: around the borders of the chunks.
const PANICKING: [usize; 6] = [0, 1, 31, 32, 63, 69];
const COUNT: usize = 70;

/// Seventy slots, some of which log and panic, while the others only log.
fn signal_with_panicking_slots() -> (Signal<u32>, Log<(usize, u32)>) {
    let (signal, log) = (Signal::<u32>::new_in(&Domain::new()), Log::new());
    for slot in 0..COUNT {
        let log = log.clone();
        signal.connect(move |&event| {
            log.push((slot, event));
            assert!(!PANICKING.contains(&slot), "slot {slot} panics, as the test wants");
        });
    }
    (signal, log)
}

fn payload<R: std::fmt::Debug>(outcome: Result<R, Box<dyn std::any::Any + Send>>) -> String {
    *outcome.expect_err("it propagates").downcast::<String>().expect("a formatted message")
}

#[test]
fn c10_the_other_slots_still_run() {
    let (signal, log) = signal_with_panicking_slots();
    assert_eq!(signal.panic_policy(), PanicPolicy::Isolate);
    for event in [1, 2] {
        signal.emit(&event);
        assert_eq!(log.take(), (0..COUNT).map(|slot| (slot, event)).collect::<Vec<_>>());
    }
    assert_eq!(signal.domain().statistics().slot_panics, 2 * PANICKING.len() as u64);
    assert_eq!(signal.len(), COUNT);
}

#[test]
fn c10_in_a_batch_the_slot_goes_on_with_the_next_event() {
    let (signal, log) = signal_with_panicking_slots();
    signal.emit_batch(&[1, 2, 3]);
    let expected = (0..COUNT).flat_map(|slot| [1, 2, 3].map(|event| (slot, event)));
    assert_eq!(log.take(), expected.collect::<Vec<_>>());
    assert_eq!(signal.domain().statistics().slot_panics, 3 * PANICKING.len() as u64);
}

#[test]
fn c10_a_slice_slot_that_panics_has_had_its_batch() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let inner = log.clone();
    let connection = signal.connect_batch(move |events| {
        inner.push(events.to_vec());
        panic!("as the test wants");
    });
    signal.connect(log.slot(|&event| vec![event]));
    signal.emit_batch(&[1, 2]);
    signal.emit(&3);
    assert_eq!(log.take(), [vec![1, 2], vec![1], vec![2], vec![3], vec![3]]);
    assert_eq!(connection.panics(), Some(2));
}

#[test]
fn c10_propagate_runs_all_and_then_panics_with_the_first_payload() {
    let (signal, log) = signal_with_panicking_slots();
    signal.on_panic(PanicPolicy::Propagate);
    let outcome = catch_unwind(AssertUnwindSafe(|| signal.emit(&1)));
    assert_eq!(payload(outcome), "slot 0 panics, as the test wants");
    assert_eq!(log.take(), (0..COUNT).map(|slot| (slot, 1)).collect::<Vec<_>>());

    let outcome = catch_unwind(AssertUnwindSafe(|| signal.emit_batch(&[2, 3])));
    assert_eq!(payload(outcome), "slot 0 panics, as the test wants");
    assert_eq!(log.take().len(), 2 * COUNT);

    // Nothing is left of it: no pin that would hold reclamation up, no payload for the next emission.
    signal.on_panic(PanicPolicy::Isolate);
    signal.emit(&4);
    signal.disconnect_all();
    assert!(signal.domain().collect().complete);
}

#[test]
fn c10_a_propagated_panic_of_a_nested_emission_is_the_outer_slots_panic() {
    let domain = Domain::new();
    let (outer, inner) = (Signal::<u32>::new_in(&domain), Signal::<u32>::new_in(&domain));
    inner.on_panic(PanicPolicy::Propagate);
    inner.connect(|_| panic!("inner"));
    let log = Log::new();
    let nesting = outer.connect(move |event| {
        inner.emit(event);
    });
    outer.connect(log.slot(|&event| event));
    outer.emit(&1);
    assert_eq!((log.take(), nesting.panics()), (vec![1], Some(1)));
    assert_eq!(domain.statistics().slot_panics, 2);
}

#[test]
fn c10_disconnect_after_ends_a_connection_with_its_nth_panic() {
    for n in [0, 1, 2, 5] {
        let (signal, calls) = (Signal::<u32>::new(), Counter::new());
        signal.on_panic(PanicPolicy::DisconnectAfter(n));
        let counter = calls.clone();
        let fragile = signal.connect(move |&event| {
            counter.add(1);
            assert!(event % 2 == 0, "odd events are not for it");
        });
        let sturdy = signal.connect(|_| {});
        signal.emit_batch(&[1, 2, 3, 4]);
        (5..20).for_each(|event| {
            signal.emit(&event);
        });
        let limit = n.max(1) as usize;
        assert!(!fragile.is_connected() && sturdy.is_connected());
        assert_eq!((calls.get(), fragile.panics()), (2 * limit - 1, Some(limit as u32)), "after {n}");
    }
}

#[test]
fn c10_the_policy_may_change_and_counts_go_on() {
    let signal = Signal::<u32>::new();
    let fragile = signal.connect(|_| panic!("as the test wants"));
    signal.emit_batch(&[1, 2, 3]);
    signal.on_panic(PanicPolicy::DisconnectAfter(2));
    assert_eq!(signal.panic_policy(), PanicPolicy::DisconnectAfter(2));
    assert!(fragile.is_connected(), "a policy is about panics to come");
    signal.emit(&4);
    assert_eq!((fragile.is_connected(), fragile.panics()), (false, Some(4)));
}

#[test]
fn c10_the_count_is_the_connections_own_and_starts_anew_with_the_next_occupant() {
    let domain = Domain::new();
    for _ in 0..200 {
        let signal = Signal::<u32>::new_in(&domain);
        let [fragile, sturdy] = [true, false].map(|fragile| signal.connect(move |_| assert!(!fragile)));
        assert_eq!((fragile.panics(), sturdy.panics()), (Some(0), Some(0)));
        signal.emit_batch(&[1, 2]);
        assert_eq!((fragile.panics(), sturdy.panics()), (Some(2), Some(0)));
    }
}

#[test]
fn c10_the_hook_is_told_place_count_and_message() {
    let domain = Domain::new();
    let (signal, log) = (Signal::<u32>::new_in(&domain), Log::new());
    let hooked = log.clone();
    domain.set_panic_hook(move |panic| {
        let place = panic.place.map(Location::line);
        hooked.push((place, panic.count, panic.message().map(str::to_owned), panic.to_string()));
    });
    let line = line!() + 1;
    let connection = signal.connect(|&event| match event {
        1 => panic!("literally"),
        2 => panic!("formatted {event}"),
        _ => std::panic::panic_any(event),
    });
    assert_eq!(connection.place().map(Location::line), Some(line));
    assert_eq!(connection.place().map(Location::file), Some(file!()));
    signal.emit_batch(&[1, 2]);
    signal.emit(&3);

    let calls = log.take();
    let expected = [(1, Some("literally")), (2, Some("formatted 2")), (3, None)];
    assert_eq!(calls.len(), expected.len());
    for ((place, count, message, text), expected) in calls.iter().zip(expected) {
        assert_eq!((*place, *count, message.as_deref()), (Some(line), expected.0, expected.1));
        assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
    }

    domain.clear_panic_hook();
    signal.emit(&1);
    assert!(log.take().is_empty());
    assert_eq!(connection.panics(), Some(4));
}

#[test]
fn c10_every_way_to_connect_knows_its_place() {
    let signal = Signal::<u32>::new();
    let plain = (signal.connect(|_| {}), line!());
    let slices = (signal.connect_batch(|_| {}), line!());
    let scoped = (signal.connect_scoped(|_| {}).release(), line!());
    for (connection, line) in [plain, slices, scoped] {
        assert_eq!(connection.place().map(Location::line), Some(line));
    }
}

#[test]
fn c10_a_hook_that_panics_hurts_nobody() {
    let domain = Domain::new();
    let (signal, log) = (Signal::<u32>::new_in(&domain), Log::new());
    domain.set_panic_hook(|_| std::panic::panic_any(Bomb(Tally::new())));
    signal.connect(|_| panic!("as the test wants"));
    signal.connect(log.slot(|&event| event));
    signal.emit_batch(&[1, 2]);
    assert_eq!((log.take(), domain.statistics().slot_panics), (vec![1, 2], 2));
}

#[test]
fn c10_a_hook_may_replace_itself_disconnect_and_emit() {
    let domain = Domain::new();
    let signal = Arc::new(Signal::<u32>::new_in(&domain));
    let log = Log::new();
    let victim = signal.connect(|_| panic!("as the test wants"));
    signal.connect(log.slot(|&event| event));
    let (inner, hooked) = (Arc::downgrade(&signal), domain.clone());
    domain.set_panic_hook(move |_| {
        victim.disconnect();
        hooked.clear_panic_hook();
        inner.upgrade().expect("it is being emitted").emit(&2);
        hooked.collect();
    });
    signal.emit(&1);
    assert_eq!(log.take(), [2, 1]);
}

#[test]
fn c10_the_hook_is_dropped_when_it_is_replaced_and_with_its_domain() {
    let tally = Tally::new();
    let domain = Domain::new();
    for _ in 0..3 {
        let guard = tally.guard();
        domain.set_panic_hook(move |_| guard.check());
    }
    assert_eq!(tally.dropped(), 2);
    drop(domain);
    tally.assert_all_dropped();
}

/// A payload whose own drop panics.
struct Bomb(Tally);

impl Drop for Bomb {
    fn drop(&mut self) {
        drop(self.0.guard());
        panic!("the payload's drop panics, as the test wants");
    }
}

#[test]
fn c10_a_payload_whose_drop_panics_hurts_nobody() {
    for policy in [PanicPolicy::Isolate, PanicPolicy::DisconnectAfter(2)] {
        let (signal, log, tally) = (Signal::<u32>::new(), Log::new(), Tally::new());
        signal.on_panic(policy);
        let inner = tally.clone();
        signal.connect(move |_| std::panic::panic_any(Bomb(inner.clone())));
        signal.connect(log.slot(|&event| event));
        signal.emit_batch(&[1, 2]);
        assert_eq!((log.take(), tally.dropped()), (vec![1, 2], 2), "{policy:?}");
    }
}

#[test]
fn c10_a_payload_that_is_not_propagated_because_another_was_first_may_panic_when_dropped() {
    let (signal, tally) = (Signal::<u32>::new(), Tally::new());
    signal.on_panic(PanicPolicy::Propagate);
    let inner = tally.clone();
    signal.connect(|&event| panic!("first {event}"));
    signal.connect(move |_| std::panic::panic_any(Bomb(inner.clone())));
    let outcome = catch_unwind(AssertUnwindSafe(|| signal.emit_batch(&[1, 2])));
    assert_eq!((payload(outcome), tally.dropped()), ("first 1".to_owned(), 2));
}

#[test]
fn c10_a_slot_that_panics_after_it_disconnected_itself_gets_no_more() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let own: Arc<OnceLock<Connection>> = Arc::default();
    let (inner, inner_log) = (own.clone(), log.clone());
    own.set(signal.connect(move |&event| {
        inner_log.push(event);
        inner.get().expect("set before the emission").disconnect();
        panic!("as the test wants");
    }))
    .expect("set once");
    signal.connect(log.slot(|&event| event * 10));
    signal.emit_batch(&[1, 2]);
    assert_eq!(log.take(), [1, 10, 20]);
}

#[test]
fn c10_no_state_is_poisoned_for_other_threads() {
    const EMISSIONS: usize = 500;
    let domain = Domain::new();
    let (signal, calls, tally) = (Arc::new(Signal::<u32>::new_in(&domain)), Counter::new(), Tally::new());
    let sturdy = signal.connect(calls.slot());
    let threads = [0, 1].map(|_| {
        let (signal, tally) = (signal.clone(), tally.clone());
        thread::spawn(move || {
            for _ in 0..EMISSIONS {
                let guard = tally.guard();
                let fragile = signal.connect(move |_| {
                    guard.check();
                    panic!("as the test wants");
                });
                signal.emit(&1);
                assert!(fragile.panics().is_some_and(|panics| panics > 0) && fragile.disconnect());
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().expect("panics stay where they are"));
    assert_eq!((calls.get(), sturdy.panics()), (2 * EMISSIONS, Some(0)));
    collect_all(&domain);
    tally.assert_all_dropped();
}
