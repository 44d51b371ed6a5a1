//! What the bus can connect to.

use super::topics::{Topic, TopicId};
use crate::signal::Signal;
use std::sync::Arc;

/// What [`Bus::connect`](crate::Bus::connect) can connect to: a signal, a topic, or something that leads to one.
pub trait Source {
    /// What is emitted.
    type Event: 'static;

    /// The signal.
    fn signal(&self) -> &Signal<Self::Event>;

    /// Its topic, if it is one of a bus's.
    fn topic(&self) -> Option<TopicId> {
        None
    }
}

impl<E: 'static> Source for Signal<E> {
    type Event = E;

    fn signal(&self) -> &Signal<E> {
        self
    }
}

impl<E: 'static> Source for Topic<E> {
    type Event = E;

    fn signal(&self) -> &Signal<E> {
        self
    }

    fn topic(&self) -> Option<TopicId> {
        Some(self.id())
    }
}

macro_rules! source_behind {
    ($($pointer:ty),*) => {$(
        impl<S: Source + ?Sized> Source for $pointer {
            type Event = S::Event;

            fn signal(&self) -> &Signal<S::Event> {
                (**self).signal()
            }

            fn topic(&self) -> Option<TopicId> {
                (**self).topic()
            }
        }
    )*};
}
source_behind!(&S, Arc<S>, Box<S>);
