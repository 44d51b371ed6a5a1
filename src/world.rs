//! What the process has one of: the global domain, and the pools that all domains share.

use crate::domain::{DomainCore, Estates};
use crate::list::{Chunk, List};
use crate::objects::{Directory, Rounds};
use crate::pool::Pool;
use crate::sync::const_unless_loom;

/// All memory of the library, and the domain of [`Signal::new`](crate::Signal::new).
pub(crate) struct World {
    pub(crate) global: DomainCore,
    pub(crate) domains: Pool<DomainCore>,
    pub(crate) estates: Estates,
    pub(crate) lists: Pool<List>,
    pub(crate) chunks: Pool<Chunk>,
    /// What idle objects of the user's pools lie in.
    pub(crate) rounds: Pool<Rounds>,
    /// What keys of the user's pools stand for.
    pub(crate) keys: Pool<Directory>,
}

impl World {
    const_unless_loom! {
        fn new() -> Self {
            Self { global: DomainCore::new(), domains: Pool::new(), estates: Estates::new(), lists: Pool::new(), chunks: Pool::new(), rounds: Pool::new(), keys: Pool::new() }
        }
    }
}

#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn world() -> &'static World {
    static WORLD: World = World::new();
    &WORLD
}

#[cfg(loom)]
pub(crate) use modelled::{new_world, world};

#[cfg(loom)]
mod modelled {
    use super::World;
    use crate::sync::{end_of_execution, immortal};
    use std::cell::Cell;

    std::thread_local! {
        static WORLD: Cell<Option<&'static World>> = const { Cell::new(None) };
    }

    /// A world for the execution that starts. Called first in each, by the model's main thread.
    pub(crate) fn new_world() {
        WORLD.set(None);
        end_of_execution();
        WORLD.set(Some(&immortal(vec![World::new()])[0]));
    }

    pub(crate) fn world() -> &'static World {
        WORLD.get().expect("models start with pulsebus::model::check")
    }
}
