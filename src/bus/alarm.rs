//! What wakes the maintenance threads.

use crate::sync::lock;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Wakes those who sleep: for a timer that is due earlier, or for the end of the thread or of the bus.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// How often it has rung.
    rung: Mutex<u64>,
    ring: Condvar,
}

impl Alarm {
    /// How often it has rung: to be asked before looking at what one would be woken for.
    pub(crate) fn rung(&self) -> u64 {
        *self.lock()
    }

    pub(crate) fn ring(&self) {
        *self.lock() += 1;
        self.ring.notify_all();
    }

    /// Sleeps for so long; not if it has rung since.
    pub(crate) fn sleep(&self, rung: u64, time: Duration) {
        let guard = self.lock();
        drop(self.ring.wait_timeout_while(guard, time, |now| *now == rung).unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        lock(&self.rung)
    }
}
