//! A slot's own connection, for slots that have to know it.

use crate::connection::Connection;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// A slot's own connection. It is known under the registry's lock, so before anyone can end it; an emission on another thread
/// may be faster.
#[derive(Clone, Default)]
pub(super) struct Own(Arc<Known>);

#[derive(Default)]
struct Known {
    connection: OnceLock<Connection>,
    /// Did the slot end it?
    by_itself: AtomicBool,
}

impl Own {
    /// Once, when it is connected, before anyone else can end it.
    pub(super) fn set(&self, connection: Connection) {
        let _ = self.0.connection.set(connection);
    }

    /// Ends it. (If it is not known yet, the next emission will have to.)
    pub(super) fn disconnect(&self) {
        if self.0.connection.get().is_some_and(Connection::disconnect) {
            // Relaxed: it only tells why.
            self.0.by_itself.store(true, Relaxed);
        }
    }

    /// Was it the slot that ended it?
    pub(super) fn ended_by_itself(&self) -> bool {
        self.0.by_itself.load(Relaxed)
    }

    /// The connection, once it is known.
    pub(super) fn get(&self) -> Option<Connection> {
        self.0.connection.get().copied()
    }

    /// Has it ended?
    pub(super) fn has_ended(&self) -> bool {
        self.0.connection.get().is_some_and(|connection| !connection.is_connected())
    }
}
