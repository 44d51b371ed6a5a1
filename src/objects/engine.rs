//! What the library's own pools report.

use super::depot::Rounds;
use super::figures::PoolFigures;
use super::keys::Directory;
use super::registry::Pools;
use crate::domain::{Census, DomainCore, census};
use crate::list::{CHUNK_SLOTS, Chunk, List};
use crate::pool::Immortal;
use crate::world::world;
use std::mem::size_of;

/// What none of them counts, as it would cost the users of signals time.
const NEVER: [&str; 3] = ["peak_window", "peak", "resizes"];
/// Things that only the one who has them knows to be in use.
const ONLY_MADE: &[&str] = &["gets", "outstanding", "idle", NEVER[0], NEVER[1], NEVER[2]];
/// Nobody counts connections. (The bytes are those of the chunks.)
const SLOTS: &[&str] = &["gets", "bytes", NEVER[0], NEVER[1], NEVER[2]];

impl Pools {
    /// The figures of the pools that the library itself lives on, of all signals, buses and pools of the process:
    ///
    /// - `pulsebus chunks` and `pulsebus slots`: what connections are kept in, 32 slots to a chunk. A slot that has ended is
    ///   outstanding until its chunk can be used again;
    /// - `pulsebus lists`: one for each signal that was ever connected to;
    /// - `pulsebus domains`, but for the global one;
    /// - `pulsebus rounds` and `pulsebus keys`: what idle objects of your pools lie in, and the directories of their keys.
    ///
    /// None of it is ever given back to the system. [`misses`](PoolFigures::misses) are all that were ever made: in slabs, some
    /// of them before they are needed. What is not counted, because it would cost emissions and connects time, is named in
    /// [`uncounted`](PoolFigures::uncounted).
    ///
    /// Cost: a look at each chunk of each signal.
    ///
    /// ```
    /// use pulsebus::{Pools, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// signal.connect(|_| ());
    /// let engine = Pools::engine();
    /// let slots = engine.iter().find(|pool| &*pool.name == "pulsebus slots").unwrap();
    /// assert_eq!(slots.outstanding, 1);
    /// assert!(!slots.counts("gets"));
    /// ```
    pub fn engine() -> Vec<PoolFigures> {
        let Census { domains, chunks, chunks_taken, lists, lists_taken, live: _, free } = census();
        let world = world();
        // Read after those in use, so that there are never too few.
        let slots = PoolFigures {
            outstanding: (chunks * CHUNK_SLOTS).saturating_sub(free),
            uncounted: SLOTS,
            bytes: 0,
            ..made::<Chunk>("pulsebus slots", world.chunks.made() * CHUNK_SLOTS)
        };
        let chunks = PoolFigures {
            gets: chunks_taken,
            outstanding: chunks,
            uncounted: &NEVER,
            ..made::<Chunk>("pulsebus chunks", world.chunks.made())
        };
        let lists = PoolFigures {
            gets: lists_taken,
            outstanding: lists,
            uncounted: &NEVER,
            ..made::<List>("pulsebus lists", world.lists.made())
        };
        let domains = PoolFigures {
            outstanding: domains,
            uncounted: &["gets", NEVER[0], NEVER[1], NEVER[2]],
            ..made::<DomainCore>("pulsebus domains", world.domains.made())
        };
        let rounds = made::<Rounds>("pulsebus rounds", world.rounds.made());
        let keys = made::<Directory>("pulsebus keys", world.keys.made());
        vec![in_use(chunks), in_use(slots), in_use(lists), in_use(domains), rounds, keys]
    }
}

/// Of so many things, of which it is not known whether they are in use.
fn made<T: Immortal>(name: &str, made: usize) -> PoolFigures {
    PoolFigures {
        name: name.into(),
        gets: 0,
        misses: made as u64,
        outstanding: 0,
        kept: 0,
        idle: 0,
        peak_window: 0,
        peak: 0,
        min: 0,
        max: usize::MAX,
        resizes: 0,
        exhausted: 0,
        panics: 0,
        leaks_suspected: 0,
        bytes: made * size_of::<T>(),
        uncounted: ONLY_MADE,
    }
}

/// Those that are not outstanding are idle.
fn in_use(figures: PoolFigures) -> PoolFigures {
    PoolFigures { idle: (figures.misses as usize).saturating_sub(figures.outstanding), ..figures }
}
