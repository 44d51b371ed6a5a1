//! What goes to `tracing`, with the feature of that name; nothing without.

#[cfg(feature = "tracing")]
pub(super) use with_tracing::*;
#[cfg(not(feature = "tracing"))]
pub(super) use without::*;

#[cfg(feature = "tracing")]
mod with_tracing {
    use crate::bus::error::ConnectError;
    use crate::bus::reason::EndReason;
    use std::panic::Location;

    /// Is anybody interested in ends?
    pub(in crate::bus) fn traces_ends() -> bool {
        tracing::enabled!(target: "pulsebus", tracing::Level::TRACE)
    }

    pub(in crate::bus) fn connected(place: &'static Location<'static>, is_over_limit: bool) {
        tracing::trace!(target: "pulsebus", %place, "connected");
        if is_over_limit {
            tracing::warn!(target: "pulsebus", %place, "connected beyond a limit");
        }
    }

    pub(in crate::bus) fn ended(place: &'static Location<'static>, reason: EndReason) {
        tracing::trace!(target: "pulsebus", %place, %reason, "ended");
    }

    pub(in crate::bus) fn refused(place: &'static Location<'static>, error: &ConnectError) {
        tracing::warn!(target: "pulsebus", %place, %error, "not connected");
    }

    pub(in crate::bus) fn emergency(live: usize, limit: usize) {
        tracing::warn!(target: "pulsebus", live, limit, "connections are about to run out");
    }

    pub(in crate::bus) fn leak(place: &'static Location<'static>, count: usize, why: &str) {
        tracing::warn!(target: "pulsebus", %place, count, why, "connections that look leaked");
    }

    pub(in crate::bus) fn cleanup_panicked(reason: EndReason) {
        tracing::warn!(target: "pulsebus", %reason, "a cleanup callback panicked");
    }
}

#[cfg(not(feature = "tracing"))]
mod without {
    use crate::bus::error::ConnectError;
    use crate::bus::reason::EndReason;
    use std::panic::Location;

    pub(in crate::bus) fn traces_ends() -> bool {
        false
    }

    pub(in crate::bus) fn connected(_: &'static Location<'static>, _: bool) {}

    pub(in crate::bus) fn ended(_: &'static Location<'static>, _: EndReason) {}

    pub(in crate::bus) fn refused(_: &'static Location<'static>, _: &ConnectError) {}

    pub(in crate::bus) fn emergency(_: usize, _: usize) {}

    pub(in crate::bus) fn leak(_: &'static Location<'static>, _: usize, _: &str) {}

    pub(in crate::bus) fn cleanup_panicked(_: EndReason) {}
}
