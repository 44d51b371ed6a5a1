//! What the measuring binaries print, and the ratios that are taken of it.

use serde::Deserialize;

/// Ours, in every scenario.
pub const OURS: &str = "pulsebus";
/// The raw loop where the compiler and we tried to place it best, and worst.
pub const RAW_BEST: &str = "raw loop, best layout";
pub const RAW_WORST: &str = "raw loop, worst layout";
pub const BOOST: &str = "Boost.Signals2";

/// What `ratios` and `bus` print.
#[derive(Deserialize)]
pub struct Report {
    pin: String,
    boost: Option<String>,
    scenarios: Vec<Rounds>,
}

/// One scenario, round by round.
#[derive(Deserialize)]
struct Rounds {
    group: String,
    parameter: usize,
    contestants: Vec<ContestantRounds>,
}

/// A peer's nanoseconds per operation in each round.
#[derive(Deserialize)]
struct ContestantRounds {
    peer: String,
    ns: Vec<f64>,
}

/// One scenario, timed for everyone who took part.
pub struct Scenario {
    pub group: String,
    pub parameter: usize,
    pub contestants: Vec<Contestant>,
}

/// A peer, and its nanoseconds per operation in that one of the rounds that stands for all of them.
#[derive(Clone)]
pub struct Contestant {
    pub peer: String,
    pub ns: f64,
}

/// What `heap` prints.
#[derive(Deserialize)]
pub struct Heap {
    pub connections: usize,
    pub footprints: Vec<Footprint>,
    pub epochs: Vec<EpochHeap>,
    pub pools: Vec<PoolHeap>,
}

/// Heap calls of what a user does with a pool.
#[derive(Deserialize)]
pub struct PoolHeap {
    pub operation: String,
    pub cycles: u64,
    pub heap_calls: u64,
}

/// What `heartbeat` prints of one rate.
#[derive(Deserialize)]
pub struct Beats {
    pub hz: f64,
    pub beats: u64,
    pub skipped: u64,
    pub caught_up: u64,
    pub jitter: Quantiles,
    pub work: Quantiles,
}

/// Nanoseconds.
#[derive(Deserialize)]
pub struct Quantiles {
    pub p50: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub max: u64,
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

/// All timings of a run, the raw loop's placements reduced to the best and the worst.
pub struct Timings {
    pub pin: String,
    pub boost: Option<String>,
    pub scenarios: Vec<Scenario>,
}

impl Timings {
    pub fn new(report: Report) -> Self {
        let scenarios = report.scenarios.into_iter().map(Scenario::new).collect();
        Self { pin: report.pin, boost: report.boost, scenarios }
    }

    pub fn scenario(&self, group: &str, parameter: usize) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.group == group && scenario.parameter == parameter)
    }

    /// The scenario of a group that has but one.
    pub fn group(&self, group: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.group == group)
    }

    /// The nanoseconds per operation of a peer.
    pub fn ns(&self, group: &str, parameter: usize, peer: &str) -> Option<f64> {
        Some(self.scenario(group, parameter)?.contestant(peer)?.ns)
    }

    /// Ours over a peer's, or a peer's over ours, within one scenario.
    pub fn ratio(&self, group: &str, parameter: usize, above: &str, below: &str) -> Option<f64> {
        self.scenario(group, parameter)?.ratio(above, below)
    }
}

impl Scenario {
    /// What else runs on the machine only ever adds to the time of one thread, so its least disturbed rounds tell most:
    /// the first decile. Of several threads, one that waits for a core can spare the other one work: there it is the
    /// median. (Where one hands objects over to another, each waiting for the other, it cannot.)
    fn new(Rounds { group, parameter, contestants }: Rounds) -> Self {
        let threaded = ["emitters", "emit_under_churn", "emit_beside_looks", "two_threads"];
        // Delivery: who drains a queue while the sender has no core is not disturbed by it.
        let delivery = ["one_to_", "two_to_", "best_", "unicast", "pipeline", "multicast", "diamond"];
        let is_threaded =
            threaded.contains(&group.as_str()) || delivery.iter().any(|beginning| group.starts_with(beginning));
        let share = if is_threaded { 0.5 } else { 0.1 };
        let figure = |rounds: ContestantRounds| Contestant { peer: rounds.peer, ns: quantile(rounds.ns, share) };
        let mut scenario = Self { group, parameter, contestants: contestants.into_iter().map(figure).collect() };
        scenario.reduce_placements();
        scenario
    }

