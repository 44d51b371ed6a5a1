//! Live connections over recorded time.
//!
//! With several threads there is no one moment at which "all live connections" could be counted without stopping them. So
//! every thread notes by how much each event changed its own topics, as the bus reported it: a connection made, or a
//! disconnect that returned `true`. Put together in the order of the recording, these notes give the exact number after
//! every event, whatever the threads' real order was.

/// By how much one event changed the number of live connections in one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The event's number in the recording.
    pub event: u32,
    /// Connections made, less connections ended.
    pub delta: i32,
}

/// The number of live connections after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The event's number in the recording.
    pub event: u32,
    /// Connections of owners.
    pub live: u64,
}

/// The live connections after every event that changed them, from the notes of all parts.
pub fn live_over_time(parts: impl IntoIterator<Item = Vec<Change>>) -> Vec<Point> {
    let mut changes: Vec<Change> = parts.into_iter().flatten().collect();
    // Stable, and the parts are sorted already: this merges them.
    changes.sort_by_key(|change| change.event);
    let mut points: Vec<Point> = Vec::new();
    let mut live: i64 = 0;
    for change in changes {
        live += i64::from(change.delta);
        // Within one event the parts' shares come one after the other: none of them alone means anything.
        let point = Point { event: change.event, live: u64::try_from(live).unwrap_or(0) };
        match points.last_mut() {
            Some(last) if last.event == change.event => *last = point,
            _ => points.push(point),
        }
    }
    points
}

/// The most at one time.
pub fn peak(points: &[Point]) -> u64 {
    points.iter().map(|point| point.live).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_together_by_event() {
        let change = |event, delta| Change { event, delta };
        let parts = [vec![change(0, 1), change(3, 1), change(4, -2)], vec![change(1, 1), change(3, -1)]];
        let points = live_over_time(parts);
        let live: Vec<(u32, u64)> = points.iter().map(|point| (point.event, point.live)).collect();
        assert_eq!(live, [(0, 1), (1, 2), (3, 2), (4, 0)]);
        assert_eq!(peak(&points), 2);
    }
}
