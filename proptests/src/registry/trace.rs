//! What can be seen of a program's run.

use super::{Farewell, Figures, Line, Order};
use crate::bus::Event;
use pulsebus::{ConnectError, EndReason};

/// Something that could be seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A slot was called.
    Called {
        /// Its number, in the order in which the program tried to connect them.
        slot: usize,
        /// With these.
        events: Vec<Event>,
    },
    /// A cleanup callback was called.
    Cleaned {
        /// Of that slot.
        slot: usize,
        /// With that.
        reason: EndReason,
    },
    /// A service's hook was called: the n-th that was handed over.
    Stopping(usize),
    /// The emergency hook was called.
    Alarmed {
        /// With so many connections.
        live: usize,
        /// Of so many.
        limit: usize,
    },
    /// A connection was made or taken in, or was not.
    Connected(Result<usize, ConnectError>),
    /// A batch was connected, or was not.
    Batch(Result<usize, (usize, ConnectError)>),
    /// Something returned that.
    Answered(bool),
    /// Something returned that.
    Counted(usize),
    /// The figures.
    Figures(Box<Figures>),
    /// What is known of connections, by slot; `None` for one whose connect has not returned.
    Details(Vec<Line<Option<usize>>>),
    /// What a shutdown said.
    Farewell(Option<Farewell>),
}

/// The order that a trace shows.
pub fn order_of(trace: &[Entry]) -> Order {
    let mut order = Order::default();
    for (at, entry) in trace.iter().enumerate() {
        match entry {
            Entry::Cleaned { slot, .. } => {
                let length = order.callbacks.len().max(slot + 1);
                order.callbacks.resize(length, usize::MAX);
                order.callbacks[*slot] = at;
            }
            Entry::Farewell(Some(farewell)) => {
                order.services = farewell.services.iter().map(|(name, _)| name.clone()).collect();
            }
            _ => {}
        }
    }
    order
}
