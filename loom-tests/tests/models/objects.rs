//! Pools of objects: a thread's magazine beside those who gather, the depot, and what keys stand for.

use loom_tests::{pair, trio};
use pulsebus::model::{Cells, Shelf, Thing, Used};

/// The owner takes an object while another thread gathers: it is the one's or the other's.
#[test]
fn an_object_is_popped_or_gathered() {
    pair("magazine: pop vs gather", &["popped", "gathered"], |run| {
        let thing = Thing::new();
        let shelf = Shelf::new(&[thing]);
        let (popped, gathered) = run.race(
            move || {
                let popped = shelf.pop();
                popped.inspect(|thing| thing.write(1));
                popped.is_some()
            },
            move || {
                let gathered = shelf.gather();
                shelf.take().iter().for_each(|thing| thing.write(2));
                gathered == 1
            },
        );
        assert_ne!(popped, gathered, "one object, one owner");
        run.note_if(popped, "popped", "gathered");
    });
}

/// What the owner puts back is seen whole by who gathers it; refused by the claim, it is still the owner's.
#[test]
fn an_object_is_pushed_and_gathered_whole() {
    pair("magazine: push vs gather", &["gathered", "pushed", "refused"], |run| {
        let thing = Thing::new();
        let shelf = Shelf::new(&[]);
        let (pushed, gathered) = run.race(
            move || {
                thing.write(1);
                let pushed = shelf.push(thing);
                if !pushed {
                    thing.write(3);
                }
                pushed
            },
            move || {
                shelf.gather();
                let gathered = shelf.take();
                gathered.iter().for_each(|thing| assert_eq!(thing.read(), 1));
                gathered.len()
            },
        );
        assert!(pushed || gathered == 0, "gathered, and the owner's");
        run.note(match (pushed, gathered) {
            (_, 1) => "gathered",
            (true, _) => "pushed",
            (false, _) => "refused",
        });
        assert_eq!(shelf.pop().is_some(), pushed && gathered == 0, "it is where it was put");
    });
}

/// After a claim is over the owner finds what it left: nothing of what was gathered, and room for something else.
#[test]
fn the_owner_goes_on_after_a_claim() {
    pair("magazine: pop, push vs gather", &["before", "after", "refused"], |run| {
        let (first, second) = (Thing::new(), Thing::new());
        let shelf = Shelf::new(&[first]);
        let ((popped, pushed), gathered) = run.race(
            move || {
                let popped = shelf.pop().is_some();
                second.write(1);
                (popped, shelf.push(second))
            },
            move || shelf.gather(),
        );
        let mut left = shelf.take();
        left.iter().for_each(|thing| thing.write(4));
        assert_eq!(left.len(), gathered);
        left.extend(std::iter::from_fn(|| shelf.pop()));
        assert_eq!(
            left.len() + usize::from(popped),
            1 + usize::from(pushed),
            "nothing is lost, and nothing is there twice"
        );
        run.note(if !pushed {
            "refused"
        } else if popped {
            "before"
        } else {
            "after"
        });
    });
}

/// Half of a magazine goes to the depot while another thread gathers the rest and takes from the depot.
#[test]
fn spilling_and_gathering_lose_nothing() {
    pair("magazine: spill, pop vs gather, take", &["spilled", "gathered"], |run| {
        let things = [Thing::new(), Thing::new(), Thing::new()];
        let shelf = Shelf::new(&things);
        let ((spilled, popped), taken) = run.race(
            move || {
                let spilled = shelf.spill();
                let popped = shelf.pop();
                popped.inspect(|thing| thing.write(1));
                (spilled, usize::from(popped.is_some()))
            },
            move || {
                shelf.gather();
                let taken = shelf.take();
                taken.iter().for_each(|thing| thing.write(2));
                taken.len()
            },
        );
        let rest = std::iter::repeat_with(|| shelf.take()).take_while(|round| !round.is_empty()).flatten().count()
            + std::iter::from_fn(|| shelf.pop()).count();
        assert_eq!(popped + taken + rest, things.len());
        run.note_if(spilled > 0, "spilled", "gathered");
    });
}

