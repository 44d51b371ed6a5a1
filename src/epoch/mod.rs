//! Epoch-based reclamation: when may memory that was taken out of a list be used again?
//!
//! The narrow interface: [`pin`] keeps everything that is reachable now from being reused until the guard goes;
//! [`Limbo::retire`] hands over what was taken out; [`Limbo::turn`] returns what nobody can be looking at any more.
//!
//! An epoch is a counter. A pinned thread shows in its [`Record`] which epoch it saw. The counter moves from `g` to
//! `g + 1` only when every pinned thread shows `g`. What was retired while the counter stood at `g` may be reused
//! once it stands at `g + 2`: the first step proves that nobody pinned before `g` is left, the second one that nobody
//! pinned in `g` is, and whoever pinned later started to look after it was out of reach.
//!
//! That last clause is a handshake in Dekker's manner: *pin, then look* here against *take out, then look for pins*
//! there, with a barrier in the middle of each. See [`barrier`].

pub(crate) mod barrier;
mod limbo;
mod local;
mod record;

pub(crate) use limbo::{Limbo, Link, Ready, Turn};
pub(crate) use local::{Draining, Outermost, Pin, is_pinned, pin, pin_outermost};
pub(crate) use record::OldestPin;

use crate::sync::{AtomicPtr, AtomicU64, Ordering, const_unless_loom};
use record::{EPOCH_STEP, Record};
use std::time::Instant;

/// The epoch counter of one domain and the records of the threads that pin it.
pub(crate) struct Epoch {
    /// The counter, in steps of [`EPOCH_STEP`]. Written by the holder of the limbo's lock only.
    global: AtomicU64,
    /// All records ever made for this epoch: a stack that only grows. Records are immortal and change owners.
    records: AtomicPtr<Record>,
}

impl Epoch {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { global: AtomicU64::new(0), records: AtomicPtr::new(std::ptr::null_mut()) }
        }
    }

    /// Moves the counter one step, if every pinned thread has seen its present value. Only for the lock's holder
    /// ([`Limbo`] sees to that).
    fn try_advance(&self) -> bool {
        // Relaxed: only the lock's holder writes it, and the lock orders holders.
        let now = self.global.load(Ordering::Relaxed);
        if self.records().any(|record| record.is_behind(now)) {
            // Not worth a barrier: this pin would still be there after it.
            return false;
        }
        // Partner: the barrier in `Record::show`. If ours is first, a thread whose pin we miss below looks at the
        // lists after everything that was taken out of them before. If theirs is first, we see their pin.
        barrier::heavy();
        if self.records().any(|record| record.is_behind(now)) {
            return false;
        }
        // Release; partner: the Acquire in `Record::show`. A thread that pins in the new epoch has also seen what
        // was taken out before the epoch began. Acquire half: each record was read with Acquire above, so what pinned
        // threads did before they unpinned comes before anything that follows here.
        self.global.store(now.wrapping_add(EPOCH_STEP), Ordering::Release);
        true
    }

    /// Waits until every pin that is held now has gone; `false` if `deadline` came first. The calling thread must not
    /// be pinned. Everything the pinned threads did comes before the return.
    pub(crate) fn wait_for_pins(&self, deadline: Option<Instant>) -> bool {
        // Partner: the barrier in `Record::show`. A pin that is missed below looks at the lists after this point,
        // and finds dead what was ended before it.
        barrier::heavy();
        self.records().all(|record| record.wait_until_moved(deadline))
    }

    /// The pins that are held now, to be asked later whether they have gone.
    #[cfg(all(feature = "async", not(loom)))]
    pub(crate) fn standing_pins(&self) -> StandingPins {
        // Partner: as in `wait_for_pins`.
        barrier::heavy();
        StandingPins(self.records().filter_map(|record| Some((record, record.standing()?))).collect())
    }

    /// The pin that has been seen standing for the longest.
    pub(crate) fn oldest_pin(&self, now: Instant) -> Option<OldestPin> {
        self.records().filter_map(|record| record.observe(now)).max_by_key(|pin| pin.age)
    }

    fn records(&self) -> impl Iterator<Item = &'static Record> {
        // Acquire; partner: the Release that pushed the record. What we read is initialised. A record that is missed
        // belongs to a thread that pins after our barrier (see `try_advance`): its push comes before its pin.
        let first = self.records.load(Ordering::Acquire);
        // SAFETY: records are immortal and were initialised before the push.
        std::iter::successors(unsafe { first.as_ref() }, |record| record.next())
    }

    /// A record for the calling thread: one whose owner has gone, or a new one.
    fn acquire_record(&'static self) -> &'static Record {
        if let Some(record) = self.records().find(|record| record.try_own()) {
            return record;
        }
        let record = Record::new_owned(self);
        let mut head = self.records.load(Ordering::Relaxed);
        loop {
            record.set_next(head);
            // Release; partner: the Acquire in `records`: whoever finds the record finds it initialised.
            match self.records.compare_exchange_weak(
                head,
                std::ptr::from_ref(record).cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return record,
                Err(found) => head = found,
            }
        }
    }
}

/// Pins that were held at some time.
#[cfg(all(feature = "async", not(loom)))]
pub(crate) struct StandingPins(Vec<(&'static Record, record::Standing)>);

#[cfg(all(feature = "async", not(loom)))]
impl StandingPins {
    /// Have all of them gone? Then everything that the pinned threads did comes before the return.
    pub(crate) fn have_gone(&mut self) -> bool {
        self.0.retain(|(record, standing)| !record.has_moved_since(standing));
        self.0.is_empty()
    }
}
