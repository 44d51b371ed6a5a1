//! Sweeping: finding the dead, retiring them, unlinking chunks that hold nothing else. No destructor runs here.

use super::List;
use super::chunk::Chunk;
use crate::domain::DomainCore;
use crate::sync::{AtomicU32, Ordering, pause};

const IDLE: u32 = 0b00;
const BUSY: u32 = 0b01;
/// Somebody came while it was busy, who must not have come in vain.
const AGAIN: u32 = 0b10;

/// One sweeper at a time.
pub(super) struct SweepFlag(AtomicU32);

impl SweepFlag {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(IDLE))
    }

    /// idle → busy, or a request to look again: whoever is busy does before it stops.
    fn take_or_ask(&self) -> bool {
        // Acquire; partner: the Release in `leave`: we see the list as the last sweeper left it.
        // Release; partner: the Acquire in `leave`: a sweeper that looks again sees what made us come.
        self.0.fetch_or(BUSY | AGAIN, Ordering::AcqRel) & BUSY == 0
    }

    /// idle → busy, or nothing.
    fn try_take(&self) -> bool {
        // Acquire; partner: the Release in `leave`.
        self.0.compare_exchange(IDLE, BUSY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Takes it, after whoever has it. A sweep runs nobody's code and waits for nothing.
    fn take(&self) {
        let mut round = 0;
        while !self.try_take() {
            pause(&mut round);
        }
    }

    /// Forgets the requests, before looking.
    fn begin(&self) {
        // Acquire; partner: the Release in `take_or_ask`. We see what made them come.
        self.0.fetch_and(!AGAIN, Ordering::Acquire);
    }

    /// Does somebody have it?
    fn is_busy(&self) -> bool {
        // Acquire; partner: the Releases in `leave` and `try_leave`. If not, we see what the last one has found.
        self.0.load(Ordering::Acquire) != IDLE
    }

    /// busy → idle; `false` if somebody has asked to look again.
    fn try_leave(&self) -> bool {
        // Release; partner: the Acquires of those who take it.
        self.0.compare_exchange(BUSY, IDLE, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// → idle; whether somebody had asked to look again.
    fn leave(&self) -> bool {
        // Release; partner: the Acquires of those who take it.
        self.0.swap(IDLE, Ordering::Release) & AGAIN != 0
    }
}

/// How thorough a sweep is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Only what disconnects have marked.
    Hinted,
    /// Every slot, whatever the marks say.
    All,
}

/// What a sweep found.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Swept {
    /// Chunks that stay in the list.
    pub(crate) chunks: u64,
    /// Live and vacant slots of the chunks whose slots were looked at: of all, if the sweep was [`Depth::All`].
    pub(crate) live: u64,
    pub(crate) free: u64,
}

impl List {
    /// Sweeps, unless another thread is at it: that one then looks once more, and `None` is returned.
    pub(crate) fn sweep(&'static self, domain: &DomainCore, depth: Depth) -> Option<Swept> {
        if !self.work.flag.take_or_ask() {
            // Lest the look that we asked for be satisfied with marks.
            self.hint();
            return None;
        }
        self.work.flag.begin();
        let swept = self.pass(domain, depth);
        if !self.work.flag.try_leave() {
            // Somebody asked meanwhile. Once more, and no oftener: those who come faster than we sweep must not keep us.
            self.work.flag.begin();
            self.pass(domain, depth);
            self.leave();
        }
        Some(swept)
    }

    /// One look by the marks, if nobody else is at it: for those who have something else to do, emissions above all.
    pub(super) fn sweep_in_passing(&'static self, domain: &DomainCore) -> Option<Swept> {
        self.work.flag.try_take().then(|| {
            let swept = self.pass(domain, Depth::Hinted);
            self.leave();
            swept
        })
    }

    /// Lets go of the flag. If somebody has asked for another look, the next sweeper will take it.
    fn leave(&self) {
        if self.work.flag.leave() {
            self.hint();
        }
    }

    /// Is there perhaps something to sweep, or somebody at it who has not counted what he found yet?
    pub(crate) fn may_hold_dead(&self) -> bool {
        // First the mark, then the flag: whoever has cleared the mark that we miss took the flag before that.
        self.is_marked() || self.work.flag.is_busy()
    }

    /// Runs `f` while nobody sweeps, after whoever does.
    pub(super) fn undisturbed<R>(&self, f: impl FnOnce() -> R) -> R {
        self.work.flag.take();
        let result = f();
        self.leave();
        result
    }

    /// Counts what is there, after whoever sweeps; `None` if the list is not `domain`'s, or not in use.
    pub(crate) fn count(&'static self, domain: &DomainCore) -> Option<Swept> {
        self.undisturbed(|| self.serves(domain).then(|| self.pass(domain, Depth::All)))
    }

    /// Is it in use, by a signal of `domain`? Only for the holder of the sweep flag.
    fn serves(&self, domain: &DomainCore) -> bool {
        !self.head().is_null() && self.is_of(domain)
    }

    /// One look at the list. Only for the holder of the sweep flag, which keeps every chunk where it is, but for those
    /// that are unlinked here.
    fn pass(&'static self, domain: &DomainCore, depth: Depth) -> Swept {
        let mut swept = Swept::default();
        // The list may have changed hands since the caller looked. Then its mark is another's.
        if !self.serves(domain) {
            return swept;
        }
        if !self.take_hint() && depth == Depth::Hinted {
            return swept;
        }
        let mut before: Option<&Chunk> = None;
        let mut next = self.head();
        // SAFETY: linked chunks stay linked while we hold the flag; chunks are immortal.
        while let Some(chunk) = unsafe { next.as_ref() } {
            // First the mark, then the tags, then the tail, then the chunk after it. A mark that is cleared after the
            // tags were read loses a death. A tail that is read before the tags may have moved on to this very chunk,
            // which would then be unlinked as the tail. A next that is read before the tail may be null although the
            // tail has moved on, which would cut the list off. And whoever moves the tail on from a chunk looks for what
            // is retired in it after that: so we retire before we read the tail, lest both of us miss the other.
            let marked = chunk.take_hint();
            let census = if marked || depth == Depth::All { chunk.census() } else { Default::default() };
            let all_dead = chunk.retire(census.dead);
            let is_tail = std::ptr::eq(self.tail(), chunk);
            next = chunk.next();

            swept.live += u64::from(census.live);
            swept.free += u64::from(census.vacant);
            let unlink = all_dead && !is_tail;
            if unlink {
                match before {
                    Some(before) => before.bypass(next),
                    None => self.set_head(next),
                }
            } else {
                swept.chunks += 1;
                before = Some(chunk);
            }
            if census.drops != 0 || unlink {
                domain.retire(chunk, census.drops, unlink);
            }
        }
        swept
    }
}
