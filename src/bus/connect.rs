//! The builder: what is said of a connection, and then its slot.

use super::Bus;
use super::calls::Meter;
use super::error::ConnectError;
use super::key::{Kind, Name, Owner};
use super::own::Own;
use super::reason::EndReason;
use super::registry::{Attached, Target};
use super::scope::ScopeState;
use super::service::ServiceState;
use super::source::Source;
use super::track::{Timeout, Track};
use crate::connection::Connection;
use crate::list::{Closure, Due, Rank};
use crate::scope::ScopedConnection;
use crate::signal::Signal;
use crate::slot::{SlotBuilder, When};
use std::fmt;
use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

/// A connection that is being described; from [`Bus::connect`] and its like. Say what there is to say, in any order, then how
/// it ends: with [`slot`](Self::slot), most of the time.
///
/// Nothing happens before that. What is said twice counts as said last, but for tags, which add up.
#[must_use = "nothing is connected before `.slot(..)`"]
pub struct Connect<'a, T> {
    pub(super) bus: &'a Bus,
    pub(super) target: T,
    pub(super) track: Track,
}

impl<'a, T> Connect<'a, T> {
    #[inline(always)]
    pub(super) fn new(bus: &'a Bus, target: T, track: Track) -> Self {
        Self { bus, target, track }
    }

    /// Whose it is: a number, a name, or any [key](Owner::key). It ends with its owner ([`Bus::cleanup_owner`]).
    #[inline(always)]
    pub fn owner(mut self, owner: impl Into<Owner>) -> Self {
        self.track.owner = Some(owner.into());
        // The scope of another owner would be a contradiction.
        self.track.leaves_scope = true;
        self
    }

    /// The service that it serves. It ends with it ([`Bus::cleanup_service`]).
    #[inline(always)]
    pub fn service(mut self, service: impl Into<Name>) -> Self {
        self.track.service = Some(service.into());
        self.track.leaves_service = true;
        self
    }

    /// A tag, by which it can be found and ended ([`Bus::cleanup_tag`]). It may have several.
    #[inline(always)]
    pub fn tag(mut self, tag: impl Into<Name>) -> Self {
        self.track.tags.add(tag.into());
        self
    }

    /// Several tags.
    pub fn tags<N: Into<Name>>(mut self, tags: impl IntoIterator<Item = N>) -> Self {
        tags.into_iter().for_each(|tag| self.track.tags.add(tag.into()));
        self
    }

    /// What it is for. [`Kind::Signal`] if nothing is said.
    #[inline(always)]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.track.kind = kind;
        self
    }

    /// A name within its owner. Connecting another one of this name ends this one first ([`EndReason::Replaced`]).
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        self.track.rare().name = Some(name.into());
        self
    }

    /// What it does, for people.
    pub fn describe(mut self, description: impl Into<Name>) -> Self {
        self.track.rare().description = Some(description.into());
        self
    }

    /// When it ends by itself: at the first sweep ([`Bus::cleanup_stale`], [`Bus::maintain`]) after that. Both kinds may be
    /// given.
    pub fn timeout(mut self, timeout: Timeout) -> Self {
        self.track.rare().time_out(timeout);
        self
    }

    /// Called once, when the connection has ended, with the reason; on the thread that ended it or found it ended, outside of
    /// all locks. If it panics, that is counted ([`BusStatistics::cleanup_errors`](crate::BusStatistics::cleanup_errors)).
    ///
    /// Not called if the connection is not made. For what is disconnected through its handle it is called later, see
    /// [`Bus`]. Two heap calls when it is connected: one for the callback, unless that captures nothing, and one that serves
    /// a name, a description and timeouts as well.
    pub fn on_cleanup(mut self, callback: impl FnOnce(EndReason) + Send + 'static) -> Self {
        self.track.rare().on_cleanup = Some(Box::new(callback));
        self
    }

    pub(super) fn in_scope(mut self, owner: Owner, scope: Arc<ScopeState>) -> Self {
        self.track.owner = Some(owner);
        self.track.rare().scope = Some(scope);
        self
    }

    pub(super) fn in_service(mut self, service: Arc<ServiceState>) -> Self {
        self.track.service = Some(service.name().clone());
        self.track.rare().running = Some(service);
        self
    }
}

impl<'a, E: 'static> Connect<'a, &'a Signal<E>> {
    #[inline(always)]
    pub(super) fn to<S: Source<Event = E>>(bus: &'a Bus, source: &'a S) -> Self {
        Self::new(bus, source.signal(), Track { topic: source.topic(), ..Track::default() })
    }

