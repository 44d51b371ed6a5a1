//! Who waits for an object, and what has to be done differently meanwhile.

use super::{Got, Magazines, Stock};
use crate::objects::node::Header;
use crate::sync::lock;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

impl Stock {
    /// An object, waiting for one until `deadline`.
    pub(in crate::objects) fn wait(&self, deadline: Option<Instant>) -> Option<Got> {
        self.note_exhausted();
        let mut magazines = lock(&self.magazines);
        self.hold(&mut magazines);
        let got = loop {
            // Under the lock: who puts something in after this look rings when we sleep. And the others have looked.
            if let Some(node) = self.take_one() {
                break Some(Got::Node(node));
            }
            if self.reserve() {
                break Some(Got::Permit);
            }
            magazines = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => break None,
                Some(left) => {
                    self.back.wait_timeout(magazines, left).map_or_else(|poison| poison.into_inner().0, |woken| woken.0)
                }
                None => self.back.wait(magazines).unwrap_or_else(PoisonError::into_inner),
            };
        };
        drop(magazines);
        self.release();
        got
    }

    /// One object of the depot, for who has the lock: it rings for nobody.
    fn take_one(&self) -> Option<NonNull<Header>> {
        if self.depot.idle() == 0 {
            return None;
        }
        let _transit = self.transit();
        let (node, others, count) = self.take_round()?;
        self.depot.give(&others[..count]);
        Some(node)
    }

    /// Wakes those who wait, if there are: an object may be had now.
    pub(super) fn tell_waiting(&self) {
        // Partner: the barrier in `hold`. If ours is first, who waits finds the objects; if theirs is, we see that they wait.
        fence(Ordering::SeqCst);
        if self.held.load(Ordering::Relaxed) > 0 {
            self.ring();
        }
    }

    /// Wakes those who wait. Under the lock, so that nobody is between looking and sleeping.
    #[cold]
    fn ring(&self) {
        let _magazines = lock(&self.magazines);
        self.back.notify_all();
    }

    /// From now on nothing is at hand for any thread, until this is [released](Self::release) as often: objects go
    /// through the depot, where each one that returns is noticed.
    pub(super) fn hold(&self, magazines: &mut MutexGuard<'_, Magazines>) {
        self.gather_and(magazines, true);
        magazines.holds += 1;
        self.held.store(magazines.holds, Ordering::Relaxed);
        // Partner: the fence in `tell_waiting`.
        fence(Ordering::SeqCst);
    }

    pub(super) fn release(&self) {
        let mut magazines = lock(&self.magazines);
        magazines.holds -= 1;
        self.held.store(magazines.holds, Ordering::Relaxed);
        if magazines.holds == 0 {
            // Claimed since `hold`, or since they were made.
            magazines.list.iter().for_each(|magazine| magazine.let_in());
        }
    }
}
