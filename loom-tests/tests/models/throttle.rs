//! A throttle: one word, and those who come at once.

use loom_tests::pair;
use pulsebus::Throttle;
use std::sync::Arc;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(1);

/// Of two that come at once one is admitted; of two that are an interval apart the later one always.
#[test]
fn of_two_at_once_one_is_admitted() {
    for (apart, outcomes) in [(Duration::ZERO, &["one"][..]), (INTERVAL, &["one", "both"])] {
        pair("admit vs admit", outcomes, move |run| {
            let throttle = Arc::new(Throttle::new(INTERVAL));
            let (one, two) = (throttle.clone(), throttle);
            let (early, late) = run.race(move || one.admit(INTERVAL), move || two.admit(INTERVAL + apart));
            assert!(early || late, "nobody was admitted");
            assert!(!apart.is_zero() || early != late, "two at once");
            assert!(apart.is_zero() || late, "nobody came within an interval before it");
            run.note_if(early && late, "both", "one");
        });
    }
}
