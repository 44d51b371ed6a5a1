//! Every scenario for every peer, under criterion: `cargo bench -p pulsebus-benches --bench peers [-- FILTER]`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pulsebus_benches::scenario::Scenario;

fn peers(criterion: &mut Criterion) {
    for scenario in Scenario::all() {
        let mut group = criterion.benchmark_group(scenario.group());
        group.throughput(Throughput::Elements(scenario.operations()));
        for mut contestant in scenario.contestants() {
            if contestant.at_most.is_some() {
                // Criterion decides for itself how often it runs something; only the
                // interleaving harness can hold back.
                continue;
            }
            let id = BenchmarkId::new(contestant.peer, scenario.parameter());
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|iterations| contestant.run(iterations));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = peers
}
criterion_main!(benches);
