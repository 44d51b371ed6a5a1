//! The signals of a bus, by type and by name.
//!
//! `types` keeps those of event types, `table` those of names, `topic` is what both keep and hand out, `entry` decides
//! whether a name can be collected, `pattern` and `name` are about the text of names.

mod entry;
mod error;
mod name;
mod pattern;
mod table;
#[cfg(test)]
mod tests;
mod topic;
mod types;

pub use error::{NameFault, PatternError, TopicError};
pub use pattern::Pattern;
pub use topic::{Topic, TopicCreated, TopicId};

use crate::domain::Domain;
use crate::signal::Signal;
use std::any::{TypeId, type_name};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use table::{IsOf, Names};
use topic::{Held, Shared};
use types::Types;

/// Topics that were made, on all buses: a bus may be asked to connect to another one's.
static MADE: AtomicU64 = AtomicU64::new(0);

/// All topics of a bus.
pub(crate) struct Topics {
    types: Types,
    names: Names,
    domain: Domain,
    created: Signal<TopicCreated>,
}

/// A topic as statistics see it.
pub(crate) struct TopicInfo<'a> {
    pub(crate) id: TopicId,
    /// Its name, or that of its event type.
    pub(crate) label: &'a str,
    pub(crate) event_type: &'static str,
    /// Does it have a name of its own?
    pub(crate) named: bool,
    /// Connected slots.
    pub(crate) live: usize,
}

impl Topics {
    /// No topics; their signals will be of `domain`.
    pub(crate) fn new(domain: Domain) -> Self {
        Self { types: Types::new(), names: Names::new(), created: Signal::new_in(&domain), domain }
    }

    /// The signal of an event type, made when it is first asked for. Wait-free afterwards.
    #[inline]
    pub(crate) fn signal<E: 'static>(&self) -> Topic<E> {
        self.types.get_or_make(|| self.make(None))
    }

    /// The topic of that name, made if there is none. Wait-free if there is one, but for the moment in which a collection
    /// looks at it, which it does only at what nobody holds and nothing is connected to.
    ///
    /// Who makes it emits [`created`](Self::created) before this returns. Another thread that asks for the same name at that
    /// moment may have its handle earlier, while slots of `created` are still running.
    #[track_caller]
    pub(crate) fn topic<E: 'static>(&self, name: &str) -> Result<Topic<E>, TopicError> {
        match self.find(name)? {
            Some(topic) => Ok(topic),
            None => self.find_or_make(name),
        }
    }

    /// The topic of that name, if there is one. Otherwise like [`topic`](Self::topic). What can't be a name is one that
    /// there is no topic of.
    #[inline]
    pub(crate) fn find<E: 'static>(&self, name: &str) -> Result<Option<Topic<E>>, TopicError> {
        match self.names.find(name, TypeId::of::<E>()) {
            Ok(found) => Ok(found.map(Topic::counted)),
            Err(is) => Err(other_type::<E>(name, is)),
        }
    }

    #[cold]
    #[track_caller]
    fn find_or_make<E: 'static>(&self, name: &str) -> Result<Topic<E>, TopicError> {
        name::check(name, false).map_err(|fault| TopicError::bad_name(name, fault))?;
        let make = || -> Arc<dyn Held> { self.make::<E>(Some(name)) };
        let found = self.names.find_or_make(name, TypeId::of::<E>(), make);
        let (held, made) = found.map_err(|is| other_type::<E>(name, is))?;
        let topic = Topic::counted(Arc::clone(&held));
        if made {
            self.created.emit(&TopicCreated { held });
        }
        Ok(topic)
    }

    /// The topics of that type which the pattern matches now. Who first connects to [`created`](Self::created) and then calls
    /// this misses none, and may meet some twice.
    pub(crate) fn matching<E: 'static>(&self, pattern: &Pattern) -> Vec<Topic<E>> {
        self.names.matching(pattern, TypeId::of::<E>()).into_iter().map(Topic::counted).collect()
    }

    /// Emitted once for each named topic that is made, under no lock: when others can find it, before its maker has it.
    pub(crate) fn created(&self) -> &Signal<TopicCreated> {
        &self.created
    }

    /// Forgets the named topics that nobody has a handle to, and to which nothing is connected but
    /// [pattern slots](Topic::add_pattern_slot), which end with them; how many. Signals of types stay.
    ///
    /// Drops the topics' signals, and with them what slots captured; a few of them possibly only in the next call, if another
    /// thread is just looking up. Cost: a look at each named topic.
    pub(crate) fn collect(&self) -> usize {
        self.names.collect()
    }

    /// Shows each topic to `f`, which may do anything. Beside threads that make and collect, a moment's view.
    pub(crate) fn for_each(&self, mut f: impl FnMut(TopicInfo<'_>)) {
        let mut show = |held: &dyn Held| {
            let about = held.about();
            f(TopicInfo {
                id: about.id,
                label: about.label(),
                event_type: about.event.name,
                named: about.name().is_some(),
                live: held.live(),
            });
        };
        self.types.iter().for_each(&mut show);
        self.names.for_each(show);
    }

    /// How many topics there are, with those of types.
    pub(crate) fn len(&self) -> usize {
        self.types.iter().count() + self.names.len()
    }

    fn make<E: 'static>(&self, name: Option<&str>) -> Arc<Shared<E>> {
        Shared::new(Signal::new_in(&self.domain), TopicId::nth(MADE.fetch_add(1, Relaxed)), name)
    }
}

#[cold]
fn other_type<E>(name: &str, IsOf(is): IsOf) -> TopicError {
    TopicError::OtherType { name: name.into(), is, asked: type_name::<E>() }
}
