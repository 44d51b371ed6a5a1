//! Lanes: the lists of a signal whose slots have priorities, or that is blocked or stopped.
//!
//! A plain signal has one list, which its root points to. What a plain emission does not look at makes the signal *elaborate*:
//! the root points to no list any more, but says that its lanes are to be walked, each a list of its own, in the order of their
//! ranks. The list that there was becomes the lane of the default rank. Lanes come, and go with the signal.

use super::teardown::Closed;
use super::{List, Root};
use crate::domain::DomainCore;
use crate::epoch;
use crate::sync::{AtomicPtr, Ordering};
use smallvec::SmallVec;
use std::panic::Location;
use std::ptr;

/// Where in an emission a lane comes. Lower ones run first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(i32);

impl Rank {
    /// That of all slots of which nothing is said.
    pub(crate) const DEFAULT: Self = Self::new(0, false);

    /// The slots of a priority that were connected at its front come before the others of it.
    pub(crate) const fn new(priority: i16, at_front: bool) -> Self {
        Self(priority as i32 * 2 + if at_front { 0 } else { 1 })
    }

    /// Does its newest slot run first?
    pub(super) fn is_backwards(self) -> bool {
        self.0 % 2 == 0
    }
}

/// A list, and its place among the others of the signal. Lives as long as the signal.
pub(super) struct Lane {
    pub(super) rank: Rank,
    pub(super) list: &'static List,
    /// The lane that comes before it: the chain begins with the last one, so that what is found first can wait on the stack
    /// for what comes before it.
    earlier: AtomicPtr<Lane>,
}

/// What a root without a list of its own points to if it has lanes.
const ELABORATE: *mut List = ptr::without_provenance_mut(1);

/// How a signal's slots are kept.
pub(crate) enum Slots {
    /// There never was one.
    None,
    /// In one list.
    Plain(&'static List),
    /// In lanes.
    Elaborate,
}

impl Root {
    #[inline(always)]
    pub(crate) fn slots(&self) -> Slots {
        // Acquire; partners: the Release with which the first connect stores the list, which is made; and that in
        // `elaborate`, after which the lanes are there.
        let list = self.list.load(Ordering::Acquire);
        if list.addr() > ELABORATE.addr() {
            // SAFETY: neither null nor the mark, so a list; lists are immortal.
            Slots::Plain(unsafe { &*list })
        } else if list.is_null() {
            Slots::None
        } else {
            Slots::Elaborate
        }
    }

    /// The signal's only list, if it has no lanes.
    #[inline(always)]
    pub(crate) fn list(&self) -> Option<&'static List> {
        match self.slots() {
            Slots::Plain(list) => Some(list),
            Slots::None | Slots::Elaborate => None,
        }
    }

