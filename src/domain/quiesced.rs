//! Waiting for emissions to return, for tasks.

use super::Domain;
use crate::epoch::StandingPins;
use futures_timer::Delay;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

impl Domain {
    /// [`quiesce`](Self::quiesce), for a task: done when every emission and tick of the domain that is under way now has returned.
    ///
    /// Emissions do not know that somebody waits for them, and wake nobody: the task looks again after 100 µs, and later after up to
    /// 10 ms, by a timer of the crate `futures-timer`. Polled inside an emission of the domain that it waits for, it is not done before
    /// that has returned. It does not keep the domain.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use pulsebus::{Domain, Signal};
    ///
    /// let domain = Domain::new();
    /// let signal = Signal::<u32>::new_in(&domain);
    /// signal.connect(|n| println!("{n}"));
    /// signal.disconnect_all();
    /// let task = async { domain.quiesced().await }; // no slot of the signal is running any more
    /// # assert_eq!(pin!(task).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    /// ```
    pub fn quiesced(&self) -> Quiesced {
        Quiesced { pins: self.core().epoch.standing_pins(), pause: SHORTEST, timer: None }
    }
}

const SHORTEST: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(10);

/// Done when emissions have returned; from [`Domain::quiesced`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Quiesced {
    pins: StandingPins,
    pause: Duration,
    timer: Option<Delay>,
}

impl Future for Quiesced {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            if this.pins.have_gone() {
                return Poll::Ready(());
            }
            let pause = this.pause;
            let timer = this.timer.get_or_insert_with(|| Delay::new(pause));
            if Pin::new(&mut *timer).poll(context).is_pending() {
                return Poll::Pending;
            }
            this.pause = (pause * 2).min(LONGEST);
            timer.reset(this.pause);
        }
    }
}

impl fmt::Debug for Quiesced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quiesced").finish_non_exhaustive()
    }
}
