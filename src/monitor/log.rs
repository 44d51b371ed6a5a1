//! What goes to `tracing`, with the feature of that name; nothing without.

use super::alert::Alert;

#[cfg(feature = "tracing")]
pub(super) fn alert(alert: &Alert) {
    use super::alert::{AlertPhase, Severity};
    let (kind, series, value) = (alert.kind.as_str(), alert.series.as_str(), alert.value);
    match (alert.phase, alert.severity) {
        (AlertPhase::Over, _) => tracing::info!(target: "pulsebus", kind, series, value, "{alert}"),
        (_, Severity::Warning) => tracing::warn!(target: "pulsebus", kind, series, value, "{alert}"),
        (_, Severity::Critical) => tracing::error!(target: "pulsebus", kind, series, value, "{alert}"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) fn alert(_: &Alert) {}
