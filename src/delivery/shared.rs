//! Sharing instead of cloning: one `Arc` per emission, for all mailboxes of a hub.

use super::error::CapacityError;
use super::mailbox::Receiver;
use super::origin::Origin;
use super::overflow::Overflow;
use crate::connection::Connection;
use crate::panics::drop_quietly;
use crate::scope::ScopedConnection;
use crate::signal::Signal;
use std::fmt;
use std::sync::{Arc, Mutex};

/// So many events a hub keeps, to be used again when nobody holds them any more.
const KEPT: usize = 32;

impl<E> Signal<E> {
    /// Connects a hub: what is emitted from now on is cloned once, if anybody listens to the hub, however many do; each of its mailboxes gets an
    /// [`Arc`] of it.
    ///
    /// ```
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let frames = Signal::<Vec<u8>>::new();
    /// let shared = frames.shared();
    /// let mut recorder = shared.mailbox(8, Overflow::DropOldest)?;
    /// let mut encoder = shared.mailbox(1, Overflow::KeepLatest)?;
    /// frames.emit(&vec![0; 1_000_000]);
    /// let (a, b) = (recorder.recv().unwrap(), encoder.recv().unwrap());
    /// assert!(std::sync::Arc::ptr_eq(&a, &b));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    #[track_caller]
    pub fn shared(&self) -> Shared<E>
    where
        E: Clone + Send + Sync + 'static,
    {
        let hub = Arc::new(Hub { signal: Signal::new_in(self.domain()), kept: Mutex::new(Kept::default()) });
        let slot = HubSlot(hub.clone());
        let connection = self.connect(move |event| slot.0.emit(event));
        Shared { origin: Origin::new(self, connection), connection: connection.into(), hub }
    }
}

/// A hub from which several mailboxes get the same events, without a clone for each; from [`Signal::shared`]. When it is dropped, the
/// streams of its mailboxes end after what is queued.
///
/// An event costs one clone, and one allocation; or none: the hub keeps some tens of events, and when nobody else holds one of them
/// any more, it clones the new event into it (`clone_from`, which for `Vec`, `String` and the like uses their memory again). So what a mailbox has
/// let go may stay in memory until other events have taken its place, or the hub is dropped.
pub struct Shared<E> {
    /// Before the hub: it ends first.
    connection: ScopedConnection,
    origin: Origin,
    hub: Arc<Hub<E>>,
}

/// What the hub's slot has of it: when that is dropped, nothing more comes.
struct HubSlot<E>(Arc<Hub<E>>);

impl<E> Drop for HubSlot<E> {
    fn drop(&mut self) {
        self.0.signal.disconnect_all();
    }
}

struct Hub<E> {
    signal: Signal<Arc<E>>,
    /// Only ever tried, never waited for: two who emit at the same time do not share it.
    kept: Mutex<Kept<E>>,
}

struct Kept<E> {
    events: Vec<Arc<E>>,
    /// The one that was used the longest time ago.
    next: usize,
}

impl<E> Default for Kept<E> {
    fn default() -> Self {
        Self { events: Vec::with_capacity(KEPT), next: 0 }
    }
}

impl<E: Clone + Send + Sync + 'static> Hub<E> {
    fn emit(&self, event: &E) {
        if !self.signal.is_empty() {
            self.signal.emit(&self.share(event));
        }
    }

    fn share(&self, event: &E) -> Arc<E> {
        // Taken out while foreign code runs (`clone_from` may panic, or emit again): then others find another one, or none.
        let spare = self.take_spare();
        let shared = match spare {
            Some(mut spare) => {
                // It was nobody else's, and we hold it alone.
                if let Some(place) = Arc::get_mut(&mut spare) {
                    place.clone_from(event);
                    spare
                } else {
                    Arc::new(event.clone())
                }
            }
            None => Arc::new(event.clone()),
        };
        self.keep(&shared);
        shared
    }

    /// The one that was used the longest time ago, if there are enough and nobody holds it any more.
    fn take_spare(&self) -> Option<Arc<E>> {
        let mut kept = self.kept.try_lock().ok()?;
        let next = kept.next;
        if kept.events.len() < KEPT || Arc::get_mut(kept.events.get_mut(next)?).is_none() {
            return None;
        }
        Some(kept.events.swap_remove(next))
    }

    fn keep(&self, event: &Arc<E>) {
        let Ok(mut kept) = self.kept.try_lock() else { return };
        let next = kept.next;
        let mut replaced = None;
        if kept.events.len() < KEPT {
            kept.events.push(event.clone());
            // `take_spare` has put the last one into its place.
            let last = kept.events.len() - 1;
            kept.events.swap(next.min(last), last);
        } else {
            replaced = Some(std::mem::replace(&mut kept.events[next], event.clone()));
        }
        kept.next = (next + 1) % KEPT;
        drop(kept);
        // Outside of the lock: mostly others hold it, and drop it.
        let _ = drop_quietly(replaced);
    }
}

impl<E: Clone + Send + Sync + 'static> Shared<E> {
    /// Connects a mailbox to the hub: like [`Signal::mailbox`], of shared events. Its stream ends with the hub, and with what the hub is
    /// connected to.
    ///
    /// # Errors
    /// As [`Signal::mailbox`].
    #[track_caller]
    pub fn mailbox(&self, capacity: usize, overflow: Overflow) -> Result<Receiver<Arc<E>>, CapacityError> {
        Ok(self.hub.signal.mailbox(capacity, overflow)?.behind(self.origin))
    }
}

impl<E> Shared<E> {
    /// The hub's own signal, for slots that keep events. Its connections end with the hub; and when the hub's slot is dropped, as it is with
    /// the signal that the hub is connected to.
    pub fn signal(&self) -> &Signal<Arc<E>> {
        &self.hub.signal
    }

    /// The connection of the hub's slot, as a weak handle.
    pub fn connection(&self) -> Connection {
        self.connection.connection()
    }
}

impl<E> Drop for Shared<E> {
    fn drop(&mut self) {
        // The hub lives on in its slot until that is collected, but nobody is to wait for more.
        self.hub.signal.disconnect_all();
    }
}

impl<E> fmt::Debug for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("signal", &self.hub.signal).finish_non_exhaustive()
    }
}
