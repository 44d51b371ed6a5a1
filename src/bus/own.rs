//! A slot's own connection, for slots that have to know it.

use crate::connection::Connection;
use std::sync::{Arc, OnceLock};

/// A slot's own connection. It is known when the connect has returned: an emission on another thread may be faster.
#[derive(Clone, Default)]
pub(super) struct Own(Arc<OnceLock<Connection>>);

impl Own {
    /// Once, after the connect.
    pub(super) fn set(&self, connection: Connection) {
        let _ = self.0.set(connection);
    }

    /// Ends it. (If it is not known yet, the next emission will have to.)
    pub(super) fn disconnect(&self) {
        if let Some(connection) = self.0.get() {
            connection.disconnect();
        }
    }

    /// Has it ended?
    pub(super) fn has_ended(&self) -> bool {
        self.0.get().is_some_and(|connection| !connection.is_connected())
    }
}
