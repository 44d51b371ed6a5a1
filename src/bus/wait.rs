//! Ending connections, and waiting until nobody is inside their slots.

use super::Bus;
use super::inner::Inner;
use super::key::{Name, Owner};
use super::reason::EndReason;
use super::registry::{Group, Registry};
use super::scope::OwnerScope;
use super::service::Service;
use crate::connection::{WaitError, wait_for_all_pins};
use crate::domain::DomainCore;
use std::ptr;
use std::time::Duration;

/// # Waiting
///
/// Another thread may be inside a slot that has been ended. Each of these waits, besides, for every emission and tick under way in
/// the domains that the connections reclaim with: when it has returned `Ok`, nobody is inside their slots. `Duration::MAX` waits for as long
/// as it takes; zero looks once.
///
/// All of them are ended in each case; what may fail is the waiting: [`WaitError::WouldDeadlock`] inside an emission or a tick,
/// [`WaitError::TimedOut`] if some thread was still inside one.
impl Bus {
    /// [`cleanup_owner`](Self::cleanup_owner), and waits.
    ///
    /// # Errors
    /// See [Waiting](#waiting).
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    /// use std::time::Duration;
    ///
    /// let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    /// bus.connect(&signal).owner(7).slot(|n| println!("{n}"))?;
    /// assert_eq!(bus.cleanup_owner_and_wait(7, Duration::from_secs(1)), Ok(1));
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    pub fn cleanup_owner_and_wait(&self, owner: impl Into<Owner>, timeout: Duration) -> Result<usize, WaitError> {
        self.inner.end_and_wait(&Group::Owner(&owner.into()), EndReason::OwnerLeft, timeout)
    }

    /// [`cleanup_service`](Self::cleanup_service), and waits.
    ///
    /// # Errors
    /// See [Waiting](#waiting).
    pub fn cleanup_service_and_wait(&self, service: impl Into<Name>, timeout: Duration) -> Result<usize, WaitError> {
        self.inner.end_and_wait(&Group::Service(&service.into()), EndReason::ServiceStopped, timeout)
    }

    /// Waits for every emission and tick under way in the domains of all connections that the bus knows, and in its own. Ends nothing.
    ///
    /// # Errors
    /// See [Waiting](#waiting).
    pub fn quiesce(&self, timeout: Duration) -> Result<(), WaitError> {
        let mut domains = self.inner.look(|registry| registry.domains_of(&Group::All));
        domains.push(self.inner.domain.core());
        wait_for_all_pins(&domains, timeout)
    }
}

impl Inner {
    fn end_and_wait(&self, group: &Group<'_>, reason: EndReason, timeout: Duration) -> Result<usize, WaitError> {
        let (count, domains) = self.with(|registry, ended| {
            let domains: Vec<&'static DomainCore> = registry.domains_of(group);
            (registry.end_group(group, reason, ended), domains)
        });
        wait_for_all_pins(&domains, timeout).map(|()| count)
    }
}

impl OwnerScope {
    /// [`leave`](Self::leave), and waits until nobody is inside its slots.
    ///
    /// # Errors
    /// As of [`Bus::cleanup_owner_and_wait`]. The scope has ended in each case.
    pub fn leave_and_wait(self, timeout: Duration) -> Result<usize, WaitError> {
        let domains = self.domains();
        let count = self.leave();
        wait_for_all_pins(&domains, timeout).map(|()| count)
    }
}

impl Service {
    /// [`stop`](Self::stop), and waits until nobody is inside its slots.
    ///
    /// # Errors
    /// As of [`Bus::cleanup_owner_and_wait`]. The service has stopped in each case.
    pub fn stop_and_wait(&self, timeout: Duration) -> Result<usize, WaitError> {
        let domains = self.domains();
        let count = self.stop();
        wait_for_all_pins(&domains, timeout).map(|()| count)
    }
}

impl Registry {
    /// The domains that the connections of a group reclaim with, each once.
    pub(super) fn domains_of(&self, group: &Group<'_>) -> Vec<&'static DomainCore> {
        let mut domains: Vec<&'static DomainCore> = Vec::new();
        for id in self.select(group) {
            let domain = self.look_at(id).and_then(|seen| seen.record.connection.domain());
            if let Some(domain) = domain.filter(|domain| !domains.iter().any(|known| ptr::eq(*known, *domain))) {
                domains.push(domain);
            }
        }
        domains
    }
}
