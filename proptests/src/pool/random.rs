//! How random programs over pools are made.

use super::program::{Action, Fuse, How, Pick, Place, Settings, Step, Using};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::time::Duration;

fn pick() -> BoxedStrategy<Pick> {
    any::<u16>().prop_map(Pick).boxed()
}

fn place() -> BoxedStrategy<Place> {
    prop_oneof![12 => Just(Place::Main), 4 => (0..2_u8).prop_map(Place::Worker), 1 => Just(Place::Fresh)].boxed()
}

fn settings() -> BoxedStrategy<Settings> {
    let max = select(&[1, 1, 2, 3, 5, 40, 100, usize::MAX, usize::MAX][..]);
    let leak_after = option::weighted(0.3, Just(Duration::from_secs(2)));
    let fails = prop_oneof![15 => Just(0), 1 => 1..4_u32];
    (max, prop_oneof![3 => Just(0), 1 => 1..4_usize], prop_oneof![2 => Just(0), 1 => 1..40_usize], leak_after, fails)
        .prop_map(|(max, min, initial, leak_after, fails)| Settings {
            min: min.min(max),
            max,
            initial: initial.min(max),
            leak_after,
            fails,
        })
        .boxed()
}

fn fuse() -> BoxedStrategy<Fuse> {
    select(&[Fuse::Constructor, Fuse::Reset, Fuse::Destructor, Fuse::ResetTakes, Fuse::ResetTakes][..]).boxed()
}

fn time() -> BoxedStrategy<Duration> {
    prop_oneof![Just(500_u64), Just(1_000), Just(3_000), Just(7_000)].prop_map(Duration::from_millis).boxed()
}

/// How many at once: a few, or more than a thread has at hand.
fn count() -> BoxedStrategy<usize> {
    prop_oneof![6 => 1..4_usize, 1 => 30..140_usize].boxed()
}

/// An action without a script. (Boxed: the types of nested strategies take minutes to compile.)
fn simple() -> BoxedStrategy<Action> {
    let how = select(&[How::Get, How::Get, How::Try, How::Try, How::Wait][..]);
    let guards = prop_oneof![
        10 => (pick(), how, place()).prop_map(|(pool, how, place)| Action::Get(pool, how, place)),
        2 => (pick(), count(), place()).prop_map(|(pool, count, place)| Action::GetMany(pool, count, place)),
        8 => (pick(), count(), place()).prop_map(|(guard, count, place)| Action::Drop(guard, count, place)),
        2 => count().prop_map(Action::DropLast),
        1 => pick().prop_map(Action::Detach),
    ]
    .boxed();
    let keys = prop_oneof![
        8 => (pick(), proptest::bool::weighted(0.1), place()).prop_map(|(pool, panics, p)| Action::Insert(pool, panics, p)),
        2 => (pick(), place()).prop_map(|(guard, place)| Action::Keep(guard, place)),
        3 => (pick(), place()).prop_map(|(key, place)| Action::Remove(key, place)),
        3 => (pick(), place()).prop_map(|(key, place)| Action::Release(key, place)),
        1 => (pick(), place()).prop_map(|(pool, place)| Action::ReturnAll(pool, place)),
    ]
    .boxed();
    let sizes = prop_oneof![
        2 => (pick(), place()).prop_map(|(pool, place)| Action::Shrink(pool, place)),
        2 => (pick(), 0..80_usize, place()).prop_map(|(pool, idle, place)| Action::Warm(pool, idle, place)),
        4 => (pick(), place()).prop_map(|(pool, place)| Action::Maintain(pool, place)),
        4 => time().prop_map(Action::Advance),
        1 => (pick(), time()).prop_map(|(pool, age)| Action::Leaks(pool, age)),
    ]
    .boxed();
    let trouble = (pick(), fuse(), 1..5_u32).prop_map(|(pool, fuse, after)| Action::Arm(pool, fuse, after));
    prop_oneof![8 => guards, 6 => keys, 4 => sizes, 2 => trouble].boxed()
}

/// An action that may have scripts, `depth` deep.
fn action(depth: u32) -> BoxedStrategy<Action> {
    if depth == 0 {
        return simple();
    }
    let script = || prop_oneof![2 => Just(Vec::new()), 3 => vec(action(depth - 1), 1..4)].boxed();
    let stranger = option::weighted(0.05, pick());
    let using = (pick(), stranger, any::<bool>(), script(), proptest::bool::weighted(0.15));
    let using = using.prop_map(|(key, stranger, strict, script, panics)| {
        Action::With(Using { key, stranger, strict, script, panics })
    });
    let at = || 0..4_usize;
    prop_oneof![
        12 => simple(),
        4 => using.boxed(),
        1 => (pick(), at(), script()).prop_map(|(pool, at, script)| Action::ForEach(pool, at, script)),
        1 => (pick(), 1..8_u64, at(), script())
            .prop_map(|(pool, mask, at, script)| Action::Retain(pool, mask, at, script)),
    ]
    .boxed()
}

/// A program of up to so many steps, on pools that come and go.
pub fn program(most: usize) -> BoxedStrategy<Vec<Step>> {
    let action = prop_oneof![
        40 => action(2),
        1 => settings().prop_map(Action::NewPool),
        1 => pick().prop_map(Action::CloneHandle),
        1 => (pick(), place()).prop_map(|(pool, place)| Action::DropHandle(pool, place)),
        // What is forgotten, and its pool, are never freed: seldom.
        1 => prop_oneof![9 => pick().prop_map(Action::Detach), 1 => pick().prop_map(Action::Forget)],
    ];
    let step = (action, proptest::bool::weighted(0.5)).prop_map(|(action, look)| Step { action, look }).boxed();
    let first = settings().prop_map(|settings| Step { action: Action::NewPool(settings), look: true });
    (first, vec(step, 1..=most))
        .prop_map(|(first, mut steps)| {
            steps.insert(0, first);
            steps
        })
        .boxed()
}