/// A magazine is filled while it is claimed, or before: all of it arrives, or nothing.
#[test]
fn filling_beside_a_claim_is_all_or_nothing() {
    pair("magazine: fill vs gather", &["gathered", "filled", "refused"], |run| {
        let things = [Thing::new(), Thing::new()];
        let shelf = Shelf::new(&[]);
        let (filled, gathered) = run.race(
            move || {
                things.iter().for_each(|thing| thing.write(1));
                shelf.fill(&things)
            },
            move || {
                shelf.gather();
                let taken = shelf.take();
                taken.iter().for_each(|thing| assert_eq!(thing.read(), 1));
                taken.len()
            },
        );
        assert!(gathered == 0 || (filled && gathered == 2), "half of it");
        run.note(match (filled, gathered) {
            (true, 2) => "gathered",
            (true, _) => "filled",
            (false, _) => "refused",
        });
    });
}

/// A round goes through the depot whole, to one of two who want it.
#[test]
fn a_round_goes_to_one_of_two() {
    trio("depot: give vs take vs take", &["first", "second", "neither"], |run| {
        let things = [Thing::new(), Thing::new()];
        let shelf = Shelf::new(&things);
        let take = move || {
            let taken = shelf.take();
            taken.iter().for_each(|thing| thing.write(2));
            taken.len()
        };
        let (given, first, second) = run.race3(
            move || {
                things.iter().for_each(|thing| thing.write(1));
                shelf.spill()
            },
            take,
            take,
        );
        assert_eq!(given, 2);
        assert!(first == 0 || second == 0, "one round, two owners");
        run.note(match (first, second) {
            (0, 0) => "neither",
            (_, 0) => "first",
            _ => "second",
        });
    });
}

/// Two users of one key take turns: the object is the one's, then the other's.
#[test]
fn users_of_a_key_take_turns() {
    pair("cell: use vs use", &["both"], |run| {
        let cells = Cells::new();
        let thing = Thing::new();
        let key = cells.insert(thing);
        let add = |thing: &'static Thing| thing.write(thing.read() + 1);
        let (one, two) = run.race(move || cells.with(key, 1, add), move || cells.with(key, 2, add));
        assert_eq!((one, two, thing.read()), (Used::Kept, Used::Kept, 2));
        run.note("both");
    });
}

/// An object is taken back while somebody is using it, or before, or after: one of the two returns it.
#[test]
fn an_object_in_use_is_returned_once() {
    pair("cell: use vs remove", &["before", "by its user", "after"], |run| {
        let cells = Cells::new();
        let thing = Thing::new();
        thing.write(7);
        let key = cells.insert(thing);
        let (used, removed) = run.race(
            move || cells.with(key, 1, |thing| thing.write(1)),
            move || {
                let removed = cells.remove(key).expect("nobody else removes it");
                removed.inspect(|thing| thing.write(2)).is_some()
            },
        );
        run.note(match (used, removed) {
            (Used::Stale, true) => "before",
            (Used::Returned, false) => "by its user",
            (Used::Kept, true) => "after",
            other => panic!("{other:?}: nobody returned it, or both"),
        });
        assert!(cells.remove(key).is_none(), "the key is stale");
        thing.write(3);
    });
}

/// Of two who take an object back one gets it; a stale key does not find the cell's next object.
#[test]
fn an_object_is_removed_once_and_a_stale_key_finds_no_other() {
    pair("cell: remove, insert vs remove, use", &["first", "second"], |run| {
        let cells = Cells::new();
        let (thing, next) = (Thing::new(), Thing::new());
        let key = cells.insert(thing);
        let (one, two) = run.race(
            move || {
                let removed = cells.remove(key).is_some();
                next.write(1);
                let other = cells.insert(next);
                (removed, other)
            },
            move || {
                let removed = cells.remove(key).is_some();
                assert_eq!(cells.with(key, 2, |thing| thing.write(9)), Used::Stale);
                removed
            },
        );
        let ((first, other), second) = (one, two);
        assert_ne!(first, second, "one object, one owner");
        assert_eq!(cells.with(other, 3, |thing| assert_eq!(thing.read(), 1)), Used::Kept);
        run.note_if(first, "first", "second");
    });
}

/// A key that is handed to another thread finds the object as it was inserted.
#[test]
fn a_key_finds_what_was_inserted() {
    pair("cell: insert vs use by number", &["found", "not yet"], |run| {
        let cells = Cells::new();
        let (thing, next) = (Thing::new(), Thing::new());
        let key = cells.insert(thing);
        // The next generation's key, before there is one: as `all` would guess it.
        let guess = key.next();
        let ((), used) = run.race(
            move || {
                cells.remove(key).expect("nobody else does").expect("nobody uses it");
                next.write(5);
                cells.insert(next);
            },
            move || cells.with(guess, 2, |thing| assert_eq!(thing.read(), 5)),
        );
        run.note_if(used == Used::Kept, "found", "not yet");
    });
}
