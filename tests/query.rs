//! Queries: slots that answer, and what is made of their answers.

mod common;

use common::{Counter, Log, Tally, collect_all, holding};
use pulsebus::{Combiner, Connection, Domain, PanicPolicy, Priority, Query};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// A query whose slots answer `numbers`, and count how often they are asked.
fn answering(numbers: &[u32]) -> (Query<u32, u32>, Counter) {
    let (query, asked) = (Query::new(), Counter::new());
    for &number in numbers {
        let asked = asked.clone();
        query.connect(move |argument| {
            asked.add(1);
            number + argument
        });
    }
    (query, asked)
}

#[test]
fn first_asks_one_slot_and_last_asks_all() {
    let (query, asked) = answering(&[1, 2, 3]);
    assert_eq!((query.first(&10), asked.take()), (Some(11), 1));
    assert_eq!((query.last(&10), asked.take()), (Some(13), 3));
}

#[test]
fn nobody_answers_a_query_without_slots() {
    let query = Query::<u32, bool>::new();
    assert_eq!((query.first(&1), query.last(&1), query.any(&1), query.all(&1)), (None, None, false, true));
    assert_eq!((query.fold(&1, 7, |sum, _| sum + 1), query.collect_into(&1, &mut Vec::new())), (7, 0));
    assert!(!query.for_each(&1, |_| ControlFlow::Break(())));
}

#[test]
fn any_stops_at_the_first_yes_and_all_at_the_first_no() {
    for (yes_at, any_asks, all_asks) in [(None, 40, 1), (Some(0), 1, 2), (Some(2), 3, 1), (Some(39), 40, 1)] {
        let (query, asked) = (Query::<(), bool>::new(), Counter::new());
        for index in 0..40 {
            let asked = asked.clone();
            query.connect(move |()| {
                asked.add(1);
                yes_at == Some(index)
            });
        }
        assert_eq!((query.any(&()), asked.take()), (yes_at.is_some(), any_asks));
        assert_eq!((query.all(&()), asked.take()), (false, all_asks));
    }
}

#[test]
fn fold_and_collect_take_the_answers_in_the_order_of_the_slots() {
    let numbers: Vec<u32> = (0..100).collect();
    let (query, asked) = answering(&numbers);
    let folded = query.fold(&5, String::new(), |text, answer| format!("{text} {answer}"));
    let expected: Vec<u32> = numbers.iter().map(|number| number + 5).collect();
    assert_eq!(folded, expected.iter().fold(String::new(), |text, answer| format!("{text} {answer}")));
    let mut answers = vec![1];
    assert_eq!(query.collect_into(&5, &mut answers), 100);
    assert_eq!((answers[0], &answers[1..], asked.get()), (1, &expected[..], 200));
}

#[test]
fn a_combiner_that_has_enough_has_no_further_slot_called() {
    struct Enough(Vec<u32>, usize);
    impl Combiner<u32> for Enough {
        type Output = Vec<u32>;

        fn take(&mut self, answer: u32) -> ControlFlow<()> {
            self.0.push(answer);
            if self.0.len() == self.1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }

        fn finish(self) -> Vec<u32> {
            self.0
        }
    }
    let (query, asked) = answering(&(0..70).collect::<Vec<_>>());
    for enough in [1, 31, 32, 33, 64, 65, 70] {
        assert_eq!(query.ask(&0, Enough(Vec::new(), enough)), (0..enough as u32).collect::<Vec<_>>());
        assert_eq!(asked.take(), enough, "exactly as many as it took");
    }
}

#[test]
fn priorities_decide_who_is_asked_first() {
    let query = Query::<(), u32>::new();
    query.connect(|()| 2);
    query.connect_at(Priority::AFTER, |()| 3);
    query.connect_at(Priority::BEFORE, |()| 1);
    query.connect(|()| 2);
    let mut answers = Vec::new();
    query.collect_into(&(), &mut answers);
    assert_eq!(answers, [1, 2, 2, 3]);
    // Lazy across priorities as well.
    assert_eq!(query.first(&()), Some(1));
    assert!(query.for_each(&(), |answer| if answer == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }));
}

#[test]
fn a_slot_that_panics_gives_no_answer_and_the_others_are_asked() {
    let query = Query::<u32, u32>::new();
    query.connect(|n| *n);
    let bad = query.connect(|n| if *n == 7 { panic!("seven") } else { n + 1 });
    query.connect(|n| n + 2);
    assert_eq!(query.fold(&7, 0, |sum, n| sum + n), 7 + 9);
    assert_eq!(bad.panics(), Some(1));
    assert_eq!(query.fold(&1, 0, |sum, n| sum + n), 1 + 2 + 3);
    query.on_panic(PanicPolicy::DisconnectAfter(2));
    assert_eq!((query.last(&7), bad.is_connected(), query.len()), (Some(9), false, 2));
    query.on_panic(PanicPolicy::Propagate);
    query.connect(|_| panic!("propagated"));
    let asked = Counter::new();
    let counted = asked.clone();
    query.connect(move |n| {
        counted.add(1);
        *n
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| query.last(&1)));
    assert_eq!((outcome.unwrap_err().downcast_ref(), asked.get()), (Some(&"propagated"), 1));
}

