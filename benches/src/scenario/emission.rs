//! Emissions on one thread, the list left alone.

use std::hint::black_box;

use super::{BATCH, Contestant, Scenario, check, timed};
use crate::event::{Event, Sums};
use crate::peer::Emitter;

pub(super) fn enter<P: Emitter>(scenario: Scenario) -> Option<Contestant> {
    match scenario {
        Scenario::Emit { slots } if slots <= P::LARGEST => Some(emit::<P>(slots)),
        Scenario::EmitInTick { slots } => Some(emit_in_tick::<P>(slots)),
        Scenario::Batch { slots } => Some(batch::<P>(slots)),
        _ => None,
    }
}

fn emit<P: Emitter>(slots: usize) -> Contestant {
    let mut peer = P::with_slots(slots);
    let event = check(&mut peer, slots);
    Contestant::new(P::NAME, move |iterations| timed(iterations, || peer.emit(black_box(&event))))
}

fn emit_in_tick<P: Emitter>(slots: usize) -> Contestant {
    let mut peer = P::with_slots(slots);
    let event = check(&mut peer, slots);
    Contestant::new(P::NAME, move |iterations| timed(iterations, || peer.emit_in_tick(black_box(&event), BATCH)))
}

pub(super) fn batch<P: Emitter>(slots: usize) -> Contestant {
    let mut peer = P::with_slots(slots);
    check(&mut peer, slots);
    let sums = Sums::leaked();
    let events: [Event; BATCH] = sums.batch();
    peer.emit_batch(black_box(&events));
    assert_eq!(sums.total(), (BATCH * slots) as u64, "{}: {BATCH} events at {slots} slots", P::NAME);
    Contestant::new(P::NAME, move |iterations| timed(iterations, || peer.emit_batch(black_box(&events))))
}
