//! Our epoch's pin beside the one of crossbeam-epoch, which it replaces.

use std::hint::black_box;

use super::{Contestant, timed};

pub(super) fn contestants() -> Vec<Contestant> {
    vec![
        Contestant::new("pulsebus", |iterations| timed(iterations, || pulsebus::tick(|tick| _ = black_box(tick)))),
        Contestant::new("crossbeam-epoch", |iterations| {
            timed(iterations, || {
                black_box(crossbeam_epoch::pin());
            })
        }),
    ]
}