    /// All lists, in no particular order.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &'static List> {
        let plain = self.list();
        let mut lane = self.last_lane().filter(|_| plain.is_none());
        let lanes = std::iter::from_fn(move || {
            let found = lane?;
            lane = found.earlier();
            Some(found.list)
        });
        plain.into_iter().chain(lanes)
    }

    pub(super) fn last_lane(&self) -> Option<&Lane> {
        // Acquire; partner: the Release in `lane`. The lane is made.
        // SAFETY: null, or a lane, which lives as long as the signal.
        unsafe { self.lanes.load(Ordering::Acquire).as_ref() }
    }

    /// [`elaborate`](Self::elaborate), under a pin of its own.
    #[cold]
    pub(crate) fn make_elaborate(&self, place: &'static Location<'static>) {
        let domain = self.domain.core();
        let _pin = epoch::pin(&domain.epoch, place);
        self.elaborate(domain);
    }

    /// Makes the signal one whose emissions look at more than a list, for good. The caller is pinned.
    #[cold]
    pub(super) fn elaborate(&self, domain: &'static DomainCore) {
        // Acquire: as in `slots`.
        let mut list = self.list.load(Ordering::Acquire);
        while list != ELABORATE {
            // SAFETY: null, or a list; lists are immortal.
            if let Some(list) = unsafe { list.as_ref() } {
                self.lane(Rank::DEFAULT, domain, Some(list));
            }
            // Release; partner: the Acquire in `slots`. Who finds the mark finds the lane of what was connected before.
            match self.list.compare_exchange(list, ELABORATE, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => list = now,
            }
        }
    }

    /// The list of a rank, of an elaborate signal; made if there is none. `list` is what to make it of, if there is one. The
    /// caller is pinned.
    pub(super) fn lane(&self, rank: Rank, domain: &'static DomainCore, list: Option<&'static List>) -> &'static List {
        let mut link = &self.lanes;
        let mut made: Option<Box<Lane>> = None;
        loop {
            // Acquire; partner: the Release below. The lane is made.
            let next = link.load(Ordering::Acquire);
            // SAFETY: null, or a lane, which lives as long as the signal.
            match unsafe { next.as_ref() } {
                Some(lane) if lane.rank > rank => link = &lane.earlier,
                Some(lane) if lane.rank == rank => {
                    if let (Some(unused), None) = (made, list) {
                        unused.list.tear_down(domain);
                    }
                    return lane.list;
                }
                _ => {
                    let lane = made.unwrap_or_else(|| Lane::new(rank, list.unwrap_or_else(|| List::started(domain))));
                    lane.earlier.store(next, Ordering::Relaxed);
                    let list = lane.list;
                    let lane = Box::into_raw(lane);
                    // Release; partners: the Acquire above and in `last_lane` and `earlier`. Relaxed on failure: it is
                    // loaded again.
                    match link.compare_exchange(next, lane, Ordering::Release, Ordering::Relaxed) {
                        Ok(_) => return list,
                        // SAFETY: made above, and shown to nobody.
                        Err(_) => made = Some(unsafe { Box::from_raw(lane) }),
                    }
                }
            }
        }
    }

    /// How many slots are connected.
    pub(crate) fn len(&self, place: &'static Location<'static>) -> usize {
        self.lists().map(|list| list.live(place)).sum()
    }

    /// Is none?
    pub(crate) fn is_empty(&self, place: &'static Location<'static>) -> bool {
        !self.lists().any(|list| list.any_live(place))
    }

    /// Ends every slot that was connected before this call; how many it ended.
    pub(crate) fn disconnect_all(&self, place: &'static Location<'static>) -> usize {
        let ended = self.lists().map(|list| list.end_all(place)).sum();
        // Also those who were ended before, one by one.
        self.lists().for_each(List::ring_end);
        if ended > 0 {
            self.lists().for_each(List::sweep_ended);
        }
        ended
    }

    /// Ends every slot, and gives back all that there was. Only for the last owner of the signal.
    pub(crate) fn tear_down(&mut self) {
        let domain = self.domain.core();
        // All slots end before any destructor runs, those of all lanes: one that disconnects its neighbour must not win.
        let closed: SmallVec<[Closed; 4]> = self.lists().map(|list| list.close(domain)).collect();
        closed.iter().for_each(Closed::tell);
        closed.into_iter().for_each(|closed| closed.dismantle(domain));
        let mut lane = self.lanes.load(Ordering::Relaxed);
        while !lane.is_null() {
            // SAFETY: made by `lane`, of a box, and nobody can be looking at it any more.
            lane = unsafe { Box::from_raw(lane) }.earlier.load(Ordering::Relaxed);
        }
    }
}

impl Lane {
    fn new(rank: Rank, list: &'static List) -> Box<Self> {
        Box::new(Self { rank, list, earlier: AtomicPtr::new(ptr::null_mut()) })
    }

    pub(super) fn earlier(&self) -> Option<&Self> {
        // Acquire; partner: the Release in `Root::lane`. The lane is made.
        // SAFETY: null, or a lane of the same signal, which lives as long as we do.
        unsafe { self.earlier.load(Ordering::Acquire).as_ref() }
    }
}
