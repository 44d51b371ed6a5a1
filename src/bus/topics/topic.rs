//! The topic: a signal that the bus keeps, under a type or under a name.

use super::entry::Handles;
use crate::connection::Connection;
use crate::signal::Signal;
use crate::sync::lock;
use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::num::NonZero;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// Which topic it is: the same for all handles of a topic, and never another one's, of whatever bus, even if a collected topic
/// is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(NonZero<u64>);

impl TopicId {
    /// The `n`-th one, from zero.
    pub(super) fn nth(n: u64) -> Self {
        Self(NonZero::<u64>::MIN.saturating_add(n))
    }

    /// As a number. Topics that are made later have larger ones.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A handle to a signal of the bus: that of an event type, or that of a name. It dereferences to the [`Signal`].
///
/// Keep it where you emit often: emitting through it costs what emitting a signal costs. A named topic that somebody has a
/// handle to is not collected, nor is one with slots of its own; so a slot that captures a handle to its own topic keeps it
/// until it is disconnected. A handle stays usable when the bus has gone.
///
/// Cloning and dropping one cost an atomic addition each for the signal of a type, and two for a named topic. If the bus has
/// gone, or a collection takes the topic away at that moment, dropping the last handle drops the signal.
pub struct Topic<E: 'static> {
    shared: Arc<Shared<E>>,
}

impl<E: 'static> Topic<E> {
    /// The handle for a type, which is not counted: such topics are never collected.
    #[inline]
    pub(super) fn of_type(shared: &Arc<Shared<E>>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// The handle for a name, which the caller has counted already; of this type, as the caller has seen.
    pub(super) fn counted(held: Arc<dyn Held>) -> Self {
        match held.into_any().downcast() {
            Ok(shared) => Self { shared },
            Err(_) => unreachable!("the types were compared before the handle was counted"),
        }
    }

    /// Its name; `None` for the signal of an event type.
    pub fn name(&self) -> Option<&str> {
        self.shared.about.name.as_deref()
    }

    /// Its name, or that of its event type.
    pub fn label(&self) -> &str {
        self.shared.about.label()
    }

    /// Which topic it is.
    pub fn id(&self) -> TopicId {
        self.shared.about.id
    }

    /// Says that a slot belongs to a pattern: it alone does not keep the topic from being collected, and ends with it.
    pub(crate) fn add_pattern_slot(&self, connection: Connection) {
        self.shared.about.with_pattern_slots(|slots| slots.add(connection));
    }
}

impl<E: 'static> Clone for Topic<E> {
    #[inline]
    fn clone(&self) -> Self {
        if self.shared.about.name.is_some() {
            self.shared.about.handles.add();
        }
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E: 'static> Drop for Topic<E> {
    #[inline]
    fn drop(&mut self) {
        if self.shared.about.name.is_some() {
            self.shared.about.handles.release();
        }
    }
}

impl<E: 'static> Deref for Topic<E> {
    type Target = Signal<E>;

    #[inline(always)]
    fn deref(&self) -> &Signal<E> {
        &self.shared.signal
    }
}

impl<E: 'static> fmt::Debug for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("id", &self.id().get())
            .field("name", &self.name())
            .field("signal", &self.shared.signal)
            .finish()
    }
}

/// A named topic was made: the event of the bus's signal about it.
///
/// Emitted once for each, by the thread that made it, when others can find it already and before that thread has its handle.
pub struct TopicCreated {
    /// Its maker holds a handle for as long as this is shown around.
    pub(super) held: Arc<dyn Held>,
}

impl TopicCreated {
    /// The topic's name.
    pub fn name(&self) -> &str {
        self.held.about().label()
    }

    /// The type of its events.
    pub fn event_type(&self) -> &'static str {
        self.held.about().event.name
    }

    /// Which topic it is.
    pub fn id(&self) -> TopicId {
        self.held.about().id
    }

    /// A handle to the topic; `None` if its events are of another type.
    pub fn downcast<E: 'static>(&self) -> Option<Topic<E>> {
        let about = self.held.about();
        (about.event.id == TypeId::of::<E>()).then(|| {
            about.handles.add();
            Topic::counted(Arc::clone(&self.held))
        })
    }
}

impl fmt::Debug for TopicCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicCreated")
            .field("id", &self.id().get())
            .field("name", &self.name())
            .field("event_type", &self.event_type())
            .finish()
    }
}

/// What all handles of a topic share.
pub(super) struct Shared<E> {
    signal: Signal<E>,
    about: About,
}

impl<E: 'static> Shared<E> {
    /// A topic with one handle, the maker's.
    pub(super) fn new(signal: Signal<E>, id: TopicId, name: Option<&str>) -> Arc<Self> {
        let about = About {
            name: name.map(Into::into),
            handles: Handles::one(),
            event: EventType { id: TypeId::of::<E>(), name: type_name::<E>() },
            id,
            pattern_slots: Mutex::default(),
        };
        Arc::new(Self { signal, about })
    }
}

/// A topic, whatever its events are: what the tables keep.
pub(super) trait Held: Send + Sync {
    fn about(&self) -> &About;

    /// How many slots are connected.
    fn live(&self) -> usize;

    /// Is nothing connected but slots of patterns? For certain only while there is no handle.
    fn is_idle(&self) -> bool;

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<E: 'static> Held for Shared<E> {
    fn about(&self) -> &About {
        &self.about
    }

    fn live(&self) -> usize {
        self.signal.len()
    }

    fn is_idle(&self) -> bool {
        // First all, then those of patterns: one that ends in between makes the topic seem busy, never idle.
        self.signal.is_empty() || self.signal.len() <= self.about.with_pattern_slots(|slots| slots.live())
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// What there is to know about a topic besides its signal.
pub(super) struct About {
    /// `None` for the signal of a type.
    name: Option<Box<str>>,
    /// The handles of a named topic; not kept for the signal of a type.
    pub(super) handles: Handles,
    pub(super) event: EventType,
    pub(super) id: TopicId,
    /// Nothing but what is below runs under it.
    pattern_slots: Mutex<PatternSlots>,
}

/// An event type, to compare and to show.
pub(super) struct EventType {
    pub(super) id: TypeId,
    pub(super) name: &'static str,
}

impl About {
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn label(&self) -> &str {
        self.name().unwrap_or(self.event.name)
    }

    fn with_pattern_slots<R>(&self, f: impl FnOnce(&mut PatternSlots) -> R) -> R {
        f(&mut lock(&self.pattern_slots))
    }
}

/// The slots of patterns in one topic, and some that have ended.
#[derive(Default)]
struct PatternSlots {
    connections: Vec<Connection>,
    /// When there are so many, those that have ended are taken out.
    prune_at: usize,
}

impl PatternSlots {
    fn add(&mut self, connection: Connection) {
        if self.connections.len() >= self.prune_at {
            self.connections.retain(Connection::is_connected);
            self.prune_at = (self.connections.len() * 2).max(4);
        }
        self.connections.push(connection);
    }

    fn live(&self) -> usize {
        self.connections.iter().filter(|connection| connection.is_connected()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_pattern_slots_does_not_grow_by_those_that_end() {
        let signal = Signal::<u32>::new();
        let mut slots = PatternSlots::default();
        let kept = signal.connect(|_| {});
        slots.add(kept);
        for _ in 0..1_000 {
            let connection = signal.connect(|_| {});
            slots.add(connection);
            assert_eq!(slots.live(), 2);
            connection.disconnect();
        }
        assert_eq!(slots.live(), 1);
        assert!(slots.connections.contains(&kept) && slots.connections.len() <= 5, "{}", slots.connections.len());
    }
}
