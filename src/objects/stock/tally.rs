//! What a stock has and has had, counted beside those who use it.

use super::{Magazine, Magazines, Ordering, Stock, claim_all, local, lock};

/// What a stock has had, at one moment.
pub(in crate::objects) struct Tally {
    pub(in crate::objects) gets: u64,
    pub(in crate::objects) exhausted: u64,
    pub(in crate::objects) objects: usize,
    pub(in crate::objects) idle: usize,
    /// How many were out.
    pub(in crate::objects) out: usize,
    /// The most that were out since the last tally.
    pub(in crate::objects) peak: usize,
}

impl Stock {
    /// May more be out now, or since the calling thread last exchanged objects, than ever since the watch
    /// [began](Self::begin_watch)? Then it is time for a [`tally`](Self::tally). (What other threads have at hand counts as out here.)
    pub(in crate::objects) fn may_be_peak(&self) -> bool {
        // SAFETY: as in `pop`.
        let low = unsafe { local::find(self.number()).as_ref() }.map_or(0, Magazine::low);
        let bound = self.objects().saturating_sub(self.depot.idle() + low);
        bound > self.peak_bound.load(Ordering::Relaxed) && {
            self.peak_bound.store(bound, Ordering::Relaxed);
            true
        }
    }

    /// From now on it is a peak if more are out than so many.
    pub(in crate::objects) fn expect_peak(&self, out: usize) {
        self.peak_bound.store(out, Ordering::Relaxed);
    }

    /// Begins to watch anew how few objects threads have at hand.
    pub(in crate::objects) fn begin_watch(&self) {
        self.peak_bound.store(0, Ordering::Relaxed);
        let magazines = lock(&self.magazines);
        if magazines.holds > 0 || magazines.list.is_empty() {
            return;
        }
        claim_all(magazines.list.iter().map(|magazine| &**magazine), |claim| claim.begin_watch());
    }

    /// How many objects there are.
    pub(in crate::objects) fn objects(&self) -> usize {
        self.objects.load(Ordering::Relaxed)
    }

    /// How many of them are idle.
    pub(super) fn idle(&self) -> usize {
        self.depot.idle() + lock(&self.magazines).at_hand()
    }

    /// What is there now, and was. The caller takes note of the peak: it is told once.
    pub(in crate::objects) fn tally(&self) -> Tally {
        let mut magazines = lock(&self.magazines);
        let (objects, out) = self.objects_and_out(&magazines);
        let peak = self.peak(&magazines).max(std::mem::take(&mut magazines.peak));
        Tally {
            gets: magazines.popped
                + magazines.list.iter().map(|magazine| magazine.popped()).sum::<u64>()
                + self.slow_gets.load(Ordering::Relaxed),
            exhausted: self.exhausted.load(Ordering::Relaxed),
            objects,
            idle: (self.depot.idle() + magazines.at_hand()).min(objects - out),
            out,
            peak,
        }
    }

    /// Remembers how many were out, before what magazines tell of it is lost.
    pub(super) fn note_peak(&self, magazines: &mut Magazines) {
        magazines.peak = magazines.peak.max(self.peak(magazines));
    }

    /// The most that were out of late, as far as magazines tell.
    fn peak(&self, magazines: &Magazines) -> usize {
        // How many more one thread has had out since it was watched, or since it last filled up, than it has now.
        let swing = |magazine: &std::sync::Arc<Magazine>| magazine.len().saturating_sub(magazine.low());
        let more = magazines.list.iter().map(swing).max().unwrap_or(0);
        let (objects, out) = self.objects_and_out(magazines);
        (out + more).min(objects)
    }

    /// How many there are, and are out. Rather too few than too many where they change meanwhile: a pool that took for needed what
    /// it is about to drop, or has just made, would grow by that, and by more the next time.
    fn objects_and_out(&self, magazines: &Magazines) -> (usize, usize) {
        let (objects, resizing) = (self.objects(), self.resizing.load(Ordering::SeqCst));
        let idle = self.depot.idle() + magazines.at_hand();
        let resizing = resizing.max(self.resizing.load(Ordering::SeqCst));
        let objects = objects.min(self.objects());
        (objects, objects.saturating_sub(idle + resizing))
    }
}

impl Magazines {
    fn at_hand(&self) -> usize {
        self.list.iter().map(|magazine| magazine.len()).sum()
    }
}
