//! What a pool has done and holds.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// What a pool has done, and what it holds; from [`Pool::figures`](crate::Pool::figures).
///
/// Counts of one thread are exact. Those of threads that use the pool at this moment are read one after another, so that
/// they are of slightly different instants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolFigures {
    /// The name it was given, or the type of its objects.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text"))]
    pub name: Arc<str>,
    /// Objects that were handed out.
    pub gets: u64,
    /// Those among them that had to be made. All others were used again.
    pub misses: u64,
    /// Objects that are with users of the pool: in [`Pooled`](crate::Pooled)s, and under [keys](crate::Key).
    pub outstanding: usize,
    /// Those among them that are under keys.
    pub kept: usize,
    /// Objects that are ready to be handed out.
    pub idle: usize,
    /// The most that were outstanding at a time in the window that resizing goes by.
    pub peak_window: usize,
    /// The most that were ever outstanding at a time.
    pub peak: usize,
    /// Objects that may be at least, and at most: [`min`](crate::PoolBuilder::min), [`max`](crate::PoolBuilder::max).
    pub min: usize,
    /// See [`min`](Self::min). `usize::MAX`: no limit.
    pub max: usize,
    /// How often objects were made or dropped to fit what is needed.
    pub resizes: u64,
    /// How often `max` objects were not enough: what asked went without, waited, or got one that is dropped when it returns.
    pub exhausted: u64,
    /// Panics of constructors, resets and destructors: each lost an object, at the most.
    pub panics: u64,
    /// Objects that had been out for longer than [`leak_after`](crate::PoolBuilder::leak_after) when the pool was last
    /// [maintained](crate::Pool::maintain). Zero without tracking.
    pub leaks_suspected: usize,
    /// Bytes that all objects take up, idle ones too: an estimate, what they point to counts only as far as
    /// [`bytes_each`](crate::PoolBuilder::bytes_each) tells.
    pub bytes: usize,
    /// Those of these figures, by name, that this pool does not count: they are zero, and say nothing. Empty, but for the
    /// [library's own](crate::Pools::engine) pools.
    pub uncounted: &'static [&'static str],
}

impl PoolFigures {
    /// Objects that were used again: gets without misses.
    pub fn hits(&self) -> u64 {
        self.gets.saturating_sub(self.misses)
    }

    /// Does the pool count the figure of that name?
    pub fn counts(&self, figure: &str) -> bool {
        !self.uncounted.contains(&figure)
    }

    /// Which part of the gets were hits, from 0 to 1; 1 before the first get, and where gets are not [counted](Self::counts).
    pub fn efficiency(&self) -> f64 {
        if self.gets == 0 { 1.0 } else { self.hits() as f64 / self.gets as f64 }
    }

    /// Objects that there are.
    pub fn objects(&self) -> usize {
        self.outstanding + self.idle
    }

    /// Which part of `max` is outstanding, from 0 to 1; 0 without a limit.
    pub fn fill(&self) -> f64 {
        if self.max == usize::MAX { 0.0 } else { self.outstanding as f64 / self.max.max(1) as f64 }
    }
}

impl fmt::Display for PoolFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, gets, misses, outstanding, kept, idle, peak_window, peak, bytes, .. } = self;
        write!(f, "pool {name}: ")?;
        if self.counts("outstanding") {
            write!(f, "{outstanding} out ({kept} by key), {idle} idle, ")?;
        }
        if self.counts("peak") {
            write!(f, "peak {peak} (of late {peak_window}), ")?;
        }
        if self.counts("gets") {
            write!(f, "{gets} gets, {misses} made, {:.2} % reused", self.efficiency() * 100.0)?;
        } else {
            write!(f, "{misses} made")?;
        }
        if self.counts("bytes") {
            write!(f, ", {bytes} bytes")?;
        }
        if self.exhausted > 0 {
            write!(f, ", exhausted {} times at {}", self.exhausted, self.max)?;
        }
        if self.panics > 0 {
            write!(f, ", {} lost to panics", self.panics)?;
        }
        if self.leaks_suspected > 0 {
            write!(f, ", {} out for suspiciously long", self.leaks_suspected)?;
        }
        Ok(())
    }
}

/// Objects that have been out for long, by the place that took them; from [`Pool::leaks`](crate::Pool::leaks).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolLeak {
    /// The name of the pool.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text"))]
    pub pool: Arc<str>,
    /// Where in the source they were taken: `file:line:column`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_place"))]
    pub place: &'static Location<'static>,
    /// How many are out.
    pub count: usize,
    /// For how long the oldest one has been.
    pub oldest: Duration,
}

impl fmt::Display for PoolLeak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, place, count, oldest } = self;
        write!(f, "{place}: {count} of pool {pool} out, the oldest for {oldest:.1?}")
    }
}

#[cfg(feature = "serde")]
pub(super) fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

#[cfg(feature = "serde")]
fn as_place<S: serde::Serializer>(place: &Location<'static>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(place)
}
