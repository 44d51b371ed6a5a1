//! What the bus costs.

use super::count::{Counts, Line, Probe};
use super::{Figure, held, told};
use crate::error::Error;

const OFF: Probe = Probe { binary: "bus_probe", args: &["--statistics", "off"] };
const SAMPLED: Probe = Probe { binary: "bus_probe", args: &["--statistics", "sampled"] };
const EXACT: Probe = Probe { binary: "bus_probe", args: &["--statistics", "exact"] };

/// Timers that are due in the tick that is counted.
const DUE: f64 = 100.0;

/// Counts everything. The probe is built.
pub fn measure() -> Result<Vec<Figure>, Error> {
    // Whole chunks, and below the limit of an owner and the sweeps before it.
    let grow = |probe, function, part| Line::measure(probe, function, part, 128, 384);
    let bare = grow(OFF, "measured_bare", "bare")?;
    let owned = grow(OFF, "measured_owned", "owned")?;
    let sampled = grow(SAMPLED, "measured_owned", "owned")?;
    let exact = grow(EXACT, "measured_owned", "owned")?;
    let described = grow(OFF, "measured_described", "described")?;
    let cleanup = grow(OFF, "measured_cleanup", "cleanup")?;
    let sampled_cleanup = grow(SAMPLED, "measured_cleanup", "cleanup")?;

    let emit = |probe, part| Line::measure(probe, "measured_emit", part, 64, 1_088);
    let untracked = emit(OFF, "emit-bare")?;
    let emit_off = emit(OFF, "emit")?;
    let emit_sampled = emit(SAMPLED, "emit")?;
    let emit_exact = emit(EXACT, "emit")?;
    let more = |line: &Line| line.instructions.slope - untracked.instructions.slope;

    let by_type = Line::measure(OFF, "measured_by_type", "by-type", 100, 200)?;
    let by_name = Line::measure(OFF, "measured_by_name", "by-name", 100, 200)?;
    let tick = |pending| Counts::take(OFF, "measured_tick", "tick", pending);
    let (tick_alone, tick_among) = (tick(0)?, tick(100_000)?);

    let steady = [
        &bare,
        &owned,
        &sampled,
        &described,
        &cleanup,
        &sampled_cleanup,
        &emit_off,
        &emit_sampled,
        &emit_exact,
        &by_type,
        &by_name,
    ];
    let in_ticks = tick_alone.report.heap_calls + tick_among.report.heap_calls;
    let heap_calls = steady.iter().map(|line| line.heap_calls).sum::<u64>() + in_ticks;
    let growth = tick_among.instructions as f64 / tick_alone.instructions as f64;

    Ok(vec![
        told("instructions per bare connect", bare.instructions.slope),
        held("instructions per tracked connect: owner, statistics off", owned.instructions.slope, 640),
        told("the same, sampled", sampled.instructions.slope),
        told("the same, exact", exact.instructions.slope),
        held("instructions per tracked connect: owner, service, two tags", described.instructions.slope, 950),
        held("instructions of a cleanup per connection", cleanup.instructions.slope, 205),
        held("instructions per callback, statistics off, more than untracked", more(&emit_off), 0),
        held("instructions per callback, sampled, more than untracked", more(&emit_sampled), 5),
        told("instructions per callback, exact, more than untracked", more(&emit_exact)),
        held("instructions per look-up by type", by_type.instructions.slope, 40),
        held("instructions per look-up by name", by_name.instructions.slope, 290),
        told("instructions per timer that is due", tick_alone.instructions as f64 / DUE),
        held("instructions of a tick with 100,000 timers pending, to none", growth, 1.02),
        held("locked operations per tracked connect", owned.locked.slope, 4),
        held("locked operations of a cleanup per connection", cleanup.locked.slope, 1),
        told("locked operations per look-up by type", by_type.locked.slope),
        told("locked operations per look-up by name", by_name.locked.slope),
        held("heap calls of the bus in the steady state", heap_calls as f64, 0),
    ])
}
