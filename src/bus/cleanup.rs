//! Ending connections by whatever they have in common.

use super::Bus;
use super::details::{ConnectionId, Detail, Filter};
use super::key::{Kind, Name, Owner};
use super::reason::EndReason;
use super::registry::{Group, Id};
use crate::connection::Connection;

/// # Cleaning up
///
/// Each of these returns how many connections it ended. When it has returned, no emission that starts later runs any of their
/// slots, and emissions under way on this thread skip them. Their callbacks have been called. Cost: some tens of nanoseconds
/// for each, a look at every connection where it says so.
impl Bus {
    /// Ends everything of an owner: the player has left.
    pub fn cleanup_owner(&self, owner: impl Into<Owner>) -> usize {
        self.inner.end(&Group::Owner(&owner.into()), EndReason::OwnerLeft)
    }

    /// Ends everything of a service.
    pub fn cleanup_service(&self, service: impl Into<Name>) -> usize {
        self.inner.end(&Group::Service(&service.into()), EndReason::ServiceStopped)
    }

    /// Ends everything with a tag.
    pub fn cleanup_tag(&self, tag: impl Into<Name>) -> usize {
        self.inner.end(&Group::Tag(&tag.into()), EndReason::Tag)
    }

    /// Ends everything of a kind. Looks at every connection.
    pub fn cleanup_kind(&self, kind: &Kind) -> usize {
        self.inner.end(&Group::Kind(kind), EndReason::Kind)
    }

    /// Ends everything that a predicate is true of. The predicate runs outside of all locks; what is connected meanwhile may
    /// or may not be shown to it. Looks at every connection.
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    /// let fragile = bus.connect(&signal).describe("divides").slot(|n| assert!(1 / n > 0))?;
    /// signal.emit(&0);
    /// assert_eq!(bus.cleanup_where(|detail| detail.panics > 0), 1);
    /// assert!(!fragile.is_connected());
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    pub fn cleanup_where(&self, mut predicate: impl FnMut(&Detail) -> bool) -> usize {
        let mut count = 0;
        let mut details = Vec::new();
        for page in 0.. {
            let more = self.inner.add_details(page, &Filter::new(), &mut details);
            let chosen: Vec<Id> = details
                .drain(..)
                .filter(|detail| detail.connected && predicate(detail))
                .map(|detail| Id::from_number(detail.id.0))
                .collect();
            count += self.inner.with(|registry, ended| {
                chosen.into_iter().filter(|id| registry.end(*id, EndReason::Filter, ended)).count()
            });
            if !more {
                break;
            }
        }
        count
    }

    /// Ends what is stale: whose weak target is gone, or which has outlived a timeout that it asked for. Also sees to what was
    /// disconnected behind the bus's back, which does not count. Looks at every connection.
    pub fn cleanup_stale(&self) -> usize {
        let count = self.inner.sweep(true);
        self.inner.take_audit_look();
        count
    }

    /// Ends everything.
    pub fn emergency_cleanup(&self) -> usize {
        self.inner.end(&Group::All, EndReason::Emergency)
    }

    /// Ends the connection that an owner has under a name. Was there one?
    pub fn unregister(&self, owner: impl Into<Owner>, name: impl Into<Name>) -> bool {
        self.inner.end(&Group::Named(&owner.into(), &name.into()), EndReason::Unregistered) > 0
    }

    /// Ends a connection, tracked or not, like [`Connection::disconnect`]; and if it is tracked, forgets it and runs its
    /// callback. `true` for exactly one of all that try to end it.
    pub fn disconnect(&self, connection: Connection) -> bool {
        self.inner.end_connection(&connection, EndReason::Disconnected)
    }

    /// Ends the connection of that number. Was it there?
    pub fn disconnect_id(&self, id: ConnectionId) -> bool {
        self.inner.with(|registry, ended| registry.end(Id::from_number(id.0), EndReason::Disconnected, ended))
    }
}
