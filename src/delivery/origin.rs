//! Where a receiver's events come from, and how it learns that no more will come.

use super::error::CloseReason;
use crate::connection::Connection;
use crate::list::Life;
use crate::signal::Signal;

/// A connection that brings events, and the signal whose they are.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    connection: Connection,
    /// `None`: the connection has ended while it was made.
    life: Option<Life>,
}

impl Origin {
    /// The connection was just made, and is the signal's.
    pub(super) fn new<E>(signal: &Signal<E>, connection: Connection) -> Self {
        Self { connection, life: signal.life().or_else(|| connection.life()) }
    }

    pub(super) fn connection(&self) -> Connection {
        self.connection
    }

    /// Has it ended, and why? After the end of the signal nobody is at it any more.
    pub(super) fn end(&self) -> Option<CloseReason> {
        if self.connection.is_connected() {
            None
        } else if self.life.is_some_and(Life::is_over) {
            Some(CloseReason::SignalDropped)
        } else {
            Some(CloseReason::Disconnected)
        }
    }
}

/// Where a task waits for the end of an origin, which has to be [given back](Vigil::leave).
#[cfg(feature = "async")]
#[derive(Default)]
pub(super) struct Vigil(Option<Waiting>);

#[cfg(feature = "async")]
struct Waiting {
    bell: &'static super::Bell,
    ticket: super::Ticket,
    /// Whose waker is there, an address that is no other's as long as the bell keeps it; and what the bell's rounds were when we came: as
    /// long as they are, we are there still. `None` if foreign code has panicked meanwhile.
    entered: Option<((usize, usize), u32)>,
}

#[cfg(feature = "async")]
impl Vigil {
    /// Has a task woken when the signal is dropped, or all of its connections are ended. The caller looks for the end after it.
    ///
    /// Cost: some loads, as long as it is the same task; else a lock and a heavy barrier.
    pub(super) fn enter(&mut self, origin: &Origin, waker: &std::task::Waker) {
        // Without a life the connection has ended, which the caller finds.
        let Some(life) = origin.life else { return };
        let task = (waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr());
        let new = || Waiting { bell: life.bell(), ticket: super::Ticket::default(), entered: None };
        let waiting = self.0.get_or_insert_with(new);
        let entered = Some((task, waiting.bell.rounds()));
        if waiting.entered == entered {
            // If it rings nevertheless, it wakes us, and we come again.
            return;
        }
        waiting.entered = None;
        waiting.bell.enter(&mut waiting.ticket, waker);
        waiting.entered = entered;
    }

    /// Nobody is to be woken any more.
    pub(super) fn leave(&mut self) {
        if let Some(mut waiting) = self.0.take() {
            waiting.bell.leave(&mut waiting.ticket);
        }
    }
}

#[cfg(all(test, feature = "async", not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Alarm(AtomicUsize);

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn who_was_woken_in_vain_is_woken_again() {
        let signal = Signal::<u32>::new();
        let origin = Origin::new(&signal, signal.connect(|_| {}));
        let bell = origin.life.expect("it is connected").bell();
        let (alarm, mut vigil) = (Arc::new(Alarm::default()), Vigil::default());
        let waker = Waker::from(alarm.clone());
        for wakes in 1..4 {
            vigil.enter(&origin, &waker);
            // Twice is once.
            vigil.enter(&origin, &waker);
            bell.ring();
            assert_eq!(alarm.0.load(SeqCst), wakes);
        }
        vigil.enter(&origin, &waker);
        vigil.leave();
        bell.ring();
        assert_eq!(alarm.0.load(SeqCst), 3);
        drop(waker);
        assert_eq!(Arc::strong_count(&alarm), 1);
    }
}
