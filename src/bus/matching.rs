//! Connections to every topic that a pattern matches, those included that are made later.

use super::Bus;
use super::calls::{Meter, Note};
use super::connect::{Connect, attach};
use super::error::ConnectError;
use super::inner::Inner;
use super::key::{Kind, Name, Owner};
use super::own::Own;
use super::reason::EndReason;
use super::registry::OnCleanup;
use super::scope::{OwnerScope, ScopeState};
use super::service::{Service, ServiceState};
use super::topics::{Pattern, PatternError, Topic, TopicCreated, TopicId};
use super::track::{Tags, Track};
use crate::connection::Connection;
use crate::sync::lock;
use hashbrown::HashMap;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

/// A connection to the topics that match a pattern, being described; from [`Bus::connect_matching`].
pub struct Matching<E> {
    pattern: Pattern,
    _event: PhantomData<fn(&E)>,
}

impl Bus {
    /// Connects to every topic of events of type `E` whose name matches the pattern: those that there are, and those that are
    /// made later. Patterns are those of NATS subjects, see [`Pattern`].
    ///
    /// # Errors
    /// If that is no pattern.
    ///
    /// ```
    /// use pulsebus::Bus;
    ///
    /// let bus = Bus::new();
    /// let lobby = bus.topic::<String>("room.lobby")?;
    /// let chat = bus
    ///     .connect_matching::<String>("room.*")?
    ///     .service("Chat")
    ///     .slot(|room, text| println!("{room}: {text}"))?;
    /// bus.topic::<String>("room.garden")?.emit(&"hello".to_string()); // room.garden: hello
    ///
    /// assert!(bus.disconnect(chat)); // from all of them
    /// assert!(lobby.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect_matching<E: 'static>(&self, pattern: &str) -> Result<Connect<'_, Matching<E>>, PatternError> {
        Connect::matching(self, Track::default(), pattern)
    }
}

impl Service {
    /// [`Bus::connect_matching`], for this service.
    ///
    /// # Errors
    /// If that is no pattern.
    pub fn connect_matching<E: 'static>(&self, pattern: &str) -> Result<Connect<'_, Matching<E>>, PatternError> {
        Connect::matching(self.bus(), self.track(), pattern)
    }
}

impl OwnerScope {
    /// [`Bus::connect_matching`], for this scope.
    ///
    /// # Errors
    /// If that is no pattern.
    pub fn connect_matching<E: 'static>(&self, pattern: &str) -> Result<Connect<'_, Matching<E>>, PatternError> {
        Connect::matching(self.bus(), self.track(), pattern)
    }
}

impl<'a, E> Connect<'a, Matching<E>> {
    fn matching(bus: &'a Bus, track: Track, pattern: &str) -> Result<Self, PatternError> {
        let pattern = Pattern::new(pattern)?;
        Ok(Self::new(bus, Matching { pattern, _event: PhantomData }, track))
    }
}

impl<E: 'static> Connect<'_, Matching<E>> {
    /// Connects the slot, which is told the name of the topic with each event.
    ///
    /// The handle stands for all of its connections: once it has been disconnected, no emission that starts later runs the
    /// slot, on whatever topic. What the topics keep of it goes when the bus hears of that, as with
    /// [callbacks](Self::on_cleanup). A name, timeouts and the callback belong to the whole, whose calls are those by all of the
    /// topics; everything else is said of the connection to each topic too, each of which counts for limits and statistics. A
    /// topic of later that a limit keeps it from is counted as rejected, and logged.
    ///
    /// # Errors
    /// As for a signal's [`slot`](Connect::slot), for any of the topics that there are. Nothing stays connected then.
    #[track_caller]
    pub fn slot<F>(mut self, slot: F) -> Result<Connection, ConnectError>
    where
        F: Fn(&str, &E) + Send + Sync + 'static,
    {
        self.track.finish();
        let (inner, place) = (&self.bus.inner, Location::caller());
        // Given at the end: what bears it now is not ended for one that is refused.
        let name = self.track.rare().name.take();
        if let Some(name) = name.clone().filter(|_| self.track.owner.is_none()) {
            return Err(ConnectError::NameWithoutOwner { name });
        }
        let fan = Arc::new(Fan {
            pattern: self.target.pattern,
            slot,
            place,
            template: Template::of(&self.track),
            watch: Own::default(),
            note: OnceLock::new(),
            branches: Mutex::default(),
            inner: Arc::downgrade(inner),
        });
        let callback = Arc::new(Mutex::new(self.track.rare().on_cleanup.take()));
        self.track.rare().on_cleanup = Some(on_end(Arc::downgrade(&fan), Arc::clone(&callback)));
        self.track.rare().waits = true;
        let theirs = Arc::clone(&fan);
        // First this, then the topics that there are: one that is made meanwhile is met twice rather than not at all.
        let own = fan.watch.clone();
        let watch = inner.connect(&mut self.track, place, move |meter| {
            let _ = theirs.note.set(meter.note());
            let attached = attach(inner.topics.created(), &Meter::Off, move |created| theirs.meet(created), place);
            own.set(attached.connection);
            attached
        })?;
        for topic in inner.topics.matching::<E>(&fan.pattern) {
            if let Err(error) = fan.branch(&topic) {
                // What was not made has no end either.
                let callback = take(&callback);
                self.bus.disconnect(watch);
                inner.guarded(|| drop(callback));
                return Err(error);
            }
        }
        if let Some(name) = name {
            inner.with(|registry, ended| registry.rename(&watch, name, ended));
        }
        Ok(watch)
    }
}

