//! Waiting for one event: the next one of a signal.

use super::error::RecvTimeoutError;
use super::mailbox::Receiver;
use super::overflow::Overflow;
use crate::signal::Signal;
use std::time::{Duration, Instant};

#[cfg(feature = "async")]
use super::error::{CloseReason, RecvError};
#[cfg(feature = "async")]
use futures_timer::Delay;
#[cfg(feature = "async")]
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// A mailbox for one event: the first that comes.
#[track_caller]
fn first<E: Clone + Send + 'static>(signal: &Signal<E>) -> Receiver<E> {
    signal.mailbox(1, Overflow::DropNewest).expect("a capacity of one is a fair one")
}

impl<E: Clone + Send + 'static> Signal<E> {
    /// Waits for the next event that is emitted, on whatever thread; a clone of it. `Duration::MAX` waits for as long as it takes.
    ///
    /// Connects a [mailbox](Signal::mailbox) for one event, and disconnects it. Of several emissions at the same moment it is one that
    /// is not after the others. Inside an emission of the same thread nobody may be left to emit.
    ///
    /// # Errors
    /// [`RecvTimeoutError::Timeout`] if none came in time; [`RecvTimeoutError::Closed`] if its connection was ended meanwhile, by
    /// [`disconnect_all`](Signal::disconnect_all) say.
    ///
    /// ```
    /// use pulsebus::Signal;
    /// use std::time::Duration;
    ///
    /// static READY: Signal<u32> = Signal::new();
    ///
    /// let waiting = std::thread::spawn(|| READY.wait(Duration::MAX));
    /// while !waiting.is_finished() {
    ///     READY.emit(&7); // until it has begun to wait
    ///     std::thread::yield_now();
    /// }
    /// assert_eq!(waiting.join().unwrap(), Ok(7));
    /// assert!(READY.wait(Duration::ZERO).is_err());
    /// ```
    #[track_caller]
    pub fn wait(&self, timeout: Duration) -> Result<E, RecvTimeoutError> {
        let mut receiver = first(self);
        // Too far away to be named means: no deadline.
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            match receiver.recv_timeout(left) {
                // Not even the first one was put in: its clone has panicked, and others had found no room meanwhile.
                Err(RecvTimeoutError::Lagged(_)) => {}
                found => return found,
            }
        }
    }

    /// The next event, for a task: a clone of the first that is emitted after this call, also before the future is first polled.
    ///
    /// A future that is dropped disconnects, and loses the event if it has one already. The future does not borrow the signal; if that is
    /// dropped, or all is ended by [`disconnect_all`](Signal::disconnect_all), it comes to an error.
    ///
    /// # Errors
    /// The future's: [`CloseReason`], if no event can come any more.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let opened = pulsebus::Signal::<u32>::new();
    /// let next = opened.next();
    /// opened.emit(&7);
    /// opened.emit(&8);
    /// let task = async { assert_eq!(next.await, Ok(7)) };
    /// # assert_eq!(pin!(task).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    /// ```
    #[cfg(feature = "async")]
    #[track_caller]
    pub fn next(&self) -> Next<E> {
        Next { receiver: first(self) }
    }

    /// [`next`](Self::next), but not for longer than `timeout`, from this call on.
    ///
    /// Executor-neutral: a thread of the crate `futures-timer` wakes the task, to some milliseconds. An executor's own timeout
    /// around [`next`](Self::next) serves as well.
    ///
    /// # Errors
    /// The future's: as [`wait`](Self::wait).
    #[cfg(feature = "async")]
    #[track_caller]
    pub fn next_within(&self, timeout: Duration) -> NextWithin<E> {
        NextWithin { next: self.next(), timeout: (timeout < FOR_EVER).then(|| Delay::new(timeout)) }
    }
}

/// Longer than anybody waits: some thousand years, which clocks can still add up.
#[cfg(feature = "async")]
const FOR_EVER: Duration = Duration::from_secs(1 << 35);

/// The next event of a signal; from [`Signal::next`].
#[cfg(feature = "async")]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Next<E> {
    receiver: Receiver<E>,
}

#[cfg(feature = "async")]
impl<E> Future for Next<E> {
    type Output = Result<E, CloseReason>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            return match self.receiver.poll_recv(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(event)) => Poll::Ready(Ok(event)),
                Poll::Ready(Err(RecvError::Closed(reason))) => Poll::Ready(Err(reason)),
                // As in `wait`.
                Poll::Ready(Err(RecvError::Lagged(_))) => continue,
            };
        }
    }
}

#[cfg(feature = "async")]
impl<E> fmt::Debug for Next<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Next").field(&self.receiver.connection()).finish()
    }
}

/// The next event of a signal, if it comes in time; from [`Signal::next_within`].
#[cfg(feature = "async")]
#[must_use = "a future does nothing unless it is awaited"]
pub struct NextWithin<E> {
    next: Next<E>,
    timeout: Option<Delay>,
}

#[cfg(feature = "async")]
impl<E> Future for NextWithin<E> {
    type Output = Result<E, RecvTimeoutError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(found) = Pin::new(&mut self.next).poll(context) {
            return Poll::Ready(found.map_err(RecvTimeoutError::Closed));
        }
        let is_over = self.timeout.as_mut().is_some_and(|delay| Pin::new(delay).poll(context).is_ready());
        if is_over { Poll::Ready(Err(RecvTimeoutError::Timeout)) } else { Poll::Pending }
    }
}

#[cfg(feature = "async")]
impl<E> fmt::Debug for NextWithin<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextWithin").field("next", &self.next).finish_non_exhaustive()
    }
}
