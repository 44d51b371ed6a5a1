//! What a domain leaves behind that ended where nothing could be reclaimed. Alone in its process: another test's new domain
//! could take over the memory of the one that has ended, and what it left with it.

use pulsebus::{Connection, Domain, Signal};

#[test]
fn chunks_that_a_domain_left_in_limbo_are_given_back_by_a_global_collection() {
    const CHUNKS: usize = 1_000;
    let outer = Signal::<()>::new_in(&Domain::new());
    outer.connect(|()| {
        // Slots with nothing to drop: only memory waits when the domain ends, inside the outer emission.
        let domain = Domain::new();
        let signal = Signal::<()>::new_in(&domain);
        let connections: Vec<_> = (0..32 * CHUNKS).map(|_| signal.connect(|()| {})).collect();
        assert!(connections.iter().all(Connection::disconnect));
        assert_eq!(domain.statistics().chunks, CHUNKS);
    });
    outer.on_panic(pulsebus::PanicPolicy::Propagate);
    outer.emit(&());
    assert_eq!(pulsebus::collect().recycled, CHUNKS - 1, "all but the last, which went with the signal");
}
