//! What the options of slots cost those who use them, and what a query costs.

use super::count::{Line, Probe};
use super::{Figure, held, told};
use crate::error::Error;

const PROBE: Probe = Probe { binary: "slot_probe", args: &[] };

/// The probe runs what it measures twice.
const RUNS: f64 = 2.0;

/// Counts everything. The probe is built.
pub fn measure() -> Result<Vec<Figure>, Error> {
    // Whole chunks, as for a plain emission.
    let line = |function, part| Line::measure(PROBE, function, part, 64, 1_088);
    let emit = |part| line("measured_emit", part);
    let plain = emit("plain")?;
    let lanes = emit("lanes")?;
    let more = |part| -> Result<(f64, u64), Error> {
        let with = emit(part)?;
        Ok(((with.instructions.slope - plain.instructions.slope) / RUNS, with.heap_calls))
    };
    let (times, filter, filtered, until) = (more("times")?, more("filter")?, more("filtered")?, more("until")?);
    let (unblocked, blocked, weak, own) = (more("unblocked")?, more("blocked")?, more("weak")?, more("own")?);
    let (policy, budget, front, flow) = (more("policy")?, more("budget")?, more("front")?, more("flow")?);
    let fold = line("measured_query", "fold")?;
    let boxes = line("measured_boxes", "boxes")?;

    let options = [times, filter, filtered, until, unblocked, blocked, weak, own, policy, budget, front, flow];
    let heap_calls: u64 = options.iter().map(|(_, calls)| calls).sum::<u64>() + fold.heap_calls + lanes.heap_calls;
    let apart = |a: &Line, b: &Line| (a.instructions.start - b.instructions.start) / RUNS;

    Ok(vec![
        held("more instructions per call: limited by `times`", times.0, 22),
        held("the same: behind a filter that lets it through", filter.0, 8),
        told("the same: behind a filter that does not (and there is no call)", filtered.0),
        held("the same: until an event that does not come", until.0, 8),
        held("the same: blocked once, and no more", unblocked.0, 26),
        told("the same: blocked (and there is no call)", blocked.0),
        held("the same: weak", weak.0, 34),
        held("the same: told its own connection", own.0, 3),
        held("the same: with a panic policy of its own", policy.0, 42),
        told("the same: with a budget of time (without what the clock takes in the kernel)", budget.0),
        held("the same: at the front", front.0, 10),
        held("the same: that may stop the emission", flow.0, 7),
        held("more instructions per emission of a signal with lanes", apart(&lanes, &plain), 250),
        held(
            "instructions per answer of a query's fold, to those of a loop over boxes",
            fold.instructions.slope / boxes.instructions.slope,
            1.3,
        ),
        held("heap calls of all of the above", heap_calls as f64, 0),
    ])
}
