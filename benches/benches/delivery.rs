//! Delivery to other threads, under criterion: `cargo bench -p pulsebus-benches --bench delivery [-- FILTER]`.

mod contest;

use criterion::{Criterion, criterion_group, criterion_main};
use pulsebus_benches::delivery::DeliveryScenario;

fn delivery(criterion: &mut Criterion) {
    for scenario in DeliveryScenario::all() {
        contest::run(criterion, &scenario);
    }
}

criterion_group! {
    name = benches;
    config = contest::criterion();
    targets = delivery
}
criterion_main!(benches);
