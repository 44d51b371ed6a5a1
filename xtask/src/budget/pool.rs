//! What pools of objects cost.

use super::count::{Line, Probe};
use super::{Figure, held, told};
use crate::error::Error;

const PROBE: Probe = Probe { binary: "pool_probe", args: &[] };

/// Objects that a thread has at hand at most: bursts that are larger go through the depot.
const AT_HAND: u32 = 64;

/// Counts everything. The probe is built.
pub fn measure() -> Result<Vec<Figure>, Error> {
    let times = |function, part| Line::measure(PROBE, function, part, 1_000, 2_000);
    let get_put = times("measured_get_put", "get-put")?;
    let reset = times("measured_get_put", "reset")?;
    let tracked = times("measured_get_put", "tracked")?;
    let malloc = times("measured_malloc", "malloc")?;
    let insert_release = times("measured_insert_release", "insert-release")?;
    let with = times("measured_with", "with")?;
    // Whole rounds.
    let burst = Line::measure(PROBE, "measured_burst", "burst", 4 * AT_HAND, 20 * AT_HAND)?;
    let return_all = Line::measure(PROBE, "measured_return_all", "return-all", 4 * AT_HAND, 20 * AT_HAND)?;

    let pinned_with_fence = get_put.pin == "Fence";
    let steady = [&get_put, &reset, &tracked, &insert_release, &with, &burst, &return_all];
    let heap_calls: u64 = steady.iter().map(|line| line.heap_calls).sum();

    Ok(vec![
        held("instructions per get and put", get_put.instructions.slope, 56),
        held("instructions per get and put, with a reset of 64 bytes", reset.instructions.slope, 88),
        held("instructions per get and put, tracked", tracked.instructions.slope, 136),
        told("instructions per malloc and free of as many bytes", malloc.instructions.slope),
        held("instructions per get and put, 256 and more out at a time", burst.instructions.slope, 92),
        held("instructions per insert and release", insert_release.instructions.slope, 255),
        held("instructions per use of a key", with.instructions.slope, 130),
        held("instructions per object of a return of all", return_all.instructions.slope, 172),
        held("locked operations per get and put", get_put.locked.slope, if pinned_with_fence { 2 } else { 0 }),
        held("locked operations per get and put, 256 and more out at a time", burst.locked.slope, 0.35),
        held("locked operations per insert and release", insert_release.locked.slope, 8),
        held("locked operations per use of a key", with.locked.slope, 2),
        held("heap calls of pools in the steady state", heap_calls as f64, 0),
    ])
}
