//! Alerts on their way: at most one thread delivers, and nobody waits for it.

use super::Callback;
use super::alert::Alert;
use crate::domain::Domain;
use crate::panics::{drop_quietly, isolated};
use crate::signal::Signal;
use crate::sync::lock;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{AcqRel, Relaxed, Release},
};

/// So many wait at most.
const ROOM: usize = 256;

pub(super) struct Outbox {
    waiting: Mutex<VecDeque<Alert>>,
    /// Does a thread deliver?
    delivering: AtomicBool,
    signal: Signal<Alert>,
    /// Of the signal alone: a slot that blocks holds up no other domain.
    domain: Domain,
    callbacks: Vec<Callback>,
    dropped: AtomicU64,
    panics: AtomicU64,
}

impl Outbox {
    pub(super) fn new(callbacks: Vec<Callback>) -> Self {
        let domain = Domain::new();
        Self {
            waiting: Mutex::default(),
            delivering: AtomicBool::new(false),
            signal: Signal::new_in(&domain),
            domain,
            callbacks,
            dropped: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    pub(super) fn signal(&self) -> &Signal<Alert> {
        &self.signal
    }

    /// Where the slots of the signal are reclaimed.
    pub(super) fn domain(&self) -> &Domain {
        &self.domain
    }

    pub(super) fn put(&self, alert: Alert) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= ROOM {
            waiting.pop_front();
            self.dropped.fetch_add(1, Relaxed);
        }
        waiting.push_back(alert);
    }

    /// Delivers what waits, unless another thread is at it, or this one further up its stack: then that one does.
    pub(super) fn deliver(&self) {
        while !lock(&self.waiting).is_empty() {
            // Acquire and Release: one deliverer after another.
            if self.delivering.swap(true, AcqRel) {
                return;
            }
            while let Some(alert) = self.take() {
                self.tell(&alert);
            }
            self.delivering.store(false, Release);
            // What was put meanwhile, by a thread that found us delivering, is ours: the look under the lock finds it.
        }
    }

    fn take(&self) -> Option<Alert> {
        lock(&self.waiting).pop_front()
    }

    /// Foreign code: no lock is held.
    fn tell(&self, alert: &Alert) {
        self.guarded(|| super::log::alert(alert));
        // Its slots are guarded by it, unless its panic policy was changed.
        self.guarded(|| {
            self.signal.emit(alert);
        });
        for callback in &self.callbacks {
            self.guarded(|| callback(alert));
        }
    }

    fn guarded(&self, f: impl FnOnce()) {
        if isolated(f).is_err() {
            self.panics.fetch_add(1, Relaxed);
        }
    }

    /// Alerts that were never told, because there were too many; and callbacks that panicked.
    pub(super) fn failures(&self) -> (u64, u64) {
        (self.dropped.load(Relaxed), self.panics.load(Relaxed))
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        for callback in self.callbacks.drain(..) {
            let _ = drop_quietly(callback);
        }
    }
}
