//! The pool: a stack of free things with a tagged head, and the directory of all that were made.

use loom_tests::pair;
use pulsebus::model::Nodes;
use std::ptr;

/// A thread that is preempted in the middle of a pop must not succeed when the same thing is back on top of another
/// stack (ABA).
#[test]
fn a_pop_fails_when_the_stack_has_changed_under_it() {
    pair("pool: pop vs pop, pop, push", &["the topmost", "the second", "a new one"], |run| {
        let nodes = Nodes::new();
        let (second, first) = (nodes.take(), nodes.take());
        nodes.put(second);
        nodes.put(first);
        let (one, two) = run.race(
            move || {
                let node = nodes.take();
                node.write(1);
                node
            },
            move || {
                let (back, kept) = (nodes.take(), nodes.take());
                nodes.put(back);
                kept.write(2);
                kept
            },
        );
        let third = nodes.take();
        assert!(!ptr::eq(one, two) && !ptr::eq(one, third) && !ptr::eq(two, third), "two owners of one node");
        assert_eq!((one.read(), two.read()), (1, 2));
        run.note(if ptr::eq(one, first) {
            "the topmost"
        } else if ptr::eq(one, second) {
            "the second"
        } else {
            "a new one"
        });
    });
}

/// Whoever takes a thing has seen everything that was done to it before it was put back.
#[test]
fn a_thing_is_handed_over_whole() {
    pair("pool: put vs take", &["handed over", "made"], |run| {
        let nodes = Nodes::new();
        let node = nodes.take();
        let ((), taken) = run.race(
            move || {
                node.write(1);
                nodes.put(node);
            },
            move || {
                let taken = nodes.take();
                taken.read();
                taken
            },
        );
        run.note_if(ptr::eq(node, taken), "handed over", "made");
    });
}

/// A thing below the topmost one comes with what was done to it, too, through the exchanges of those above it.
#[test]
fn a_thing_is_handed_over_whole_through_other_changes() {
    pair("pool: put, put vs take, take", &["both", "fewer"], |run| {
        let nodes = Nodes::new();
        let (a, b) = (nodes.take(), nodes.take());
        let ((), (one, two)) = run.race(
            move || {
                a.write(1);
                nodes.put(a);
                b.write(1);
                nodes.put(b);
            },
            move || {
                let (one, two) = (nodes.take(), nodes.take());
                (one.read(), two.read())
            },
        );
        run.note_if((one, two) == (1, 1), "both", "fewer");
    });
}

/// Whoever looks at all things finds each of them initialised.
#[test]
fn all_shows_only_what_is_initialised() {
    for made in [0, 1, 4] {
        pair("pool: make vs all", &["shown", "not yet"], move |run| {
            let nodes = Nodes::new();
            // Without any, and with four, the next one is the first of a new segment.
            (0..made).for_each(|_| assert_eq!(nodes.take().read(), 0));
            let (_, shown) = run.race(
                move || nodes.take().read(),
                move || nodes.all().map(|node| node.read()).collect::<Vec<_>>().len(),
            );
            run.note_if(shown > made, "shown", "not yet");
        });
    }
}

/// Two threads that need a new segment agree on one.
#[test]
fn two_new_things_have_two_places() {
    pair("pool: make vs make", &["made"], |run| {
        let nodes = Nodes::new();
        (0..4).for_each(|_| assert_eq!(nodes.take().read(), 0));
        let (one, two) = run.race(
            move || {
                let node = nodes.take();
                nodes.put(node);
                node
            },
            move || nodes.take(),
        );
        let shown = nodes.all().filter(|&node| ptr::eq(node, one) || ptr::eq(node, two)).count();
        assert_eq!(shown, if ptr::eq(one, two) { 1 } else { 2 });
        run.note("made");
    });
}
