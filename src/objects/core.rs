//! A pool's inside: what its handles, guards and objects share.

use super::depot::ROUND;
use super::figures::{PoolFigures, PoolLeak};
use super::keys::Keys;
use super::node::{Header, Node};
use super::numbers::NOWHERE;
use super::pooled::Pooled;
use super::quiet::Quiet;
use super::registry::Listed;
use super::sizing::{Plan, ResizeReason, Resized, Sizing};
use super::stock::{Got, Home, Stock, Tally};
use super::tracking::Tracking;
use crate::panics::{drop_quietly, isolated};
use crate::signal::Signal;
use crate::sync::lock;
use crate::time::{Clock, nanoseconds};
use std::mem::size_of;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// How a pool was described.
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) window: Duration,
    pub(super) bytes_each: usize,
    /// Tracked, and suspected after that long.
    pub(super) leak_after: Option<Duration>,
    pub(super) clock: Clock,
}

pub(super) type Make<T> = Box<dyn Fn() -> T + Send + Sync>;
pub(super) type Reset<T> = Box<dyn Fn(&mut T) + Send + Sync>;

pub(super) struct Core<T> {
    pub(super) stock: Stock,
    /// No two pools of a process have the same.
    pub(super) serial: u64,
    pub(super) keys: Keys,
    make: Quiet<Make<T>>,
    reset: Option<Quiet<Reset<T>>>,
    tracking: Option<Tracking>,
    settings: Settings,
    /// [`Pool`](crate::Pool)s that there are. The pool closes with the last.
    handles: AtomicUsize,
    home: Weak<dyn Home>,
    sizing: Mutex<Sizing>,
    /// When the current part of its window ends, in nanoseconds: then whoever exchanges objects looks how many are out.
    part_ends: AtomicU64,
    pub(super) resized: Signal<Resized>,
    misses: AtomicU64,
    panics: AtomicU64,
    leaks_suspected: AtomicUsize,
}

