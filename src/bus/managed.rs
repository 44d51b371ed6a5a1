//! Wrapping a struct of the user's into a service.

use super::Bus;
use super::key::Name;
use super::service::Service;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Something that a bus can run as a service: connections, timers and statistics of its own, stopped with the bus.
///
/// ```
/// use pulsebus::{Bus, ConnectError, Managed, Name, Service, Signal};
/// use std::sync::Arc;
///
/// static QUEST_DONE: Signal<u32> = Signal::new();
///
/// struct QuestService { name: &'static str }
///
/// impl Managed for QuestService {
///     fn name(&self) -> Name {
///         "Quest".into()
///     }
///
///     fn start(self: &Arc<Self>, service: &Service) -> Result<(), ConnectError> {
///         service.connect(&QUEST_DONE).weak(self, |this, quest| println!("{}: {quest} is done", this.name))?;
///         Ok(())
///     }
///
///     fn stop(&self) {
///         println!("saved");
///     }
/// }
///
/// let bus = Bus::new();
/// let quests = bus.manage(QuestService { name: "quests" })?;
/// assert_eq!(quests.service().len(), 1);
/// println!("{}", quests.name); // the struct itself
/// assert!(bus.shutdown(std::time::Duration::from_secs(1)).is_ok_and(|report| report.is_clean()));
/// # Ok::<(), ConnectError>(())
/// ```
///
/// (A struct that keeps its [`Service`], or a [`Bus`], keeps the bus, which keeps the struct: none of them goes before the
/// service is stopped. Keep a [`WeakBus`](crate::WeakBus) instead.)
pub trait Managed: Send + Sync + 'static {
    /// The service's name.
    fn name(&self) -> Name;

    /// Connects what it wants to hear of. Capture `self` [weakly](super::Connect::weak), or it is kept until the service has
    /// stopped.
    ///
    /// # Errors
    /// What its connecting says; then the service is stopped again.
    fn start(self: &Arc<Self>, service: &Service) -> Result<(), super::ConnectError> {
        let _ = service;
        Ok(())
    }

    /// Called once when the service stops, before its connections end.
    fn stop(&self) {}
}

/// A service and the struct behind it; from [`Bus::manage`]. Dereferences to the struct.
pub struct ManagedService<T: ?Sized> {
    service: Service,
    value: Arc<T>,
}

impl Bus {
    /// Makes a service of a struct, and starts it. The bus keeps the struct until the service stops.
    ///
    /// # Errors
    /// What [`Managed::start`] says; [`ConnectError::ServiceExists`](super::ConnectError::ServiceExists) if there is a service
    /// of that name; and [`ConnectError::ShutDown`](super::ConnectError::ShutDown).
    ///
    /// # Panics
    /// If [`Managed::start`] does. The service is stopped then.
    pub fn manage<T: Managed>(&self, value: T) -> Result<ManagedService<T>, super::ConnectError> {
        let name = value.name();
        if self.is_shut_down() {
            return Err(super::ConnectError::ShutDown);
        }
        let value = Arc::new(value);
        let Some(service) = self.inner.services.register(self, name.clone()) else {
            return Err(super::ConnectError::ServiceExists { service: name });
        };
        let kept = Arc::clone(&value);
        service.on_shutdown(move || kept.stop());
        let starting = Starting(&service);
        value.start(&service)?;
        std::mem::forget(starting);
        Ok(ManagedService { service, value })
    }
}

/// Stops a service whose start comes to nothing.
struct Starting<'a>(&'a Service);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<T: ?Sized> ManagedService<T> {
    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The struct.
    pub fn value(&self) -> &Arc<T> {
        &self.value
    }
}

impl<T: ?Sized> Deref for ManagedService<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> Clone for ManagedService<T> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), value: Arc::clone(&self.value) }
    }
}

impl<T: ?Sized> fmt::Debug for ManagedService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedService").field("service", &self.service).finish_non_exhaustive()
    }
}
