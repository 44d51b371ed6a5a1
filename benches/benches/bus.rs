//! What the bus adds to bare signals, under criterion: `cargo bench -p pulsebus-benches --bench bus [-- FILTER]`.

mod contest;

use criterion::{Criterion, criterion_group, criterion_main};
use pulsebus_benches::bus::BusScenario;

fn bus(criterion: &mut Criterion) {
    for scenario in BusScenario::all() {
        contest::run(criterion, &scenario);
    }
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = bus
}
criterion_main!(benches);
