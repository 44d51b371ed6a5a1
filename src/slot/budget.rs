//! The budget of a slot: which slots take longer than they may, where they were connected, and what becomes of them.

use crate::connection::Connection;
use crate::sync::lock;
use crate::time::{Clock, ExecutionBudget};
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

/// How long a call of a slot may take, and who took longer: for [`SlotBuilder::budget`](crate::SlotBuilder::budget).
///
/// Cheap to copy: all copies are one budget, and as many slots as you like may have it. A call is never interrupted: it is
/// measured, by two looks at the clock (some 50 ns in all where it was measured).
///
/// ```
/// use pulsebus::{ManualClock, OverBudget, Signal, SlotBudget};
/// use std::time::Duration;
///
/// let hand = ManualClock::new();
/// let budget = SlotBudget::new(Duration::from_millis(2)).clock(hand.clock()).over(OverBudget::DisconnectAfter(2));
/// let signal = Signal::<u64>::new();
/// let work = hand.clone();
/// let slow = signal.slot().budget(&budget).connect(move |n| work.advance(Duration::from_millis(*n)));
/// signal.emit_batch(&[1, 5, 9]);
/// assert!(!slow.is_connected(), "twice too slow");
/// let worst = &budget.slow()[0];
/// assert_eq!((worst.overruns, worst.longest), (2, Duration::from_millis(9)));
/// println!("the slot connected at {} is slow", worst.place);
/// ```
#[derive(Clone)]
pub struct SlotBudget {
    shared: Arc<Shared>,
}

struct Shared {
    most: Duration,
    over: OverBudget,
    clock: Clock,
    meters: Mutex<Vec<Weak<Meter>>>,
}

/// What becomes of a slot that takes longer than its [`SlotBudget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OverBudget {
    /// It is counted. The default.
    #[default]
    Count,
    /// It is counted, and its connection ends with its `n`-th such call. Zero is read as one.
    DisconnectAfter(u64),
}

/// A slot that has taken longer than it may; from [`SlotBudget::slow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowSlot {
    /// Its connection, which may have ended.
    pub connection: Connection,
    /// Where in the source it was connected.
    pub place: &'static Location<'static>,
    /// How many calls there were.
    pub calls: u64,
    /// How many of them took too long.
    pub overruns: u64,
    /// How long the longest one took.
    pub longest: Duration,
}

impl SlotBudget {
    /// So long for each call, by the system's clock. Counted, and no more.
    pub fn new(most: Duration) -> Self {
        Self::with(most, OverBudget::Count, Clock::system())
    }

    fn with(most: Duration, over: OverBudget, clock: Clock) -> Self {
        Self { shared: Arc::new(Shared { most, over, clock, meters: Mutex::default() }) }
    }

    /// What becomes of those that take longer. A new budget, for slots that are given it from now on.
    #[must_use]
    pub fn over(self, over: OverBudget) -> Self {
        Self::with(self.shared.most, over, self.shared.clock.clone())
    }

    /// By which clock. A new budget, for slots that are given it from now on.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self::with(self.shared.most, self.shared.over, clock)
    }

    /// How long a call may take.
    pub fn most(&self) -> Duration {
        self.shared.most
    }

    /// The slots that have taken longer at least once, the worst first. Those that have ended are there until what they
    /// captured is dropped. Looks at each slot that has the budget.
    pub fn slow(&self) -> Vec<SlowSlot> {
        let meters: Vec<Arc<Meter>> = lock(&self.shared.meters).iter().filter_map(Weak::upgrade).collect();
        let mut slow: Vec<SlowSlot> = meters.iter().filter_map(|meter| meter.slow()).collect();
        slow.sort_by_key(|slow| std::cmp::Reverse((slow.overruns, slow.longest)));
        slow
    }

    /// What measures one slot.
    pub(super) fn meter(&self, place: &'static Location<'static>) -> Arc<Meter> {
        let meter = Arc::new(Meter {
            executions: ExecutionBudget::new(self.shared.most),
            over: self.shared.over,
            clock: self.shared.clock.clone(),
            place,
            connection: OnceLock::new(),
        });
        let mut meters = lock(&self.shared.meters);
        if meters.len() == meters.capacity() {
            // Before it grows.
            meters.retain(|meter| meter.strong_count() > 0);
            // Room for as many again, or those that come and go have it looked through each time.
            let live = meters.len();
            meters.reserve(live + 4);
        }
        meters.push(Arc::downgrade(&meter));
        meter
    }
}

impl fmt::Debug for SlotBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { most, over, .. } = &*self.shared;
        f.debug_struct("SlotBudget").field("most", most).field("over", over).finish_non_exhaustive()
    }
}

/// Measures the calls of one slot.
pub(super) struct Meter {
    executions: ExecutionBudget,
    over: OverBudget,
    clock: Clock,
    place: &'static Location<'static>,
    connection: OnceLock<Connection>,
}

impl Meter {
    /// Names the connection, once it is made.
    pub(super) fn is_of(&self, connection: Connection) {
        let _ = self.connection.set(connection);
    }

    /// How many calls have taken too long.
    pub(super) fn overruns(&self) -> u64 {
        self.executions.executions().overruns
    }

    fn slow(&self) -> Option<SlowSlot> {
        let (executions, connection) = (self.executions.executions(), *self.connection.get()?);
        let slow = SlowSlot {
            connection,
            place: self.place,
            calls: executions.count,
            overruns: executions.overruns,
            longest: executions.longest,
        };
        (slow.overruns > 0).then_some(slow)
    }

    pub(super) fn watch(&self, own: Connection) -> Watch<'_> {
        Watch { meter: self, own, start: self.clock.now(), counts: false }
    }
}

/// A call under way. One that panics counts as well.
pub(super) struct Watch<'a> {
    meter: &'a Meter,
    own: Connection,
    start: Duration,
    counts: bool,
}

impl Watch<'_> {
    /// Passes on whether the slot is called at all.
    pub(super) fn counts_if(&mut self, called: bool) -> bool {
        self.counts = called;
        called
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.counts {
            return;
        }
        let Meter { executions, over, clock, .. } = self.meter;
        let overruns = executions.record(clock.now().saturating_sub(self.start));
        match over {
            OverBudget::DisconnectAfter(n) if overruns.is_some_and(|overruns| overruns >= *n) => {
                self.own.disconnect();
            }
            OverBudget::Count | OverBudget::DisconnectAfter(_) => {}
        }
    }
}
