//! States: who comes late beside who sets, and setters beside each other.

use loom_tests::{Note, pair, trio};
use pulsebus::model::Versions;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

// (Each model keeps the state until its threads have been joined: else the one that lets go last would end it, beside
// the emissions of the others.)

/// A slot of a state, and what it has got. Its own memory is written in each call without any synchronisation: calls
/// that overlap, or are not ordered, fail the model.
#[derive(Clone, Default)]
struct Seen {
    newest: Note,
    calls: Arc<AtomicU32>,
}

impl Seen {
    fn slot(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let seen = self.clone();
        move |version| {
            let version = version as u32;
            assert!(seen.newest.read() < version, "an older value after a newer one, or the same again");
            seen.newest.write(version);
            seen.calls.fetch_add(1, Relaxed);
        }
    }

    /// Once nobody is setting any more.
    fn assert_newest(&self, version: u32) {
        assert_eq!(self.newest.read(), version, "a slot ends with the last value");
    }

    fn calls(&self) -> u32 {
        self.calls.load(Relaxed)
    }
}

/// Who connects beside a set gets the old value, the new one, or both in order; and the new one in any case.
#[test]
fn who_comes_late_beside_a_set_gets_the_last_value() {
    pair("state: connect vs set", &["new", "both"], |run| {
        let (state, seen) = (Arc::new(Versions::new(1)), Seen::default());
        let (setter, late, slot) = (state.clone(), state.clone(), seen.slot());
        run.race(move || late.connect(slot), move || setter.set());
        seen.assert_newest(2);
        run.note_if(seen.calls() == 2, "both", "new");
    });
}

/// The same with nothing set before: the first value is not lost, whoever brings it.
#[test]
fn who_connects_beside_the_first_set_gets_its_value() {
    pair("state: connect vs first set", &["once"], |run| {
        let (state, seen) = (Arc::new(Versions::new(0)), Seen::default());
        let (setter, late, slot) = (state.clone(), state.clone(), seen.slot());
        run.race(move || late.connect(slot), move || setter.set());
        seen.assert_newest(1);
        run.note_if(seen.calls() == 1, "once", "twice");
    });
}

/// Of two that set at once, the older value comes first or not at all.
#[test]
fn two_that_set_do_not_take_a_slot_back() {
    pair("state: set vs set", &["both", "one"], |run| {
        let (state, seen) = (Arc::new(Versions::new(0)), Seen::default());
        state.connect(seen.slot());
        let (one, other) = (state.clone(), state.clone());
        run.race(move || one.set(), move || other.set());
        seen.assert_newest(2);
        run.note_if(seen.calls() == 2, "both", "one");
    });
}

/// Two slots, each by itself.
#[test]
fn each_slot_ends_with_the_last_value() {
    pair("state: set vs set, two slots", &["both", "conflated"], |run| {
        let (state, first, second) = (Arc::new(Versions::new(0)), Seen::default(), Seen::default());
        state.connect(first.slot());
        state.connect(second.slot());
        let (one, other) = (state.clone(), state.clone());
        run.race(move || one.set(), move || other.set());
        first.assert_newest(2);
        second.assert_newest(2);
        run.note_if(first.calls() + second.calls() == 4, "both", "conflated");
    });
}

/// A slot that sets the state it listens to, beside another thread that does.
#[test]
fn a_slot_that_sets_beside_another_set_ends_with_the_last_value() {
    pair("state: set, and set in the slot, vs set", &["ended"], |run| {
        let (state, seen) = (Arc::new(Versions::new(0)), Seen::default());
        let (inner, log) = (Arc::downgrade(&state), seen.slot());
        let set_again = AtomicU32::new(0);
        state.connect(move |version| {
            log(version);
            if set_again.fetch_add(1, Relaxed) == 0 {
                inner.upgrade().expect("whoever sets has it").set();
            }
        });
        let (one, other) = (state.clone(), state.clone());
        run.race(move || one.set(), move || other.set());
        seen.assert_newest(3);
        run.note("ended");
    });
}

/// Somebody comes late while two others set.
#[test]
fn who_comes_late_beside_two_that_set_gets_the_last_value() {
    trio("state: connect vs set vs set", &["one", "several"], |run| {
        let (state, seen) = (Arc::new(Versions::new(1)), Seen::default());
        let (late, one, other, slot) = (state.clone(), state.clone(), state.clone(), seen.slot());
        run.race3(move || late.connect(slot), move || one.set(), move || other.set());
        seen.assert_newest(3);
        run.note_if(seen.calls() == 1, "one", "several");
    });
}