#[test]
fn a_combiner_that_panics_ends_the_question_and_blames_no_slot() {
    for priority in [Priority::DEFAULT, Priority::BEFORE] {
        let (domain, asked) = (Domain::new(), Counter::new());
        let query = Query::<u32, u32>::new_in(&domain);
        let connections: Vec<_> = (0..3)
            .map(|_| {
                let asked = asked.clone();
                query.connect_at(priority, move |n| {
                    asked.add(1);
                    assert!(*n != 9, "a slot's own");
                    *n
                })
            })
            .collect();
        let outcome = catch_unwind(AssertUnwindSafe(|| query.fold(&1, 0, |_, _| panic!("the combiner's"))));
        assert_eq!((outcome.unwrap_err().downcast_ref(), asked.take()), (Some(&"the combiner's"), 1));
        assert!(connections.iter().all(|connection| connection.panics() == Some(0)));
        // Nothing stays pinned, and the next question is asked as ever.
        assert_eq!((query.fold(&1, 0, |sum, n| sum + n), asked.take()), (3, 3));
        assert_eq!(domain.statistics().slot_panics, 0);
        // After a slot's panic, too.
        let mut answers = 0;
        query.connect_at(priority, |_| 5);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            query.for_each(&9, |_| {
                answers += 1;
                panic!("the combiner's")
            })
        }));
        assert_eq!((outcome.unwrap_err().downcast_ref(), answers), (Some(&"the combiner's"), 1));
        assert_eq!(connections.iter().map(|connection| connection.panics()).collect::<Vec<_>>(), [Some(1); 3]);
    }
}

/// Panics when it is dropped: as the payload of a panic, too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a payload that panics");
    }
}

#[test]
fn a_combiner_that_panics_after_a_slot_has_does_not_end_the_process() {
    for priority in [Priority::DEFAULT, Priority::BEFORE] {
        let query = Query::<(), u32>::new();
        query.on_panic(PanicPolicy::Propagate);
        query.connect_at(priority, |()| std::panic::panic_any(Bomb));
        query.connect(|()| 1);
        let panic =
            catch_unwind(AssertUnwindSafe(|| query.fold(&(), 0, |_, _: u32| -> u32 { panic!("the combiner's") })));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the combiner's"));
    }
}

#[test]
fn answers_are_dropped_once_whatever_becomes_of_them() {
    let (query, tally) = (Query::<u32, common::Guard>::new(), Tally::new());
    for index in 0..5 {
        let tally = tally.clone();
        query.connect(move |n| {
            let guard = tally.guard();
            assert!(*n != index, "this one panics with its answer in hand");
            guard
        });
    }
    assert!(query.first(&9).is_some());
    assert!(query.last(&9).is_some());
    drop(catch_unwind(AssertUnwindSafe(|| query.fold(&2, (), |(), _| panic!("with the answers")))));
    let mut answers = Vec::new();
    assert_eq!(query.collect_into(&3, &mut answers), 4);
    drop(answers);
    tally.assert_all_dropped();
    assert_eq!(tally.made(), 1 + 5 + 1 + 5);
}

#[test]
fn a_slot_may_ask_connect_and_disconnect() {
    let query = Arc::new(Query::<u32, u32>::new());
    let (inner, log) = (Arc::downgrade(&query), Log::new());
    let own = Arc::new(Mutex::new(None::<Connection>));
    let (theirs, calls) = (Arc::clone(&own), log.clone());
    *own.lock().unwrap() = Some(query.connect(move |n| {
        calls.push(*n);
        let query = inner.upgrade().expect("it is being asked");
        if *n < 3 {
            query.connect(|n| n * 100);
            return query.fold(&(n + 1), 0, |sum, answer| sum + answer);
        }
        theirs.lock().unwrap().expect("connected").disconnect();
        *n
    }));
    // One slot in the first, which has connected another one before it asks, and so on: a question sees a cut.
    assert_eq!(query.fold(&1, 0, |sum, answer| sum + answer), 3 + 300 + 300 + 200);
    assert_eq!((log.take(), query.len()), (vec![1, 2, 3], 2));
    query.connect(|n| *n);
    let other = Query::<u32, u32>::new();
    other.connect(|n| n + 1);
    assert_eq!(
        query.fold(&1, 0, |sum, answer| sum + other.first(&answer).unwrap()),
        101 + 101 + 2,
        "in a combiner, too"
    );
}

#[test]
fn what_its_slots_captured_is_dropped_with_the_query() {
    let (domain, tally) = (Domain::new(), Tally::new());
    let query = Query::<u32, ()>::new_in(&domain);
    for priority in [0, 5, -5] {
        query.connect_at(priority, holding(tally.guard()));
    }
    query.connect(holding(tally.guard())).disconnect();
    assert_eq!((query.len(), query.disconnect_all(), query.is_empty()), (3, 3, true));
    query.connect(holding(tally.guard()));
    drop(query);
    collect_all(&domain);
    tally.assert_all_dropped();
}

#[test]
fn arguments_may_borrow_and_answers_need_not_be_sent() {
    let text = String::from("lent");
    let query = Query::<&str, std::rc::Rc<str>>::new();
    query.connect(|text| text.to_uppercase().into());
    assert_eq!(query.first(&text.as_str()).as_deref(), Some("LENT"));
}
