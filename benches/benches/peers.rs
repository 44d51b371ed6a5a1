//! Every scenario for every peer, under criterion: `cargo bench -p pulsebus-benches --bench peers [-- FILTER]`.

mod contest;

use criterion::{Criterion, criterion_group, criterion_main};
use pulsebus_benches::scenario::Scenario;

fn peers(criterion: &mut Criterion) {
    for scenario in Scenario::all() {
        contest::run(criterion, &scenario);
    }
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = peers
}
criterion_main!(benches);
