//! Running one model: all its interleavings, in every assignment of roles to threads.

use crate::payload::{Payload, Watch};
use pulsebus::Signal;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A model of one thread, of which every execution is the same: for what only the memory model can break.
pub fn solo(name: &str, outcomes: &'static [&'static str], f: impl Fn(&Run) + Send + Sync + 'static) {
    explore(name, 1, 1, 1, outcomes, f);
}

/// A model of two roles. `f` is explored twice, with the roles on either thread.
///
/// It fails unless each of the `outcomes` is [noted](Run::note) at least once, and nothing else.
pub fn pair(name: &str, outcomes: &'static [&'static str], f: impl Fn(&Run) + Send + Sync + 'static) {
    explore(name, 2, 1, 5, outcomes, f);
}

/// A model of three roles. `f` is explored three times, so that each role has each thread once.
pub fn trio(name: &str, outcomes: &'static [&'static str], f: impl Fn(&Run) + Send + Sync + 'static) {
    explore(name, 3, 0, 100, outcomes, f);
}

/// A [`pair`] of roles that are so long that it would not end: with one preemption less.
pub fn long_pair(name: &str, outcomes: &'static [&'static str], f: impl Fn(&Run) + Send + Sync + 'static) {
    explore(name, 2, 0, 5, outcomes, f);
}

/// A [`trio`] of roles that are so long that it would not end: with one preemption less.
pub fn long_trio(name: &str, outcomes: &'static [&'static str], f: impl Fn(&Run) + Send + Sync + 'static) {
    explore(name, 3, -1, 100, outcomes, f);
}

/// Explores `f` once for each rotation of its roles, `least` executions at the least in all; with so many preemptions `more` than what
/// loom's variable says, or two.
fn explore(
    name: &str,
    rotations: usize,
    more: isize,
    least: usize,
    outcomes: &'static [&'static str],
    f: impl Fn(&Run) + Send + Sync + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = builder.max_branches.max(10_000);
    // Without a bound the larger models never end. Two threads are cheaper than three: they can afford one more.
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(2).saturating_add_signed(more));
    let f = Arc::new(f);
    let mut seen = BTreeMap::<&str, usize>::new();
    let mut total = 0;
    for rotation in 0..rotations {
        let tally = Arc::new(Mutex::new((0usize, BTreeMap::<&str, usize>::new())));
        let begin = Instant::now();
        let (f, counted) = (f.clone(), tally.clone());
        pulsebus::model::check(&builder, move || {
            let run = Run {
                rotation,
                rotations,
                outcomes,
                watches: Rc::default(),
                notes: Rc::default(),
                bells: Rc::default(),
            };
            f(&run);
            run.end();
            let mut tally = counted.lock().expect("executions do not panic while counting");
            tally.0 += 1;
            for outcome in run.notes.borrow().iter() {
                *tally.1.entry(outcome).or_default() += 1;
            }
        });
        let tally = tally.lock().expect("executions do not panic while counting");
        let (executions, notes) = &*tally;
        println!(
            "{name} [{}/{rotations}]: {executions} executions in {:.2} s, {notes:?}",
            rotation + 1,
            begin.elapsed().as_secs_f64()
        );
        total += *executions;
        for (outcome, count) in notes {
            *seen.entry(outcome).or_default() += count;
        }
    }
    assert!(total >= least, "{name}: only {total} executions, {least} expected at least");
    for outcome in outcomes {
        assert!(seen.contains_key(outcome), "{name}: no execution came to \"{outcome}\": {seen:?}");
    }
}

/// One execution of a model.
pub struct Run {
    rotation: usize,
    rotations: usize,
    outcomes: &'static [&'static str],
    watches: Rc<RefCell<Vec<Watch>>>,
    notes: Rc<RefCell<Vec<&'static str>>>,
    bells: Rc<RefCell<Vec<Bell>>>,
}

/// The signal of most models. A plain `Arc`: it orders nothing that the model should see.
pub type Bell = Arc<Signal<()>>;

impl Run {
    /// A signal of the global domain, which ends when all threads have ended.
    pub fn bell(&self) -> Bell {
        let bell = Arc::new(Signal::new());
        // Else the thread that lets go last would end it, beside the emissions of the others.
        self.bells.borrow_mut().push(bell.clone());
        bell
    }

    /// Something for a slot to capture, and a look at what becomes of it. It must have been dropped when the execution
    /// is over.
    pub fn payload(&self) -> (Payload, Watch) {
        let (payload, watch) = Payload::new();
        self.watches.borrow_mut().push(watch.clone());
        (payload, watch)
    }

    /// Notes what this execution came to.
    pub fn note(&self, outcome: &'static str) {
        assert!(self.outcomes.contains(&outcome), "\"{outcome}\" is not among the model's outcomes");
        self.notes.borrow_mut().push(outcome);
    }

    /// Notes one of two outcomes.
    pub fn note_if(&self, condition: bool, then: &'static str, otherwise: &'static str) {
        self.note(if condition { then } else { otherwise });
    }

    /// Runs two roles against each other, one of them on this thread; returns when both are done.
    pub fn race<A: 'static, B: 'static>(
        &self,
        a: impl FnOnce() -> A + 'static,
        b: impl FnOnce() -> B + 'static,
    ) -> (A, B) {
        assert_eq!(self.rotations, 2, "a model of two roles is a `pair`");
        if self.rotation == 0 {
            let b = loom::thread::spawn(b);
            (a(), join(b))
        } else {
            let a = loom::thread::spawn(a);
            let b = b();
            (join(a), b)
        }
    }

    /// Runs three roles against each other, one of them on this thread; returns when all are done.
    pub fn race3<A: 'static, B: 'static, C: 'static>(
        &self,
        a: impl FnOnce() -> A + 'static,
        b: impl FnOnce() -> B + 'static,
        c: impl FnOnce() -> C + 'static,
    ) -> (A, B, C) {
        assert_eq!(self.rotations, 3, "a model of three roles is a `trio`");
        match self.rotation {
            0 => {
                let (b, c) = (loom::thread::spawn(b), loom::thread::spawn(c));
                (a(), join(b), join(c))
            }
            1 => {
                let (c, a) = (loom::thread::spawn(c), loom::thread::spawn(a));
                let b = b();
                (join(a), b, join(c))
            }
            _ => {
                let (a, b) = (loom::thread::spawn(a), loom::thread::spawn(b));
                let c = c();
                (join(a), join(b), c)
            }
        }
    }

    /// Nothing is in flight any more: a collection is complete, and what slots captured has been dropped, once.
    fn end(&self) {
        self.bells.borrow_mut().clear();
        let collected = pulsebus::collect();
        assert!(collected.complete, "nothing was in flight: {collected:?}");
        for watch in self.watches.borrow().iter() {
            assert_eq!(watch.drops(), 1, "what a slot captured is dropped exactly once");
        }
    }
}

fn join<T>(thread: loom::thread::JoinHandle<T>) -> T {
    thread.join().expect("a panic ends the exploration")
}
