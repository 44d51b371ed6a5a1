//! What an emission comes to: answers, panics, and destructors that use the signal.

use crate::common::{Counter, collect_all, holding};
use pulsebus::{Combiner, Connection, Domain, PanicPolicy, Priority, Query, Signal};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Weak};

// --- answers ---------------------------------------------------------------------------------------------------------

#[test]
fn the_last_answer_is_the_default_and_nobody_answers_nothing() {
    let query = Query::<u32, u32>::new();
    assert_eq!(query.last(&1), None);
    query.connect(|n| n + 1);
    let connection = query.connect(|n| n + 2);
    assert_eq!(query.last(&1), Some(3));
    connection.disconnect();
    assert_eq!(query.last(&1), Some(2));
}

#[test]
fn a_combiner_of_ones_own_sees_the_answers_in_order() {
    struct Most(Option<u32>);
    impl Combiner<u32> for Most {
        type Output = u32;
        fn take(&mut self, answer: u32) -> ControlFlow<()> {
            self.0 = self.0.max(Some(answer));
            ControlFlow::Continue(())
        }
        fn finish(self) -> u32 {
            self.0.unwrap_or_default()
        }
    }
    let query = Query::<u32, u32>::new();
    assert_eq!(query.ask(&1, Most(None)), 0);
    for factor in [3, 9, 2] {
        query.connect(move |n| n * factor);
    }
    query.connect_at(Priority::BEFORE, |_| 1);
    assert_eq!(query.ask(&2, Most(None)), 18);
    let mut answers = Vec::new();
    query.collect_into(&2, &mut answers);
    assert_eq!(answers, [1, 6, 18, 4]);
}

// --- what goes wrong -------------------------------------------------------------------------------------------------

#[test]
fn a_slot_that_panics_keeps_nobody_from_running_and_its_panic_comes_afterwards_if_it_is_asked_for() {
    let (signal, ran) = (Signal::<()>::new(), Counter::new());
    // Without the message of the default hook.
    let connection = signal.connect(|()| resume_unwind(Box::new("a slot's")));
    signal.connect(ran.slot());
    assert!(signal.emit(&()).is_completed());
    assert_eq!((ran.take(), connection.panics()), (1, Some(1)));
    signal.on_panic(PanicPolicy::Propagate);
    let panic = catch_unwind(AssertUnwindSafe(|| signal.emit(&()))).expect_err("it is passed on");
    assert_eq!(panic.downcast_ref(), Some(&"a slot's"));
    assert_eq!(ran.take(), 1, "after all have run");
    // The signal is as it was.
    connection.disconnect();
    signal.emit(&());
    assert_eq!(ran.take(), 1);
}

/// Uses everything that it can reach when it is dropped.
struct Busy {
    signal: Weak<Signal<()>>,
    other: Connection,
    ran: Counter,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Some(signal) = self.signal.upgrade() else { return };
        self.other.disconnect();
        let own = signal.connect(|()| {});
        drop(own.block());
        own.disconnect();
        signal.emit(&());
        self.ran.add(1);
    }
}

#[test]
fn the_destructor_of_what_a_slot_captured_may_use_the_signal() {
    let domain = Domain::new();
    let (signal, ran, calls) = (Arc::new(Signal::<()>::new_in(&domain)), Counter::new(), Counter::new());
    let other = signal.connect(calls.slot());
    let busy = Busy { signal: Arc::downgrade(&signal), other, ran: ran.clone() };
    signal.connect(holding(busy)).disconnect();
    collect_all(&domain);
    assert_eq!((ran.get(), calls.get()), (1, 0));
    assert!(signal.is_empty());
}
