//! Receivers as futures and as streams, for whatever executor.

use super::error::{Lagged, RecvError, TryRecvError};
use super::mailbox::Receiver;
use futures_core::Stream;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<E> Receiver<E> {
    /// Like [`recv`](Self::recv), for a task: suspends it instead of the thread. (Two names, since features add up: code that is
    /// written without the feature `async` must mean the same when something else turns it on.)
    ///
    /// Cancel-safe: a future that is dropped has taken no event, and leaves no waker behind.
    ///
    /// # Errors
    /// As [`recv`](Self::recv). The task is woken by the end of the signal, and by [`disconnect_all`](crate::Signal::disconnect_all); not by
    /// that of the connection alone, before its slot is [collected](crate::collect).
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use pulsebus::{Overflow, Signal};
    ///
    /// let signal = Signal::<u32>::new();
    /// let mut receiver = signal.mailbox(8, Overflow::DropOldest)?;
    /// signal.emit(&7);
    /// let task = async { assert_eq!(receiver.recv_async().await, Ok(7)) };
    /// # assert_eq!(pin!(task).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    /// # Ok::<(), pulsebus::CapacityError>(())
    /// ```
    pub fn recv_async(&mut self) -> RecvAsync<'_, E> {
        RecvAsync(self)
    }

    pub(super) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<E, RecvError>> {
        if let Some(found) = finished(self.try_recv()) {
            return Poll::Ready(found);
        }
        self.enter(context.waker());
        // What has come before we entered rang for nobody.
        finished(self.try_recv()).map_or(Poll::Pending, Poll::Ready)
    }
}

fn finished<E>(found: Result<E, TryRecvError>) -> Option<Result<E, RecvError>> {
    match found {
        Ok(event) => Some(Ok(event)),
        Err(TryRecvError::Lagged(count)) => Some(Err(RecvError::Lagged(count))),
        Err(TryRecvError::Closed(reason)) => Some(Err(RecvError::Closed(reason))),
        Err(TryRecvError::Empty) => None,
    }
}

/// The next event, for a task; from [`Receiver::recv_async`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct RecvAsync<'a, E>(&'a mut Receiver<E>);

impl<E> Future for RecvAsync<'_, E> {
    type Output = Result<E, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_recv(context)
    }
}

impl<E> Drop for RecvAsync<'_, E> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Ends with the stream, and says where events were lost. Keeps the waker of the last poll that found nothing, until another one comes or
/// the receiver is dropped.
impl<E> Stream for Receiver<E> {
    type Item = Result<E, Lagged>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(context).map(|found| match found {
            Ok(event) => Some(Ok(event)),
            Err(RecvError::Lagged(count)) => Some(Err(Lagged(count))),
            Err(RecvError::Closed(_)) => None,
        })
    }
}