    /// Connects the slot.
    ///
    /// Cost: with an owner five to six times that of [`Signal::connect`], which is part of it, with a service and two tags as
    /// well seven to eight times; and once warm, no heap call for what is usual: an owner by number, a service and up to two
    /// tags by literals. What the slot captures is stored in place up to 8 bytes with sampled call statistics, 16 with exact
    /// ones, and 24 with none.
    ///
    /// # Errors
    /// If a limit is reached, the bus was shut down, or what was said makes no sense. The slot is dropped, never called.
    #[inline]
    #[track_caller]
    pub fn slot<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        let (signal, place) = (self.target, Location::caller());
        self.bus.inner.connect(&mut self.track, place, move |meter| attach(signal, meter, slot, place))
    }

    /// Connects the slot for as long as the guard lives. If the guard is [released](ScopedConnection::release), the bus does not
    /// hear of it: for the [audit](Bus::audit), a guard keeps the connection still.
    ///
    /// # Errors
    /// As for [`slot`](Self::slot).
    #[track_caller]
    pub fn scoped<F>(mut self, slot: F) -> Result<ScopedConnection, ConnectError>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        self.track.is_kept = true;
        self.slot(slot).map(ScopedConnection::from)
    }

    /// Connects a slot that takes events by the slice; see [`Signal::connect_batch`].
    ///
    /// # Errors
    /// As for [`slot`](Self::slot).
    #[track_caller]
    pub fn slot_batch<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&[E]) + Send + Sync + 'static,
    {
        let (signal, place) = (self.target, Location::caller());
        self.bus.inner.connect(&mut self.track, place, move |meter| {
            let closure = match meter {
                Meter::Off => Closure::slices::<E, F>(slot),
                Meter::Sampled(sample) => slices::<E, _>(sample.around(slot)),
                Meter::Exact(exact) => slices::<E, _>(Arc::clone(exact).around(slot)),
            };
            attach_closure(signal, closure, place)
        })
    }

    /// Connects a method of something that may go: the slot is called with the target, which it keeps alive during the call,
    /// and ends by itself when the target is gone. (If the slot then holds the last reference, the target is dropped inside
    /// the emission.) Three heap calls, and a fourth if the slot does not fit in place: it takes 16 bytes besides what it
    /// captures, so with sampled call statistics it never does.
    ///
    /// # Errors
    /// As for [`slot`](Self::slot).
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    /// use std::sync::Arc;
    ///
    /// struct Hud { width: u32 }
    ///
    /// let (bus, resized) = (Bus::new(), Signal::<u32>::new());
    /// let hud = Arc::new(Hud { width: 80 });
    /// bus.connect(&resized).weak(&hud, |hud, width| println!("{} of {width}", hud.width))?;
    /// drop(hud);
    /// assert_eq!(bus.cleanup_stale(), 1);
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    #[track_caller]
    pub fn weak<R, F>(mut self, target: &Arc<R>, slot: F) -> Result<Connection, ConnectError>
    where
        R: Send + Sync + 'static,
        F: Fn(&R, &E) + Send + Sync + 'static,
    {
        let place = Location::caller();
        let (weak, watched) = (Arc::downgrade(target), Arc::downgrade(target));
        let own = Own::default();
        let theirs = own.clone();
        let is_gone = Box::new(move || watched.strong_count() == 0);
        self.track.rare().target = Some(Target { is_gone, own: own.clone() });
        let slot = move |event: &E| match weak.upgrade() {
            Some(target) => slot(&target, event),
            None => theirs.disconnect(),
        };
        self.attach_own(own, place, slot)
    }

    /// Connects a slot that knows its own connection.
    pub(super) fn attach_own<F>(
        mut self,
        own: Own,
        place: &'static Location<'static>,
        slot: F,
    ) -> Result<Connection, ConnectError>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        let signal = self.target;
        self.bus.inner.connect(&mut self.track, place, move |meter| {
            let attached = attach(signal, meter, slot, place);
            own.set(attached.connection);
            attached
        })
    }

    /// Describes a connection for [`Bus::connect_batch`].
    #[track_caller]
    pub fn prepare<F>(mut self, slot: F) -> Prepared<'a>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        let (signal, place) = (self.target, Location::caller());
        let attach = Box::new(move |meter: &Meter| attach(signal, meter, slot, place));
        self.track.finish();
        Prepared { bus: self.bus, track: self.track, place, attach }
    }
}