impl<T: Send + 'static> Core<T> {
    /// With one handle, which is the caller's to make.
    pub(super) fn new(make: Make<T>, reset: Option<Reset<T>>, settings: Settings) -> Arc<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        Arc::new_cyclic(|home: &Weak<Self>| Self {
            stock: Stock::new(settings.max, Self::bytes_each(&settings), settings.leak_after.is_some()),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            keys: Keys::new(),
            make: Quiet::new(make),
            reset: reset.map(Quiet::new),
            tracking: settings.leak_after.map(|_| Tracking::default()),
            part_ends: AtomicU64::new(0),
            sizing: Mutex::new(Sizing::new(settings.window, settings.clock.now())),
            settings,
            handles: AtomicUsize::new(1),
            home: Weak::<Self>::clone(home),
            resized: Signal::new(),
            misses: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            leaks_suspected: AtomicUsize::new(0),
        })
    }

    fn bytes_each(settings: &Settings) -> usize {
        size_of::<Node<T>>().saturating_add(settings.bytes_each)
    }

    pub(super) fn add_handle(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_handle(self: &Arc<Self>) {
        // AcqRel: what was done through one handle comes before the closing by another.
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.stock.close();
            self.remove_all();
            self.stock.empty(|node| self.drop_node(node));
        }
    }

    /// What is there now was there from the start.
    pub(super) fn begin(&self) {
        lock(&self.sizing).begin(self.stock.objects());
    }

    // --- handing out -------------------------------------------------------------------------------------------------

    /// A guard for a node that leaves the stock.
    #[inline]
    pub(super) fn hand_out(&self, node: NonNull<Header>, place: &'static Location<'static>) -> Pooled<T> {
        if self.tracking.is_some() {
            // SAFETY: ours.
            unsafe { node.as_ref() }.note_taken(place, self.settings.clock.coarse());
        }
        // SAFETY: it comes from the stock, which holds nodes of this pool only, and gives each to one.
        unsafe { Pooled::new(node) }
    }

    /// One that the calling thread has at hand, one that is idle elsewhere, or a new one, be it beyond the limit.
    #[inline(never)]
    pub(super) fn take_anyway(self: &Arc<Self>, place: &'static Location<'static>) -> Pooled<T> {
        let node = self.stock.pop().unwrap_or_else(|| self.obtain_anyway());
        self.hand_out(node, place)
    }

    /// For who has none at hand: one that is idle elsewhere, or a new one, or `None`.
    #[cold]
    #[inline(never)]
    pub(super) fn obtain(self: &Arc<Self>) -> Option<NonNull<Header>> {
        let got = self.stock.obtain(&self.home)?;
        Some(self.redeem(got))
    }

    /// The same, but for one that is made beyond the limit rather than none.
    #[cold]
    #[inline(never)]
    fn obtain_anyway(self: &Arc<Self>) -> NonNull<Header> {
        self.obtain().unwrap_or_else(|| {
            self.stock.obtain_beyond();
            self.redeem(Got::Permit)
        })
    }

    /// The same, waiting for one to return.
    pub(super) fn obtain_within(self: &Arc<Self>, timeout: Duration) -> Option<NonNull<Header>> {
        self.obtain().or_else(|| {
            let deadline = std::time::Instant::now().checked_add(timeout);
            let got = self.stock.wait(deadline)?;
            Some(self.redeem(got))
        })
    }

    fn redeem(self: &Arc<Self>, got: Got) -> NonNull<Header> {
        let node = match got {
            Got::Node(node) => node,
            Got::Permit => {
                let node = self.make();
                self.misses.fetch_add(1, Ordering::Relaxed);
                node
            }
        };
        self.stock.note_get();
        self.note_peak();
        node
    }

    /// Makes an object that has been counted already.
    ///
    /// # Panics
    /// If the constructor does.
    fn make(self: &Arc<Self>) -> NonNull<Header> {
        struct Unmade<'a, T: Send + 'static>(&'a Core<T>);
        impl<T: Send + 'static> Drop for Unmade<'_, T> {
            fn drop(&mut self) {
                self.0.panics.fetch_add(1, Ordering::Relaxed);
                self.0.stock.lose();
            }
        }
        let unmade = Unmade(self);
        let value = (self.make)();
        std::mem::forget(unmade);
        let number = if self.reset.is_none() && self.tracking.is_none() { self.stock.number() } else { NOWHERE };
        let node = Node::allocate(Arc::clone(self), number, value);
        if let Some(tracking) = &self.tracking {
            tracking.add(node);
        }
        node
    }

    // --- taking back -------------------------------------------------------------------------------------------------

    /// Takes back an object, the calling thread's magazine being the first place to ask.
    ///
    /// # Safety
    /// The node is one of a `Node<T>`, and the caller's.
    #[inline(never)]
    pub(super) unsafe fn take_back(node: NonNull<Header>) {
        // SAFETY: as the caller says, until we hand it on below.
        let (core, value) = unsafe { (Node::<T>::core(node), &mut *Node::<T>::value(node)) };
        if !core.reset(value) {
            Arc::clone(core).drop_node(node);
            return;
        }
        if core.tracking.is_some() {
            // SAFETY: as above.
            unsafe { node.as_ref() }.note_returned();
        }
        // Once it is pushed, others may drop it, and with it the pool's inside: neither is touched any more.
        // SAFETY: as above; the number is the one of its pool.
        if !unsafe { Stock::push(core.stock.number(), node) } {
            // SAFETY: not pushed, so it is still ours.
            Arc::clone(unsafe { Node::<T>::core(node) }).put(node);
        }
    }

    /// Makes an object what it was when it was new. `false` if that panicked: then it is lost.
    #[inline]
    fn reset(&self, value: &mut T) -> bool {
        let Some(reset) = &self.reset else { return true };
        let outcome = isolated(|| reset(value));
        if outcome.is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        outcome.is_ok()
    }

    /// Takes back what the calling thread has no room for at hand. The caller owns the node, and a pointer to us besides.
    #[cold]
    #[inline(never)]
    fn put(&self, node: NonNull<Header>) {
        self.note_peak();
        if !self.stock.put(node, &self.home) {
            self.drop_node(node);
        }
        self.drop_abandoned();
    }

    /// Drops an object that the caller owns, and a pointer to us besides.
    #[cold]
    pub(super) fn drop_node(&self, node: NonNull<Header>) {
        self.note_peak();
        self.free(node);
        self.stock.lose();
    }

    /// The same, but for counting it.
    fn free(&self, node: NonNull<Header>) {
        self.untrack(node);
        // SAFETY: the caller's, and nobody else knows it.
        let node = unsafe { Node::<T>::into_box(node) };
        if drop_quietly(node).is_err() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn untrack(&self, node: NonNull<Header>) {
        if let Some(tracking) = &self.tracking {
            tracking.remove(node);
        }
    }

    /// Drops what was put back while, or after, the pool was closed.
    fn drop_abandoned(&self) {
        if self.stock.is_abandoned() {
            self.stock.empty(|node| self.drop_node(node));
        }
    }

    // --- sizing ------------------------------------------------------------------------------------------------------

    /// Takes note of how many are out, if they may be more than ever. Comes before one that is out is lost: afterwards nothing
    /// tells that it was.
    pub(super) fn note_peak(&self) {
        let is_new_part = self.settings.clock.coarse() >= self.part_ends.load(Ordering::Relaxed);
        if is_new_part || self.stock.may_be_peak() {
            self.look();
        }
    }

    /// A tally, whose peak is taken note of.
    fn look(&self) -> Tally {
        let tally = self.stock.tally();
        let mut sizing = lock(&self.sizing);
        let is_new_part = sizing.note(self.settings.clock.now(), tally.peak, tally.out);
        self.part_ends.store(nanoseconds(sizing.part_ends()), Ordering::Relaxed);
        drop(sizing);
        if is_new_part {
            self.stock.expect_peak(tally.out);
        }
        tally
    }

    /// Makes idle objects until there are `count`, or as many as may be; how many it made. A panic of the constructor ends it.
    pub(super) fn fill(self: &Arc<Self>, count: usize) -> usize {
        let mut made = 0;
        while self.stock.objects() < count {
            self.stock.begin_resizing(1);
            let is_made = self.stock.reserve() && self.make_idle();
            self.stock.end_resizing(1);
            if !is_made {
                break;
            }
            made += 1;
            if made % ROUND == 0 {
                self.stock.pack();
            }
        }
        if made % ROUND > 1 {
            self.stock.pack();
        }
        self.drop_abandoned();
        made
    }

    /// Makes an object that has been counted already, for who needs it next. `false` if the constructor panics.
    fn make_idle(self: &Arc<Self>) -> bool {
        isolated(|| self.make()).map(|node| self.stock.restock(&[node])).is_ok()
    }

    /// Drops idle objects until `count` are left; how many it dropped.
    fn drain(&self, count: usize) -> usize {
        let (many, mut dropped) = (self.stock.objects().saturating_sub(count), 0);
        // By the handful: destructors may take their time, and whoever asks meanwhile is to find the others.
        while dropped < many {
            let idle = self.stock.take_idle(many - dropped);
            if idle.is_empty() {
                break;
            }
            dropped += idle.len();
            for node in idle {
                // First, so that another one may be made while this one is dropped.
                self.stock.lose();
                self.stock.end_resizing(1);
                self.free(node);
            }
        }
        self.drop_abandoned();
        dropped
    }

    pub(super) fn warm(self: &Arc<Self>, idle: usize) -> usize {
        let tally = self.look();
        self.tell_demand(tally.objects);
        let before = self.stock.objects();
        let made = self.fill(tally.out.saturating_add(idle));
        self.tell(before, made, ResizeReason::ByHand);
        made
    }

    pub(super) fn shrink_to_fit(&self) -> usize {
        self.tell_demand(self.stock.objects());
        let before = self.stock.objects();
        let dropped = self.drain(self.settings.min);
        self.tell(before, dropped, ResizeReason::ByHand);
        dropped
    }

    pub(super) fn fit(self: &Arc<Self>) -> usize {
        if self.stock.is_closed() {
            return 0;
        }
        let tally = self.look();
        let (is_watch_due, plan) = {
            let mut sizing = lock(&self.sizing);
            let plan = sizing.plan(tally.objects, self.settings.min, self.settings.max);
            (sizing.is_watch_due(), plan)
        };
        if is_watch_due {
            self.stock.begin_watch();
        }
        if let Some(leak_after) = self.settings.leak_after {
            let count = self.leaks(leak_after).iter().map(|leak| leak.count).sum();
            self.leaks_suspected.store(count, Ordering::Relaxed);
        }
        self.tell_demand(tally.objects);
        // Those who were told may have resized it, too.
        let before = self.stock.objects();
        match plan {
            Plan::Keep => 0,
            Plan::Grow(to) => {
                let made = self.fill(to);
                self.tell(before, made, ResizeReason::Headroom);
                made
            }
            Plan::Shrink(to) => {
                let dropped = self.drain(to);
                self.tell(before, dropped, ResizeReason::Calm);
                dropped
            }
        }
    }

    /// Tells of objects that were made one by one since the last resize, if there are.
    fn tell_demand(&self, objects: usize) {
        let seen = lock(&self.sizing).seen();
        self.tell(seen, objects.saturating_sub(seen), ResizeReason::Demand);
    }

    /// Tells of a resize from that many objects by so many, if it is one.
    fn tell(&self, from: usize, by: usize, reason: ResizeReason) {
        if by == 0 {
            return;
        }
        let to = self.stock.objects();
        let event = lock(&self.sizing).resized(from, to, reason);
        if let Some((peak, reason)) = event {
            self.resized.emit(&Resized { pool: Arc::clone(&self.settings.name), from, to, peak, reason });
        }
    }
}

impl<T: Send + 'static> Listed for Core<T> {
    fn name(&self) -> Arc<str> {
        Arc::clone(&self.settings.name)
    }

    fn figures(&self) -> PoolFigures {
        let tally = self.look();
        let sizing = lock(&self.sizing);
        PoolFigures {
            name: self.name(),
            gets: tally.gets,
            misses: self.misses.load(Ordering::Relaxed),
            outstanding: tally.out,
            kept: self.keys.count(),
            idle: tally.idle,
            peak_window: sizing.peak(),
            peak: sizing.ever(),
            min: self.settings.min,
            max: self.settings.max,
            resizes: sizing.resizes(),
            exhausted: tally.exhausted,
            panics: self.panics.load(Ordering::Relaxed),
            leaks_suspected: self.leaks_suspected.load(Ordering::Relaxed),
            bytes: tally.objects.saturating_mul(Self::bytes_each(&self.settings)),
            uncounted: &[],
        }
    }

    fn leaks(&self, older_than: Duration) -> Vec<PoolLeak> {
        let now = self.settings.clock.coarse();
        self.tracking.as_ref().map_or_else(Vec::new, |tracking| tracking.leaks(&self.settings.name, now, older_than))
    }

    fn maintain(self: Arc<Self>) -> usize {
        self.fit()
    }

    fn shrink(&self) -> usize {
        self.shrink_to_fit()
    }
}

impl<T: Send + 'static> Home for Core<T> {
    fn stock(&self) -> &Stock {
        &self.stock
    }

    fn leave(self: Arc<Self>) {
        self.drop_abandoned();
    }
}
