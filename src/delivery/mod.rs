//! Delivery to other threads: what an emission leaves for someone else to take.
//!
//! ```text
//! mailbox    Signal::mailbox, and its Receiver        shared   one Arc per emission, for all mailboxes of a hub
//! │ iter        draining, iterating    stream   receivers as futures and streams    next   waiting for one event
//! │ figures     overflow    error
//! ring       one write for any number of receivers, each with a cursor of its own
//! channel    a mailbox without its signal: the two ends, and how each learns that the other has gone
//! ├─ queue    line, from which only the receiver takes; window, in which the newest stay
//! │  └─ run   what a queue, or a ring, shows together        feed     events that a ring is to publish
//! └─ bell     where receivers sleep, and senders that wait for room        wait     how they wait
//! ```

mod bell;
mod channel;
mod error;
#[cfg(not(loom))]
mod event_loop;
mod feed;
#[cfg(not(loom))]
mod figures;
mod first_panic;
#[cfg(not(loom))]
mod iter;
#[cfg(not(loom))]
mod mailbox;
#[cfg(not(loom))]
mod next;
mod origin;
mod overflow;
mod queue;
mod ring;
mod run;
#[cfg(not(loom))]
mod shared;
#[cfg(all(feature = "async", not(loom)))]
mod stream;
mod wait;

pub(crate) use bell::Bell;
#[cfg(any(loom, feature = "async"))]
pub(crate) use bell::{LateBell, Ticket};
#[cfg(loom)]
pub(crate) use channel::{Inlet, Instead, Outlet, channel};
pub use error::{CapacityError, CloseReason, Lagged, RecvError, RecvTimeoutError, TryRecvError};
#[cfg(not(loom))]
pub use event_loop::{EventLoop, LoopBudget, LoopFigures, LoopHandle, LoopRun, LoopTask, PostError, Returned};
#[cfg(not(loom))]
pub use figures::MailboxFigures;
#[cfg(not(loom))]
pub use iter::{Drain, IntoIter, Iter, TryIter};
#[cfg(not(loom))]
pub use mailbox::Receiver;
#[cfg(all(feature = "async", not(loom)))]
pub use next::{Next, NextWithin};
pub use overflow::Overflow;
pub use ring::{AfterError, Drain as RingDrain, Ring, RingFigures, RingFull, RingPublisher, RingReader, SignalRing};
#[cfg(not(loom))]
pub use shared::Shared;
#[cfg(all(feature = "async", not(loom)))]
pub use stream::RecvAsync;
pub use wait::Wait;
