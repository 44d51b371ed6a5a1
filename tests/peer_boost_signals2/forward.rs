//! Signals as slots of other signals.

use crate::common::Log;
use pulsebus::Signal;
use std::sync::Arc;

#[test]
fn a_signal_as_a_slot_passes_everything_on_in_its_place() {
    let (first, second, log) = (Signal::<u32>::new(), Arc::new(Signal::<u32>::new()), Log::new());
    first.connect(log.slot(|n| ("before", *n)));
    first.forward(&second, |n| *n);
    first.connect(log.slot(|n| ("after", *n)));
    second.connect(log.slot(|n| ("second", *n)));
    first.emit(&7);
    assert_eq!(log.take(), [("before", 7), ("second", 7), ("after", 7)]);
}

#[test]
fn a_signal_as_a_slot_is_not_kept_alive_and_its_connection_ends_after_it() {
    let (first, second) = (Signal::<u32>::new(), Arc::new(Signal::<u32>::new()));
    let connection = first.forward(&second, |n| *n);
    drop(second);
    first.emit(&1);
    assert!(!connection.is_connected() && first.is_empty());
}

#[test]
fn a_row_of_signals_as_slots_carries_an_event_to_its_end() {
    let (signals, ran): (Vec<_>, _) = ((0..20).map(|_| Arc::new(Signal::<u32>::new())).collect(), Log::new());
    for pair in signals.windows(2) {
        pair[0].forward(&pair[1], |n| n + 1);
    }
    signals[19].connect(ran.slot(|n| *n));
    signals[0].emit(&1);
    assert_eq!(ran.take(), [20]);
}
