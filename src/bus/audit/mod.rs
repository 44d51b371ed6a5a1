//! The leak audit: connections that nobody will end, or that look forgotten, by the place in the source that made them.
//!
//! `census` counts what there is at each place, page by page; `history` keeps earlier counts and judges growth by them; `print`
//! shows the findings as a compiler would.

mod census;
mod history;
mod print;

pub(super) use print::connections;

pub(super) use census::Counting;
pub(super) use history::History;

use super::Bus;
use super::details::Filter;
use super::inner::Inner;
use super::log;
use crate::sync::lock;
use census::{Census, Place};
use std::fmt::Write;
use std::panic::Location;
use std::sync::MutexGuard;
use std::time::Duration;

/// What [`Bus::audit`] found: by place in the source, the worst first. It prints like the warnings of a compiler.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Audit {
    /// The places with connections that look leaked.
    pub entries: Vec<AuditEntry>,
    /// The bus's topics that have slots of which the bus knows nothing.
    pub untracked: Vec<UntrackedSlots>,
    /// How many connections were looked at.
    pub live: usize,
}

/// Connections made at one place that look leaked, and why: at least one of [`unmanaged`](Self::unmanaged),
/// [`forgotten`](Self::forgotten) and [`growth`](Self::growth) says so.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AuditEntry {
    /// Where in the source they were connected.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::details::place"))]
    pub place: &'static Location<'static>,
    /// Connections of this place that there are.
    pub live: usize,
    /// Those that belong to nobody: without owner, service, scope and timeout, kept by no guard, not
    /// [weak](crate::Connect::weak), and not of a number of calls.
    pub unmanaged: usize,
    /// Those that look forgotten: never called in ten minutes, though one that this place made later was. Zero if they are
    /// fewer than ten, and timers are not among them.
    pub forgotten: usize,
    /// How their number has grown, if it grows steadily.
    pub growth: Option<Growth>,
    /// The age of the oldest one.
    pub oldest: Duration,
    /// How many are more than ten minutes old.
    pub old: usize,
    /// How many were never called; `None` if that is not [counted](crate::CallStatistics).
    pub never_called: Option<usize>,
}

/// Steady growth of the connections of one place.
///
/// A look is taken at each sweep of what is stale (not more often than twice in
/// [`stale_sweep_every`](crate::Config::stale_sweep_every)), and as many are kept as
/// [`audit_history`](crate::Config::audit_history) says: ten minutes' worth by default. From the first kept look at which the
/// place had connections, growth is steady if
/// - there were four looks at least (or as many as are kept), so that one rush does not count;
/// - the number rose from one look to the next in two thirds of them at least: one that comes and goes does not;
/// - it was never higher than now: a place that recovers does not count;
/// - there are twenty connections at least, ten more than the first look found, and ten more than their owners explain: with
///   twice the players, twice the connections are no leak. (Nor are those of a pattern, with twice the topics.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Growth {
    /// How many connections the first look found.
    pub from: usize,
    /// How many looks there were since then, that one included.
    pub looks: usize,
    /// The time since then.
    pub over: Duration,
}

/// Slots of one of the bus's topics that were connected without the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UntrackedSlots {
    /// The topic's name, or the type of its events.
    pub label: String,
    /// The type of its events.
    pub event: &'static str,
    /// How many slots.
    pub count: usize,
}

/// How many connections a place has, and had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceCount {
    pub(crate) place: &'static Location<'static>,
    pub(crate) live: usize,
    /// At the first look that is kept, and how long ago that was; `None` if no look is.
    pub(crate) base: Option<(usize, Duration)>,
}

impl PlaceCount {
    /// By how many it has grown since the first look, if it has.
    pub(crate) fn grown(&self) -> usize {
        self.base.map_or(0, |(from, _)| self.live.saturating_sub(from))
    }
}

/// From this age on a connection is old, and one that was never called looks forgotten.
const OLD: Duration = Duration::from_secs(10 * 60);
/// Fewer that look forgotten are no pattern: some things happen seldom.
const FORGOTTEN: usize = 10;
/// So many of the connections that are left does a failed assertion show.
const SHOWN: usize = 20;