/// What a connection to many topics consists of.
struct Fan<F> {
    pattern: Pattern,
    slot: F,
    place: &'static Location<'static>,
    template: Template,
    /// The connection to the announcements of topics: the handle that the user has.
    watch: Own,
    /// Notes a call by whatever topic, for the whole.
    note: OnceLock<Option<Note>>,
    branches: Mutex<Branches>,
    /// Weak: it hangs in the bus's own signal.
    inner: Weak<Inner>,
}

/// The connection to each topic; `None` while it is being made.
#[derive(Default)]
struct Branches {
    by_topic: HashMap<TopicId, Option<Connection>>,
    /// Were they ended? No other one is made then.
    ended: bool,
    /// At so many those are sifted out whose topics have gone.
    sift_at: usize,
}

/// Fewer are not worth sifting.
const FEW: usize = 16;

impl<F> Fan<F> {
    fn lock(&self) -> MutexGuard<'_, Branches> {
        lock(&self.branches)
    }

    /// A topic was made.
    fn meet<E: 'static>(self: &Arc<Self>, created: &TopicCreated)
    where
        F: Fn(&str, &E) + Send + Sync + 'static,
    {
        if self.pattern.matches(created.name()) {
            if let Some(topic) = created.downcast::<E>() {
                // (Counted and logged, if it is refused: there is nobody to tell.)
                let _ = self.branch(&topic);
            }
        }
    }

    /// Connects to a topic, unless that was done already.
    fn branch<E: 'static>(self: &Arc<Self>, topic: &Topic<E>) -> Result<(), ConnectError>
    where
        F: Fn(&str, &E) + Send + Sync + 'static,
    {
        let Some(inner) = self.inner.upgrade() else { return Ok(()) };
        let mut branches = self.lock();
        if branches.ended || branches.by_topic.contains_key(&topic.id()) {
            return Ok(());
        }
        if branches.by_topic.len() >= branches.sift_at {
            branches.by_topic.retain(|_, branch| branch.is_none_or(|branch| branch.is_connected()));
            branches.sift_at = (branches.by_topic.len() * 2).max(FEW);
        }
        branches.by_topic.insert(topic.id(), None);
        drop(branches);
        let (this, name): (_, Arc<str>) = (Arc::clone(self), topic.label().into());
        let slot = move |event: &E| {
            // The handle that the user has is another one than this slot's.
            if !this.watch.has_ended() {
                this.note.get().into_iter().flatten().for_each(|note| note());
                (this.slot)(&name, event);
            }
        };
        let mut track = Track { topic: Some(topic.id()), ..self.template.track() };
        let connected = inner.connect(&mut track, self.place, |meter| attach(topic, meter, slot, self.place));
        match &connected {
            Ok(connection) => {
                topic.add_pattern_slot(*connection);
                let mut branches = self.lock();
                branches.by_topic.insert(topic.id(), Some(*connection));
                let is_late = branches.ended || self.watch.has_ended();
                drop(branches);
                if is_late {
                    // Perhaps after the others were ended.
                    inner.end_connection(connection, EndReason::Disconnected);
                }
            }
            Err(_) => drop(self.lock().by_topic.remove(&topic.id())),
        }
        connected.map(drop)
    }

    /// The whole has ended.
    fn end(&self, reason: EndReason) {
        let branches = {
            let mut branches = self.lock();
            branches.ended = true;
            std::mem::take(&mut branches.by_topic)
        };
        if let Some(inner) = self.inner.upgrade() {
            for connection in branches.values().flatten() {
                inner.end_connection(connection, reason);
            }
        }
    }
}

/// Ends the connections to the topics with the whole, and then does what the user wants.
fn on_end<F: Send + Sync + 'static>(fan: Weak<Fan<F>>, callback: Arc<Mutex<Option<OnCleanup>>>) -> OnCleanup {
    Box::new(move |reason| {
        if let Some(fan) = fan.upgrade() {
            fan.end(reason);
        }
        if let Some(callback) = take(&callback) {
            callback(reason);
        }
    })
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    lock(place).take()
}

/// What is said of the connection to each topic: all but what belongs to the whole.
struct Template {
    owner: Option<Owner>,
    service: Option<Name>,
    tags: Tags,
    kind: Kind,
    description: Option<Name>,
    scope: Option<Arc<ScopeState>>,
    running: Option<Arc<ServiceState>>,
}

impl Template {
    fn of(track: &Track) -> Self {
        let rare = track.rare.as_deref();
        Self {
            owner: track.owner.clone(),
            service: track.service.clone(),
            tags: track.tags.clone(),
            kind: track.kind.clone(),
            description: rare.and_then(|rare| rare.description.clone()),
            scope: rare.and_then(|rare| rare.scope.clone()),
            running: rare.and_then(|rare| rare.running.clone()),
        }
    }

    fn track(&self) -> Track {
        let mut track = Track {
            owner: self.owner.clone(),
            service: self.service.clone(),
            tags: self.tags.clone(),
            kind: self.kind.clone(),
            // The whole sees to its end.
            is_kept: true,
            is_branch: true,
            ..Track::default()
        };
        if self.description.is_some() || self.scope.is_some() || self.running.is_some() {
            let rare = track.rare();
            rare.description = self.description.clone();
            (rare.scope, rare.running) = (self.scope.clone(), self.running.clone());
        }
        track
    }
}
