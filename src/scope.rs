//! The scoped connection: ends with its guard.

use crate::connection::Connection;
use std::ops::Deref;

/// A connection that ends when this guard is dropped; from [`connect_scoped`](crate::Signal::connect_scoped).
///
/// It dereferences to the [`Connection`], of which copies may outlive it. A guard that is forgotten (`mem::forget`) leaves
/// the connection as it is.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "the slot is disconnected as soon as this is dropped: keep it, or `release` it"]
pub struct ScopedConnection(Connection);

impl ScopedConnection {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(connection)
    }

    /// Gives up the guard: the connection stays.
    ///
    /// ```
    /// let signal = pulsebus::Signal::<u32>::new();
    /// let scoped = signal.connect_scoped(|_| {});
    /// let connection = scoped.release();
    /// assert!(connection.is_connected());
    /// ```
    pub fn release(self) -> Connection {
        let connection = self.0;
        std::mem::forget(self);
        connection
    }

    /// The connection it guards, as a weak handle.
    pub fn connection(&self) -> Connection {
        self.0
    }
}

impl Deref for ScopedConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl From<Connection> for ScopedConnection {
    /// Ends the connection with the guard from now on.
    fn from(connection: Connection) -> Self {
        Self(connection)
    }
}

impl Drop for ScopedConnection {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}
