//! One contest under criterion.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use pulsebus_benches::scenario::Contest;

/// Times everybody who takes part.
pub fn run(criterion: &mut Criterion, contest: &impl Contest) {
    let mut group = criterion.benchmark_group(contest.group());
    group.throughput(Throughput::Elements(contest.operations()));
    for mut contestant in contest.contestants() {
        if contestant.at_most.is_some() {
            // Criterion decides for itself how often it runs something; only the interleaving harness can hold back.
            continue;
        }
        let id = BenchmarkId::new(contestant.peer, contest.parameter());
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|iterations| contestant.run(iterations));
        });
    }
    group.finish();
}

/// Short runs, since there are many.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
}
