//! The tick: one pin for many emissions.

use crate::domain::DomainCore;
use crate::emitted::Emitted;
use crate::epoch;
use crate::signal::Signal;
use std::panic::Location;

/// Evidence that a tick is under way; from [`tick`].
///
/// It stays on its thread, and ends with the closure that got it.
pub struct Tick {
    _pin: epoch::Pin,
}

impl Tick {
    pub(crate) fn run<R>(
        domain: &'static DomainCore,
        place: &'static Location<'static>,
        f: impl FnOnce(&Tick) -> R,
    ) -> R {
        f(&Tick { _pin: epoch::pin(&domain.epoch, place) })
    }

    /// [`Signal::emit`], under the tick's pin if the signal is of the tick's domain.
    #[inline]
    #[track_caller]
    pub fn emit<E>(&self, signal: &Signal<E>, event: &E) -> Emitted {
        signal.emit(event)
    }

    /// [`Signal::emit_batch`], under the tick's pin if the signal is of the tick's domain.
    #[inline]
    #[track_caller]
    pub fn emit_batch<E>(&self, signal: &Signal<E>, events: &[E]) -> Emitted {
        signal.emit_batch(events)
    }
}

impl std::fmt::Debug for Tick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tick").finish_non_exhaustive()
    }
}

/// One pin for many emissions of signals of the global domain: for the heartbeat of a server.
///
/// Nothing that ends meanwhile is reclaimed before the closure has returned, so a tick should not outlast what it is
/// named after. For signals of other domains see [`Domain::tick`](crate::Domain::tick).
///
/// ```
/// use pulsebus::Signal;
///
/// static MOVED: Signal<(u32, f32)> = Signal::new();
/// MOVED.connect(|(entity, x)| println!("{entity} is at {x}"));
///
/// pulsebus::tick(|t| {
///     for entity in 0..3 {
///         t.emit(&MOVED, &(entity, 1.5));
///     }
/// });
/// ```
#[track_caller]
pub fn tick<R>(f: impl FnOnce(&Tick) -> R) -> R {
    Tick::run(&crate::world::world().global, Location::caller(), f)
}