impl<'a, E: 'static> Connect<'a, &'a Signal<E>> {
    /// What the slot wants of its events: priority, once, filters, a panic policy, all that [`Signal::slot`] offers.
    ///
    /// # Panics
    /// If it is another signal's slot that comes back.
    ///
    /// ```
    /// use pulsebus::{Bus, Signal};
    ///
    /// let (bus, hit) = (Bus::new(), Signal::<u32>::new());
    /// bus.connect(&hit).owner(7).options(|slot| slot.before().filter(|n| *n > 100).once()).slot(|n| println!("{n}"))?;
    /// hit.emit_batch(&[5, 120, 130]);
    /// assert!(hit.is_empty());
    /// # Ok::<(), pulsebus::ConnectError>(())
    /// ```
    pub fn options<W>(
        self,
        describe: impl FnOnce(SlotBuilder<'a, E>) -> SlotBuilder<'a, E, W>,
    ) -> Connect<'a, SlotBuilder<'a, E, W>> {
        let described = describe(self.target.slot());
        assert!(
            described.is_of(self.target),
            "pulsebus: `options` is to describe the slot that it is handed, not another signal's"
        );
        Connect { bus: self.bus, target: described, track: self.track }
    }
}

/// A slot with options. (What ends it by itself, once or until, is for the bus as if its handle had been disconnected.)
impl<'a, E: 'static, W: When<E>> Connect<'a, SlotBuilder<'a, E, W>> {
    /// Connects the slot. Only calls that its options let through are counted.
    ///
    /// # Errors
    /// If a limit is reached, the bus was shut down, or what was said makes no sense. The slot is dropped, never called.
    #[track_caller]
    pub fn slot<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        let (builder, place) = (self.target, Location::caller());
        self.bus.inner.connect(&mut self.track, place, move |meter| {
            attached(match meter {
                Meter::Off => builder.connect_only(slot, place),
                Meter::Sampled(sample) => builder.connect_only(sample.around(slot), place),
                Meter::Exact(exact) => builder.connect_only(Arc::clone(exact).around(slot), place),
            })
        })
    }

    /// Connects the slot for as long as the guard lives; see [`scoped`](Connect::scoped).
    ///
    /// # Errors
    /// As for [`slot`](Self::slot).
    #[track_caller]
    pub fn scoped<F>(mut self, slot: F) -> Result<ScopedConnection, ConnectError>
    where
        F: Fn(&E) + Send + Sync + 'static,
    {
        self.track.is_kept = true;
        self.slot(slot).map(ScopedConnection::from)
    }

    /// Connects a slot that may stop the emission; see [`SlotBuilder::connect_flow`]. Its calls are not counted.
    ///
    /// # Errors
    /// As for [`slot`](Self::slot).
    #[track_caller]
    pub fn slot_flow<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&E) -> ControlFlow<()> + Send + Sync + 'static,
    {
        let (builder, place) = (self.target, Location::caller());
        let connect = move |_: &Meter| attached(builder.connect_flow_only(slot, place));
        self.bus.inner.connect(&mut self.track, place, connect)
    }
}

impl<'a> Connect<'a, Connection> {
    pub(super) fn over(bus: &'a Bus, connection: Connection) -> Self {
        Self::new(bus, connection, Track::default())
    }

    /// Takes the connection in. Its calls are not counted.
    ///
    /// # Errors
    /// As for [`slot`](Connect::slot); and if the connection has ended, is tracked already, or was given an idle timeout. It
    /// stays as it is then.
    pub fn finish(self) -> Result<Connection, ConnectError> {
        self.bus.inner.take_in(self.track, self.target)
    }
}

impl<T> fmt::Debug for Connect<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Track { owner, service, tags, kind, .. } = &self.track;
        let name = self.track.rare.as_ref().and_then(|rare| rare.name.as_ref());
        f.debug_struct("Connect")
            .field("owner", owner)
            .field("service", service)
            .field("tags", tags)
            .field("kind", kind)
            .field("name", &name)
            .finish_non_exhaustive()
    }
}

/// A connection that is described to the end, for [`Bus::connect_batch`].
#[must_use = "nothing is connected before `Bus::connect_batch`"]
pub struct Prepared<'a> {
    pub(super) bus: &'a Bus,
    pub(super) track: Track,
    pub(super) place: &'static Location<'static>,
    pub(super) attach: Box<dyn FnOnce(&Meter) -> Attached + 'a>,
}

impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("place", &format_args!("{}", self.place)).finish_non_exhaustive()
    }
}

/// Connects a slot, with its calls counted as `meter` says.
pub(super) fn attach<E, F>(signal: &Signal<E>, meter: &Meter, slot: F, place: &'static Location<'static>) -> Attached
where
    E: 'static,
    F: Fn(&E) + Send + Sync + 'static,
{
    let closure = match meter {
        Meter::Off => Closure::each::<E, F>(slot),
        Meter::Sampled(sample) => each::<E, _>(sample.around(slot)),
        Meter::Exact(exact) => each::<E, _>(Arc::clone(exact).around(slot)),
    };
    attach_closure(signal, closure, place)
}

fn attach_closure<E: 'static>(signal: &Signal<E>, closure: Closure, place: &'static Location<'static>) -> Attached {
    let (connection, due) = signal.attach_only(Rank::DEFAULT, closure, place);
    Attached { connection, life: signal.life().or_else(|| connection.life()), due }
}

/// What was connected by a builder, at whatever rank.
fn attached((connection, due): (Connection, Option<Due>)) -> Attached {
    Attached { connection, life: connection.life(), due }
}

/// [`Closure::each`] for a slot whose type has no name.
fn each<E: 'static, F: Fn(&E) + Send + Sync + 'static>(slot: F) -> Closure {
    Closure::each::<E, F>(slot)
}

/// [`Closure::slices`] for a slot whose type has no name.
fn slices<E: 'static, F: Fn(&[E]) + Send + Sync + 'static>(slot: F) -> Closure {
    Closure::slices::<E, F>(slot)
}
