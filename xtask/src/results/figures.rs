//! What the measuring binaries print, and the ratios that are taken of it.

use serde::Deserialize;

/// Ours, in every scenario.
pub const OURS: &str = "pulsebus";
/// The raw loop where the compiler and we tried to place it best, and worst.
pub const RAW_BEST: &str = "raw loop, best layout";
pub const RAW_WORST: &str = "raw loop, worst layout";
pub const BOOST: &str = "Boost.Signals2";

/// What `ratios` prints.
#[derive(Deserialize)]
pub struct Report {
    pin: String,
    boost: Option<String>,
    scenarios: Vec<Scenario>,
}

/// One scenario, timed for everyone who took part.
#[derive(Deserialize)]
pub struct Scenario {
    pub group: String,
    pub parameter: usize,
    contestants: Vec<Contestant>,
}

/// A peer's nanoseconds per operation, round by round.
#[derive(Clone, Deserialize)]
pub struct Contestant {
    pub peer: String,
    ns: Vec<f64>,
}

/// What `heap` prints.
#[derive(Deserialize)]
pub struct Heap {
    pub connections: usize,
    pub footprints: Vec<Footprint>,
    pub epochs: Vec<EpochHeap>,
}

/// Bytes per connection.
#[derive(Deserialize)]
pub struct Footprint {
    pub peer: String,
    pub requested: Option<f64>,
    pub held: Option<f64>,
}

/// Heap calls of a retire-and-reclaim cycle.
#[derive(Deserialize)]
pub struct EpochHeap {
    pub epoch: String,
    pub cycles: u64,
    pub heap_calls: u64,
}

impl Contestant {
    pub fn median(&self) -> f64 {
        median(self.ns.clone())
    }
}

/// All timings of a run, the raw loop's placements reduced to the best and the worst.
pub struct Timings {
    pub pin: String,
    pub boost: Option<String>,
    pub scenarios: Vec<Scenario>,
}

impl Timings {
    pub fn new(report: Report) -> Self {
        let mut scenarios = report.scenarios;
        scenarios.iter_mut().for_each(Scenario::reduce_placements);
        Self { pin: report.pin, boost: report.boost, scenarios }
    }

    pub fn scenario(&self, group: &str, parameter: usize) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.group == group && scenario.parameter == parameter)
    }

    /// The median nanoseconds per operation of a peer.
    pub fn ns(&self, group: &str, parameter: usize, peer: &str) -> Option<f64> {
        Some(self.scenario(group, parameter)?.contestant(peer)?.median())
    }

    /// Ours over a peer's, or a peer's over ours, within one scenario.
    pub fn ratio(&self, group: &str, parameter: usize, above: &str, below: &str) -> Option<f64> {
        self.scenario(group, parameter)?.ratio(above, below)
    }
}

impl Scenario {
    pub fn contestants(&self) -> &[Contestant] {
        &self.contestants
    }

    pub fn contestant(&self, peer: &str) -> Option<&Contestant> {
        self.contestants.iter().find(|contestant| contestant.peer == peer)
    }

    /// The median of the rounds' ratios: both ran within the same milliseconds of each round.
    pub fn ratio(&self, above: &str, below: &str) -> Option<f64> {
        let (above, below) = (self.contestant(above)?, self.contestant(below)?);
        Some(median(above.ns.iter().zip(&below.ns).map(|(above, below)| above / below).collect()))
    }

    /// The fastest thread-safe peer: neither ours nor the loops and buses for one thread.
    pub fn fastest_thread_safe(&self) -> Option<&Contestant> {
        let is_peer =
            |name: &str| !name.starts_with(OURS) && !name.starts_with("raw loop") && !name.contains("one thread");
        let peers = self.contestants.iter().filter(|contestant| is_peer(&contestant.peer));
        peers.min_by(|a, b| a.median().total_cmp(&b.median()))
    }

    /// Replaces the raw loop's placements (`raw loop`, `raw loop, moved by …`) by the best and the worst of them.
    fn reduce_placements(&mut self) {
        let is_placement = |name: &str| name == "raw loop" || name.starts_with("raw loop, moved by");
        let Some(at) = self.contestants.iter().position(|contestant| is_placement(&contestant.peer)) else { return };
        let (mut placements, others): (Vec<_>, Vec<_>) =
            self.contestants.drain(..).partition(|contestant| is_placement(&contestant.peer));
        placements.sort_by(|a, b| a.median().total_cmp(&b.median()));
        let named = |contestant: &Contestant, peer: &str| Contestant { peer: peer.to_owned(), ..contestant.clone() };
        let best = placements.first().map(|best| named(best, RAW_BEST));
        let worst = placements.last().map(|worst| named(worst, RAW_WORST));
        self.contestants = others;
        self.contestants.splice(at..at, best.into_iter().chain(worst));
    }
}

/// The middle of some figures; of an even number, the mean of the middle two.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(contestants: &[(&str, &[f64])]) -> Scenario {
        let contestant = |&(peer, ns): &(&str, &[f64])| Contestant { peer: peer.to_owned(), ns: ns.to_vec() };
        Scenario { group: "emit".to_owned(), parameter: 1, contestants: contestants.iter().map(contestant).collect() }
    }

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_and_not_the_ratio_of_medians() {
        let scenario = scenario(&[(OURS, &[1.0, 4.0, 100.0]), ("peer", &[2.0, 4.0, 10.0])]);
        assert_eq!(scenario.ratio(OURS, "peer"), Some(1.0));
        assert_eq!(scenario.ratio(OURS, "nobody"), None);
    }

    #[test]
    fn placements_become_the_best_and_the_worst() {
        let mut scenario = scenario(&[
            (OURS, &[1.0]),
            ("raw loop", &[3.0]),
            ("raw loop, moved by 16", &[2.0]),
            ("raw loop, moved by 32", &[4.0]),
            ("raw loop, scattered boxes", &[9.0]),
        ]);
        scenario.reduce_placements();
        let names: Vec<_> = scenario.contestants().iter().map(|c| (c.peer.as_str(), c.median())).collect();
        let expected = [(OURS, 1.0), (RAW_BEST, 2.0), (RAW_WORST, 4.0), ("raw loop, scattered boxes", 9.0)];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_fastest_thread_safe_peer_is_no_raw_loop_and_not_ours() {
        let contestants: [(&str, &[f64]); 5] =
            [(OURS, &[1.0]), (RAW_BEST, &[1.0]), ("rt-events (one thread)", &[1.0]), ("a", &[5.0]), ("b", &[4.0])];
        let scenario = scenario(&contestants);
        assert_eq!(scenario.fastest_thread_safe().map(|c| c.peer.as_str()), Some("b"));
    }
}
