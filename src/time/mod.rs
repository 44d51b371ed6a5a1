//! Time: the clock that everything takes, and what runs by it.

mod budget;
mod clock;
mod debounce;
mod heartbeat;
mod keyed;
mod limiter;
mod wheel;

pub use budget::{ExecutionBudget, Executions};
pub(crate) use clock::nanoseconds;
pub use clock::{Clock, ManualClock};
pub use debounce::{Debounce, DebounceKey, Due, KeyedDebounce};
pub use heartbeat::{
    Beat, Heartbeat, HeartbeatControl, HeartbeatError, HeartbeatFigures, HeartbeatHandle, Overrun, Phases, Quantiles,
};
pub(crate) use keyed::Fingerprint;
pub use limiter::{KeyedThrottle, Throttle};
pub(crate) use wheel::Wheel;
