//! How a thread waits for something that another one does.

use crate::sync::spin_loop;
use std::time::{Duration, Instant};

/// How a receiver waits for the next event.
///
/// | | the event is met after | while waiting |
/// | --- | --- | --- |
/// | `Spin` | tens of nanoseconds | the core is busy; for a thread with a core of its own |
/// | `Yield` | about a microsecond, longer on a busy machine | the core is busy, but others may have it |
/// | `Park` | tens of nanoseconds if it comes soon, up to some hundred a little later, else what the system takes to wake a thread (some microseconds to some tens) | some microseconds of looking, less and less often, then nothing |
///
/// What it costs who sends: nothing but a load, unless somebody sleeps; then a lock and a system call, once per sleeper.
/// (And a fence, under [`PinFlavour::Fence`](crate::PinFlavour::Fence).)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Wait {
    /// Looks again and again, without letting go of the core.
    Spin,
    /// Looks again and again, and offers the core to others in between.
    Yield,
    /// Looks for some microseconds, and sleeps then. The default.
    #[default]
    Park,
}

/// So many looks before a thread goes to sleep, which costs more than all of them: a heavy barrier and system calls.
const LOOKS: u32 = 90;
/// So many of them without offering the core to others: about three microseconds.
const HASTY_LOOKS: u32 = 10;
/// So many pauses between two of those, at the most; four at first. Each look takes the line that the other side is about to write: who
/// looks more rarely, and finds more at a time, lets it go on.
const LONGEST_GAP: u32 = 16;
/// A clock is read once in so many looks without offering the core; and each time before it is offered, which may take long.
const LOOKS_PER_CLOCK: u32 = 64;

/// So long nobody sleeps without a look at what cannot wake him: the end of the connection that brings events.
const LOOK_FOR_END: Duration = Duration::from_millis(50);

/// When a sleeper is to look for the end, or has waited long enough.
pub(super) fn next_look(deadline: Option<Instant>) -> Option<Instant> {
    Instant::now().checked_add(LOOK_FOR_END).into_iter().chain(deadline).min()
}

/// The rounds of a thread that waits without sleeping.
pub(super) struct Rounds {
    wait: Wait,
    made: u32,
}

impl Rounds {
    pub(super) fn new(wait: Wait) -> Self {
        Self { wait, made: 0 }
    }

    /// Lets a moment pass. `false` when it is time to do something else: to sleep, or to give up because of the deadline.
    pub(super) fn pause(&mut self, deadline: impl FnOnce() -> Option<Instant>) -> bool {
        let made = self.made;
        self.made = made.wrapping_add(1);
        if cfg!(loom) && self.wait != Wait::Park {
            crate::sync::yield_now();
            return true;
        }
        let gap = match self.wait {
            Wait::Park if cfg!(loom) || made >= LOOKS => return false,
            Wait::Park if made < HASTY_LOOKS => LONGEST_GAP.min(4 << made),
            Wait::Spin => 1,
            Wait::Park | Wait::Yield => 0,
        };
        if (gap == 0 || made % LOOKS_PER_CLOCK == LOOKS_PER_CLOCK - 1) && is_over(deadline()) {
            return false;
        }
        match gap {
            0 => crate::sync::yield_now(),
            _ => (0..gap).for_each(|_| spin_loop()),
        }
        true
    }
}

/// Has the deadline come? In models no time goes by.
pub(super) fn is_over(deadline: Option<Instant>) -> bool {
    !cfg!(loom) && deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn rounds_until(deadline: Option<Instant>, wait: Wait) -> u32 {
        let mut rounds = Rounds::new(wait);
        while rounds.pause(|| deadline) {}
        rounds.made
    }

    #[test]
    fn who_is_late_already_offers_the_core_to_nobody() {
        let now = Some(Instant::now());
        assert_eq!(rounds_until(now, Wait::Park), HASTY_LOOKS + 1);
        assert_eq!(rounds_until(now, Wait::Yield), 1);
        assert_eq!(rounds_until(now, Wait::Spin), LOOKS_PER_CLOCK);
    }

    #[test]
    fn who_has_time_goes_to_sleep_after_some_looks() {
        assert_eq!(rounds_until(None, Wait::Park), LOOKS + 1);
    }
}
