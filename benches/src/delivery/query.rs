//! A query's fold, beside a loop over boxed closures.

use std::hint::black_box;

use pulsebus::Query;

use crate::scenario::{Contestant, timed};

/// A slot that answers.
fn slot(number: u64) -> impl Fn(&u64) -> u64 + Copy + Send + Sync + 'static {
    move |argument| argument.wrapping_add(number)
}

pub(super) fn contestants(slots: usize) -> Vec<Contestant> {
    type Slots = Vec<Box<dyn Fn(&u64) -> u64 + Send + Sync>>;
    let query = Query::<u64, u64>::new();
    let mut boxed = Slots::new();
    for number in 0..slots as u64 {
        query.connect(slot(number));
        boxed.push(Box::new(slot(number)));
    }
    let ours = move |argument: &u64| query.fold(argument, 0, u64::wrapping_add);
    let plain = move |argument: &u64| boxed.iter().fold(0, |sum: u64, slot| sum.wrapping_add(slot(argument)));
    assert_eq!(ours(&7), plain(&7), "the same answers");
    vec![
        Contestant::new("pulsebus", move |iterations| timed(iterations, || _ = black_box(ours(black_box(&7))))),
        Contestant::new("Vec<Box<dyn Fn>>", move |iterations| {
            timed(iterations, || _ = black_box(plain(black_box(&7))))
        }),
    ]
}
