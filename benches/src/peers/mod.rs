//! The peers, one file each, and the lists of them that take part.

pub mod arc_swap;
#[cfg(has_boost)]
pub mod boost;
pub mod broadcast;
pub mod channel;
pub mod locked;
pub mod pulsebus;
pub mod raw;
pub mod rt_events;
pub mod signals2;
pub mod slab;

/// The version of Boost and of the compiler that built the shim; `None` where Boost is not installed.
pub fn boost_version() -> Option<String> {
    #[cfg(has_boost)]
    return Some(boost::version());
    #[cfg(not(has_boost))]
    None
}
