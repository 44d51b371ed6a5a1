//! Pools of objects, beside the heap and beside other pools.

mod cases;
pub mod cycle;
mod figures;
mod source;
mod sources;
mod together;

use crossbeam_queue::{ArrayQueue, SegQueue};
use parking_lot::Mutex;

use crate::scenario::{Contest, Contestant};
use cases::enter;
pub use cycle::Object;
pub use source::{Payload, ROOM, Source, Words};
pub use sources::{ByHand, FreeList, Fresh, Linear, Malloc, Opool, Ours, Sharded, Zeroed};

/// The sizes of the objects, in bytes.
const SIZES: [usize; 3] = [64, 1_024, 16_384];

/// Objects that are out at a time in a burst.
pub const BURST: usize = 32;

/// One thing to measure of pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolScenario {
    /// One thread takes an object and gives it back.
    GetPut {
        /// Bytes of an object.
        size: usize,
    },
    /// One thread takes [`BURST`] objects, and gives them back.
    Burst {
        /// Bytes of an object.
        size: usize,
    },
    /// A look at everything.
    Figures {
        /// Pools that there are.
        pools: usize,
    },
    /// Two threads take an object and give it back, of the same pool at the same time: the time that passes divided by the
    /// objects of both.
    TwoThreads {
        /// Bytes of an object.
        size: usize,
    },
    /// One thread takes an object, another one gives it back.
    HandOver {
        /// Bytes of an object.
        size: usize,
    },
}

impl PoolScenario {
    /// Every scenario, in the order of the tables. Those with several threads come last: as long as a process has never started
    /// a thread, glibc's malloc spares itself its locks.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        all.extend(SIZES.map(|size| Self::GetPut { size }));
        all.extend(SIZES.map(|size| Self::Burst { size }));
        all.push(Self::Figures { pools: 100 });
        all.extend(SIZES.map(|size| Self::TwoThreads { size }));
        all.extend(SIZES.map(|size| Self::HandOver { size }));
        all
    }
}

impl Contest for PoolScenario {
    fn group(&self) -> &'static str {
        match self {
            Self::GetPut { .. } => "get_put",
            Self::Burst { .. } => "burst",
            Self::Figures { .. } => "figures",
            Self::TwoThreads { .. } => "two_threads",
            Self::HandOver { .. } => "hand_over",
        }
    }

    fn parameter(&self) -> usize {
        match *self {
            Self::Figures { pools } => pools,
            Self::GetPut { size } | Self::Burst { size } | Self::TwoThreads { size } | Self::HandOver { size } => size,
        }
    }

    fn operations(&self) -> u64 {
        match self {
            Self::Burst { .. } => BURST as u64,
            Self::TwoThreads { .. } => 2,
            _ => 1,
        }
    }

    fn contestants(&self) -> Vec<Contestant> {
        match *self {
            Self::Figures { pools } => figures::contestants(pools),
            Self::GetPut { size } | Self::Burst { size } | Self::TwoThreads { size } | Self::HandOver { size } => {
                let mut contestants = match size {
                    64 => small::<8>(*self),
                    1_024 => small::<128>(*self),
                    16_384 => large::<2_048>(*self),
                    _ => unreachable!("none of {SIZES:?}"),
                };
                if let Self::HandOver { .. } = self {
                    contestants.push(cases::channel());
                }
                contestants
            }
        }
    }
}

/// With the objects themselves in those pools that never move them.
fn small<const N: usize>(scenario: PoolScenario) -> Vec<Contestant> {
    everyone::<N, Linear<Words<N>>>(scenario)
}

/// With boxes in them: a page of large objects is made on the stack, which it does not fit.
fn large<const N: usize>(scenario: PoolScenario) -> Vec<Contestant> {
    everyone::<N, Linear<Box<Words<N>>>>(scenario)
}

/// Pools that move their objects hold boxes, as everyone would who has a kilobyte to keep.
fn everyone<const N: usize, L: Source>(scenario: PoolScenario) -> Vec<Contestant> {
    type Boxed<const N: usize> = Box<Words<N>>;
    vec![
        enter::<Ours<Words<N>>>(scenario),
        enter::<Zeroed<N>>(scenario),
        enter::<Malloc<N>>(scenario),
        enter::<L>(scenario),
        enter::<Opool<Boxed<N>>>(scenario),
        enter::<Sharded<N>>(scenario),
        enter::<ByHand<Boxed<N>, ArrayQueue<Boxed<N>>>>(scenario),
        enter::<ByHand<Boxed<N>, SegQueue<Boxed<N>>>>(scenario),
        enter::<ByHand<Boxed<N>, Mutex<Vec<Boxed<N>>>>>(scenario),
    ]
}