impl Bus {
    /// Looks for leaks: connections that belong to nobody, that were never called, or whose number grows and grows. See
    /// [`AuditEntry`] and [`Growth`] for what exactly counts.
    ///
    /// Ends nothing. What has ended behind the bus's back is not counted. Looks at every connection, a page at a time, beside
    /// others that connect and clean up; emissions are not concerned. With the feature `tracing`, each finding is a warning in
    /// the log.
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    /// bus.connect(&signal).owner(7).slot(|_| {})?;
    /// assert!(bus.audit().is_clean());
    ///
    /// bus.connect(&signal).slot(|_| {})?; // whose is it?
    /// let audit = bus.audit();
    /// assert_eq!(audit.entries()[0].unmanaged, 1);
    /// print!("{audit}"); // warning: 1 connection belongs to nobody …
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    pub fn audit(&self) -> Audit {
        let census = Census::take(&self.inner);
        let untracked = self.inner.untracked(&census);
        let history = self.inner.history();
        let entry = |place: &Place| entry(place, history.growth(place, census.time));
        let mut entries: Vec<AuditEntry> = census.places.iter().filter_map(entry).collect();
        drop(history);
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.unmanaged, entry.growth.is_some(), entry.live)));
        for entry in &entries {
            for (count, why) in entry.findings() {
                log::leak(entry.place, count, why);
            }
        }
        Audit { entries, untracked, live: census.live }
    }

    /// For the ends of tests: everything that was connected through the bus has ended.
    ///
    /// What is stale is swept first ([`cleanup_stale`](Self::cleanup_stale)): it would go by itself. Slots that were connected to
    /// the bus's topics without the bus do not count, but are printed.
    ///
    /// # Panics
    /// If a connection that was made or taken in through this bus is connected still, managed or not. The message lists
    /// what is left, and then the [audit](Self::audit).
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    /// bus.connect(&signal).owner(7).slot(|_| {})?;
    /// bus.cleanup_owner(7);
    /// bus.assert_clean();
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    #[track_caller]
    pub fn assert_clean(&self) {
        self.cleanup_stale();
        let left: Vec<_> = self.details(&Filter::new()).into_iter().filter(|detail| detail.connected).collect();
        if left.is_empty() {
            return;
        }
        let mut text = format!("the bus is not clean: {} left\n", connections(left.len()));
        for detail in left.iter().take(SHOWN) {
            let _ = writeln!(text, "  {detail}");
        }
        if left.len() > SHOWN {
            let _ = writeln!(text, "  and {} more", left.len() - SHOWN);
        }
        panic!("{text}{}", self.audit());
    }
}

impl Inner {
    /// Takes a look for the audit to judge growth by, unless the last one is no half interval ago.
    pub(super) fn take_audit_look(&self) {
        if self.look_is_due() {
            self.keep_look(&Census::take(self));
        }
    }

    /// Begins such a look, to be taken page by page; `None` if none is due.
    pub(super) fn begin_audit_look(&self) -> Option<Counting> {
        self.look_is_due().then(|| Counting::new(self.clock.now()))
    }

    /// All pages were counted.
    pub(super) fn end_audit_look(&self, look: Counting) {
        self.keep_look(&look.finish());
    }

    fn look_is_due(&self) -> bool {
        let pause = self.config.load().stale_sweep_every / 2;
        self.history().is_due(self.clock.now(), pause)
    }

    fn keep_look(&self, census: &Census) {
        let (pause, keep) = {
            let config = self.config.load();
            (config.stale_sweep_every / 2, config.audit_history)
        };
        self.history().add(census, pause, keep);
    }

    /// (No foreign code runs under it.)
    fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Each place with its counts, those first that have grown the most.
    pub(super) fn place_counts(&self) -> Vec<PlaceCount> {
        let census = Census::take(self);
        let history = self.history();
        let count = |found: &Place| {
            let base = history.base(found.place, census.time);
            PlaceCount { place: found.place, live: found.live, base }
        };
        let mut counts: Vec<PlaceCount> = census.places.iter().map(count).collect();
        drop(history);
        counts.sort_by_key(|count| std::cmp::Reverse((count.grown(), count.live)));
        counts
    }

    fn untracked(&self, census: &Census) -> Vec<UntrackedSlots> {
        let mut untracked = Vec::new();
        self.topics.for_each(|topic| {
            let count = topic.live.saturating_sub(census.tracked_of(topic.id));
            if count > 0 {
                untracked.push(UntrackedSlots { label: topic.label.to_string(), event: topic.event_type, count });
            }
        });
        untracked.sort_by_key(|topic| std::cmp::Reverse(topic.count));
        untracked
    }
}

/// What is wrong with a place, if something is.
fn entry(found: &Place, growth: Option<Growth>) -> Option<AuditEntry> {
    let forgotten = found.forgotten();
    let forgotten = if forgotten < FORGOTTEN { 0 } else { forgotten };
    (found.unmanaged > 0 || forgotten > 0 || growth.is_some()).then(|| AuditEntry {
        place: found.place,
        live: found.live,
        unmanaged: found.unmanaged,
        forgotten,
        growth,
        oldest: found.oldest,
        old: found.old,
        never_called: found.is_counted.then_some(found.never_called),
    })
}

impl Audit {
    /// Does nothing look leaked? (Untracked slots are not known well enough to say so.)
    pub fn is_clean(&self) -> bool {
        self.entries.is_empty()
    }

    /// The places with connections that look leaked, the worst first.
    pub fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }
}