    pub fn contestant(&self, peer: &str) -> Option<&Contestant> {
        self.contestants.iter().find(|contestant| contestant.peer == peer)
    }

    /// One contestant's time over another's: of the same rounds, in which they took turns.
    pub fn ratio(&self, above: &str, below: &str) -> Option<f64> {
        Some(self.contestant(above)?.ns / self.contestant(below)?.ns)
    }

    /// The fastest thread-safe peer: neither ours nor the loops and buses for one thread.
    pub fn fastest_thread_safe(&self) -> Option<&Contestant> {
        let is_peer =
            |name: &str| !name.starts_with(OURS) && !name.starts_with("raw loop") && !name.contains("one thread");
        self.fastest_of(is_peer)
    }

    /// The fastest of those of which that is true.
    pub fn fastest_of(&self, is_peer: impl Fn(&str) -> bool) -> Option<&Contestant> {
        let peers = self.contestants.iter().filter(|contestant| is_peer(&contestant.peer));
        peers.min_by(|a, b| a.ns.total_cmp(&b.ns))
    }

    /// Replaces the raw loop's placements (`raw loop`, `raw loop, moved by …`) by the best and the worst of them.
    fn reduce_placements(&mut self) {
        let is_placement = |name: &str| name == "raw loop" || name.starts_with("raw loop, moved by");
        let Some(at) = self.contestants.iter().position(|contestant| is_placement(&contestant.peer)) else { return };
        let (mut placements, others): (Vec<_>, Vec<_>) =
            self.contestants.drain(..).partition(|contestant| is_placement(&contestant.peer));
        placements.sort_by(|a, b| a.ns.total_cmp(&b.ns));
        let named = |contestant: &Contestant, peer: &str| Contestant { peer: peer.to_owned(), ..contestant.clone() };
        let best = placements.first().map(|best| named(best, RAW_BEST));
        let worst = placements.last().map(|worst| named(worst, RAW_WORST));
        self.contestants = others;
        self.contestants.splice(at..at, best.into_iter().chain(worst));
    }
}

/// The figure below which this share of them lies.
fn quantile(mut figures: Vec<f64>, share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[((figures.len() - 1) as f64 * share).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(group: &str, contestants: &[(&str, &[f64])]) -> Scenario {
        let rounds = |&(peer, ns): &(&str, &[f64])| ContestantRounds { peer: peer.to_owned(), ns: ns.to_vec() };
        let contestants = contestants.iter().map(rounds).collect();
        Scenario::new(Rounds { group: group.to_owned(), parameter: 1, contestants })
    }

    #[test]
    fn a_disturbed_round_does_not_count() {
        let rounds: [(&str, &[f64]); 2] = [(OURS, &[900.0, 3.0, 3.0]), ("peer", &[2.0, 2.0, 2.0])];
        assert_eq!(scenario("emit", &rounds).ratio(OURS, "peer"), Some(1.5));
        assert_eq!(scenario("emit", &rounds).ratio(OURS, "nobody"), None);
    }

    #[test]
    fn of_several_threads_the_luckiest_round_does_not_count_either() {
        let rounds: [(&str, &[f64]); 1] = [(OURS, &[1.0, 4.0, 5.0])];
        assert_eq!(scenario("emitters", &rounds).contestants[0].ns, 4.0);
    }

    #[test]
    fn placements_become_the_best_and_the_worst() {
        let rounds: [(&str, &[f64]); 5] = [
            (OURS, &[1.0]),
            ("raw loop", &[3.0]),
            ("raw loop, moved by 16", &[2.0]),
            ("raw loop, moved by 32", &[4.0]),
            ("raw loop, scattered boxes", &[9.0]),
        ];
        let scenario = scenario("emit", &rounds);
        let figures: Vec<_> = scenario.contestants.iter().map(|c| (c.peer.as_str(), c.ns)).collect();
        let expected = [(OURS, 1.0), (RAW_BEST, 2.0), (RAW_WORST, 4.0), ("raw loop, scattered boxes", 9.0)];
        assert_eq!(figures, expected);
    }

    #[test]
    fn the_fastest_thread_safe_peer_is_no_raw_loop_and_not_ours() {
        let rounds: [(&str, &[f64]); 5] =
            [(OURS, &[1.0]), (RAW_BEST, &[1.0]), ("rt-events (one thread)", &[1.0]), ("a", &[5.0]), ("b", &[4.0])];
        assert_eq!(scenario("emit", &rounds).fastest_thread_safe().map(|c| c.peer.as_str()), Some("b"));
    }
}
