//! The user's own figures.

use super::error::MonitorError;
use super::series::{RESERVED, is_name};
use crate::bus::Name;
use crate::panics::{drop_quietly, isolated};
use crate::sync::lock;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex};

/// So many gauges there may be.
pub(super) const MOST: usize = 128;

/// What a gauge of the user's showed.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Reading {
    /// The name of the gauge.
    pub name: Name,
    /// What it showed, if it showed something.
    pub value: Option<f64>,
    /// Why it showed nothing.
    pub missing: Option<&'static str>,
}

pub(super) type Read = Box<dyn Fn() -> f64 + Send + Sync>;

struct Gauge {
    name: Name,
    read: Read,
    turn: Turn,
}

impl Drop for Gauge {
    /// Each by itself: whoever drops a list of them drops all, though several panic.
    fn drop(&mut self) {
        let read: Read = std::mem::replace(&mut self.read, Box::new(|| 0.0));
        let _ = drop_quietly(read);
    }
}

/// Code of the user's that one thread at a time is asked to run, and that may do anything.
#[derive(Default)]
pub(super) struct Turn {
    /// Is a thread inside of it?
    busy: AtomicBool,
}

impl Turn {
    /// What it answers, or why it does not. Panics are counted.
    pub(super) fn ask<R>(&self, panics: &AtomicU64, f: impl FnOnce() -> R) -> Result<R, &'static str> {
        // Acquire, and Release below: one after another.
        if self.busy.swap(true, Acquire) {
            // Another thread, which may be stuck in it; or this one, if it asks for a sample.
            return Err("it is being read, and has not answered yet");
        }
        let answer = isolated(f);
        self.busy.store(false, Release);
        answer.map_err(|()| {
            panics.fetch_add(1, Relaxed);
            "it panicked"
        })
    }
}

/// The gauges of a monitor.
#[derive(Default)]
pub(super) struct Gauges {
    /// Replaced as a whole: what reads them holds no lock.
    list: Mutex<Arc<Vec<Arc<Gauge>>>>,
    panics: AtomicU64,
    removed: AtomicU64,
}

impl Gauges {
    pub(super) fn add(&self, name: Name, read: Read) -> Result<(), MonitorError> {
        let added = self.try_add(&name, read);
        added.map_err(|(error, read)| {
            // It is the user's.
            let _ = drop_quietly(read);
            error
        })
    }

    fn try_add(&self, name: &Name, read: Read) -> Result<(), (MonitorError, Read)> {
        let name = name.clone();
        if !is_name(&name) {
            return Err((MonitorError::BadName { name }, read));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err((MonitorError::ReservedName { name }, read));
        }
        let mut list = lock(&self.list);
        if list.iter().any(|gauge| gauge.name == name) {
            return Err((MonitorError::DuplicateName { name }, read));
        }
        if list.len() >= MOST {
            return Err((MonitorError::TooManyGauges { most: MOST }, read));
        }
        let gauge = Arc::new(Gauge { name, read, turn: Turn::default() });
        *list = Arc::new(list.iter().cloned().chain([gauge]).collect());
        Ok(())
    }

    /// Was there one?
    pub(super) fn remove(&self, name: &str) -> bool {
        let mut list = lock(&self.list);
        let rest: Vec<_> = list.iter().filter(|gauge| *gauge.name != *name).cloned().collect();
        let was_there = rest.len() < list.len();
        let before = std::mem::replace(&mut *list, Arc::new(rest));
        self.removed.fetch_add(1, Relaxed);
        drop(list);
        // What is removed is the user's: not under the lock.
        drop(before);
        was_there
    }

    /// How many were removed: more than before a look means that what was seen may have been removed since.
    pub(super) fn removed(&self) -> u64 {
        self.removed.load(Relaxed)
    }

    /// Is there one of that name?
    pub(super) fn has(&self, name: &str) -> bool {
        lock(&self.list).iter().any(|gauge| *gauge.name == *name)
    }

    /// Asks each.
    pub(super) fn read(&self) -> Vec<Reading> {
        let list = Arc::clone(&lock(&self.list));
        list.iter().map(|gauge| self.read_one(gauge)).collect()
    }

    fn read_one(&self, gauge: &Gauge) -> Reading {
        let answer = gauge.turn.ask(&self.panics, || (gauge.read)());
        let finite = |value: f64| if value.is_finite() { Ok(value) } else { Err("what it showed is no finite number") };
        let outcome = answer.and_then(finite);
        Reading { name: gauge.name.clone(), value: outcome.ok(), missing: outcome.err() }
    }

    /// How often one has panicked.
    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}
