//! How those wait who can be told how to.

use std::hint::spin_loop;
use std::thread;

use disruptor::Sequence;
use disruptor::wait_strategies::WaitStrategy;

use super::pinned;

/// What is done between two attempts, the same for everybody who can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Try again at once. Only for threads with a core each.
    Spin,
    /// Some tries, then one each time that the system has offered the core to others.
    Yield,
}

/// So many tries before the core is offered: about a microsecond.
const HASTY: u32 = 32;

impl Waiting {
    /// The one that wastes nothing with so many threads: busy where each has a core.
    pub fn busy_if_possible(threads: usize) -> Self {
        if threads <= pinned::cores().len() { Self::Spin } else { Self::Yield }
    }

    /// Tries until something comes of it.
    #[inline(always)]
    pub fn until<T>(self, mut attempt: impl FnMut() -> Option<T>) -> T {
        let mut tries = 0;
        loop {
            if let Some(got) = attempt() {
                return got;
            }
            self.pause(&mut tries);
        }
    }

    #[inline(always)]
    fn pause(self, tries: &mut u32) {
        if self == Self::Yield && *tries >= HASTY {
            thread::yield_now();
        } else {
            *tries = tries.wrapping_add(1);
            spin_loop();
        }
    }

    /// Offers something until it is taken; what was refused comes back, and is offered again.
    #[inline(always)]
    pub fn insist<T>(self, offered: T, mut offer: impl FnMut(T) -> Result<(), T>) {
        let mut left = Some(offered);
        self.until(|| match offer(left.take()?) {
            Ok(()) => Some(()),
            Err(refused) => {
                left = Some(refused);
                None
            }
        });
    }
}

/// The handlers of a disruptor, which tells nobody how often they have waited already.
impl WaitStrategy for Waiting {
    #[inline]
    fn wait_for(&self, _: Sequence) {
        if *self == Self::Yield {
            thread::yield_now();
        }
    }
}
