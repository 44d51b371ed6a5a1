//! Two threads that run at the same time, on a machine that may have other things to do.
//!
//! Who has no core for a while costs the other one nothing: two threads that take turns look as if they did not disturb each
//! other. So they run in short pieces, and a piece counts only if both had a core from its beginning to its end.

use std::hint::spin_loop;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

/// The first piece has so many iterations. Later ones have more, until they take [`LONG_ENOUGH`].
const PIECE: u64 = 500;

/// Long beside what it takes both to set off, and short beside the time for which a thread may keep a core.
const LONG_ENOUGH: Duration = Duration::from_micros(150);

/// Pieces are tried for so long, if too few of them count. If none does, they all do.
const PATIENCE: Duration = Duration::from_millis(60);

/// Who waits keeps the core for so many looks: longer than it takes the other one to come, if it has a core, too.
const LOOKS_PER_YIELD: u32 = 1 << 12;

/// Waits until `get` has something.
#[inline(always)]
pub(super) fn wait_for<T>(mut get: impl FnMut() -> Option<T>) -> T {
    let mut looks = 0_u32;
    loop {
        if let Some(got) = get() {
            return got;
        }
        looks = looks.wrapping_add(1);
        if looks % LOOKS_PER_YIELD == 0 { thread::yield_now() } else { spin_loop() }
    }
}

/// How much of a piece's time a thread may have been without a core, or alone: one part in so many.
const TOLERANCE: u32 = 20;

/// The time that `iterations` take, in which `first` and `second` are each done so often, by two threads. A piece takes as long as the
/// slower one.
pub(super) fn side_by_side(iterations: u64, first: impl Fn(u64), second: impl Fn(u64) + Sync) -> Duration {
    let meeting = Meeting::default();
    let patience = Instant::now() + PATIENCE;
    let mut pieces = Pieces::new(iterations);
    thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(piece) = meeting.learn() {
                meeting.tell(Run::of(|| second(piece)));
            }
        });
        while pieces.are_missing() && (Instant::now() < patience || pieces.all.iterations == 0) {
            meeting.announce(Some(pieces.length));
            let run = Run::of(|| first(pieces.length));
            pieces.add(run, meeting.listen());
        }
        meeting.announce(None);
    });
    pieces.time()
}

/// What one thread did in a piece.
#[derive(Clone, Copy)]
struct Run {
    start: Instant,
    time: Duration,
    /// Of it, with a core; where that can be known.
    with_core: Option<Duration>,
}

impl Run {
    fn of(run: impl FnOnce()) -> Self {
        let core = core_time();
        let start = Instant::now();
        run();
        let time = start.elapsed();
        Self { start, time, with_core: core_time().zip(core).map(|(after, before)| after.saturating_sub(before)) }
    }

    fn was_disturbed(&self) -> bool {
        self.with_core.is_some_and(|with_core| with_core + self.time / TOLERANCE < self.time)
    }
}

/// For how long the calling thread has had a core so far.
fn core_time() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes to `time`, and to nothing else.
        let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        (status == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// The pieces so far.
struct Pieces {
    wanted: u64,
    /// Iterations of the next one.
    length: u64,
    all: Sum,
    good: Sum,
}

#[derive(Default)]
struct Sum {
    iterations: u64,
    time: Duration,
}

impl Sum {
    fn add(&mut self, iterations: u64, time: Duration) {
        self.iterations += iterations;
        self.time += time;
    }
}

impl Pieces {
    fn new(wanted: u64) -> Self {
        Self { wanted, length: wanted.clamp(1, PIECE), all: Sum::default(), good: Sum::default() }
    }

    fn are_missing(&self) -> bool {
        self.good.iterations < self.wanted
    }

    fn add(&mut self, first: Run, second: Run) {
        let time = first.time.max(second.time);
        let apart = first.start.max(second.start) - first.start.min(second.start);
        self.all.add(self.length, time);
        if !first.was_disturbed() && !second.was_disturbed() && apart < time / TOLERANCE {
            self.good.add(self.length, time);
        }
        if time < LONG_ENOUGH {
            self.length = (2 * self.length).min(self.wanted).max(1);
        }
    }

    /// Of all iterations, by the pieces that count.
    fn time(&self) -> Duration {
        let sum = if self.good.iterations > 0 { &self.good } else { &self.all };
        sum.time.mul_f64(self.wanted as f64 / sum.iterations as f64)
    }
}

/// Where both threads meet before and after a piece, both awake.
#[derive(Default)]
struct Meeting {
    /// How often one of them has come. Even: both are here.
    arrived: CachePadded<AtomicU64>,
    piece: AtomicU64,
    run: Mutex<Option<Run>>,
}

impl Meeting {
    fn meet(&self) {
        let target = (self.arrived.fetch_add(1, Ordering::AcqRel) / 2 + 1) * 2;
        wait_for(|| (self.arrived.load(Ordering::Acquire) >= target).then_some(()));
    }

    /// Begins a piece, or ends it all.
    fn announce(&self, piece: Option<u64>) {
        self.piece.store(piece.unwrap_or(0), Ordering::Relaxed);
        self.meet();
    }

    /// The other side of [`announce`](Self::announce).
    fn learn(&self) -> Option<u64> {
        self.meet();
        Some(self.piece.load(Ordering::Relaxed)).filter(|piece| *piece > 0)
    }

    /// Ends a piece.
    fn tell(&self, run: Run) {
        *self.run.lock().expect("nothing panics under it") = Some(run);
        self.meet();
    }

    /// The other side of [`tell`](Self::tell).
    fn listen(&self) -> Run {
        self.meet();
        self.run.lock().expect("nothing panics under it").take().expect("told before we met")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: Instant, micros: u64, with_core: u64) -> Run {
        let [time, with_core] = [micros, with_core].map(Duration::from_micros);
        Run { start, time, with_core: Some(with_core) }
    }

    #[test]
    fn a_piece_in_which_one_had_no_core_does_not_count() {
        let (now, mut pieces) = (Instant::now(), Pieces::new(2 * PIECE));
        pieces.add(run(now, 1_000, 100), run(now, 200, 200));
        assert!(pieces.are_missing());
        assert_eq!(pieces.time(), Duration::from_micros(2_000), "the only one there is");
        pieces.add(run(now, 200, 200), run(now, 240, 238));
        assert_eq!(pieces.time(), Duration::from_micros(480));
        pieces.add(run(now, 200, 200), run(now + Duration::from_micros(190), 200, 200));
        assert!(pieces.are_missing(), "one after the other is not side by side");
        pieces.add(run(now, 160, 160), run(now, 160, 160));
        assert!(!pieces.are_missing());
        assert_eq!(pieces.time(), Duration::from_micros(400));
    }

    #[test]
    fn short_pieces_become_longer() {
        let (now, mut pieces) = (Instant::now(), Pieces::new(1_000_000));
        for length in [PIECE, 2 * PIECE, 4 * PIECE] {
            assert_eq!(pieces.length, length);
            pieces.add(run(now, 10, 10), run(now, 10, 10));
        }
        assert_eq!(pieces.time(), Duration::from_micros(30).mul_f64(1e6 / (7 * PIECE) as f64));
    }

    #[test]
    fn both_do_what_they_are_asked_to() {
        let (first, second) = (AtomicU64::new(0), AtomicU64::new(0));
        let count = |counter: &AtomicU64, times| _ = counter.fetch_add(times, Ordering::Relaxed);
        side_by_side(3 * PIECE, |times| count(&first, times), |times| count(&second, times));
        let done = first.into_inner();
        assert!(done >= PIECE);
        assert_eq!(second.into_inner(), done);
    }
}
