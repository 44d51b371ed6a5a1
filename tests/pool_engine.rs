//! The library's own pools report the same figures as the user's. In one process for each, since they are the process's.

use pulsebus::{Domain, Pool, PoolFigures, Pools, Signal};

fn figures(name: &str) -> PoolFigures {
    let engine = Pools::engine();
    engine.into_iter().find(|pool| &*pool.name == name).unwrap_or_else(|| panic!("no pool {name}"))
}

/// One test: others of the same process would be counted, too.
#[test]
fn the_engine_reports_what_signals_take_and_give_back() {
    let (lists, domains) = (figures("pulsebus lists"), figures("pulsebus domains"));
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    let connections: Vec<_> = (0..100).map(|_| signal.connect(|_| ())).collect();

    let (chunks, slots) = (figures("pulsebus chunks"), figures("pulsebus slots"));
    assert_eq!((chunks.outstanding, slots.outstanding), (4, 100));
    assert_eq!(chunks.objects() * 32, slots.objects());
    assert_eq!((chunks.gets, chunks.misses as usize), (4, chunks.objects()));
    assert_eq!(chunks.bytes, chunks.objects() * 2_048);
    let more = |now: PoolFigures, before: &PoolFigures| now.outstanding - before.outstanding;
    assert_eq!(more(figures("pulsebus lists"), &lists), 1);
    assert_eq!(more(figures("pulsebus domains"), &domains), 1);

    // What has ended is out until its chunk can be used again.
    assert!(connections[0].disconnect());
    assert_eq!(figures("pulsebus slots").outstanding, 100);

    drop(signal);
    drop(domain);
    let (after, slots) = (figures("pulsebus chunks"), figures("pulsebus slots"));
    assert_eq!((after.outstanding, slots.outstanding), (0, 0));
    assert_eq!((after.idle, after.gets), (chunks.objects(), 4));
    let lists_after = figures("pulsebus lists");
    assert_eq!((lists_after.outstanding, lists_after.gets), (lists.outstanding, lists.gets + 1));

    // The next domain takes what the last one left, and counting goes on.
    let domain = Domain::new();
    let signal = Signal::<u32>::new_in(&domain);
    signal.connect(|_| ());
    assert_eq!(domain.statistics().chunks_taken, 1);
    let again = figures("pulsebus chunks");
    assert_eq!((again.gets, again.misses, again.hits()), (5, after.misses, 5 - after.misses.min(5)));
    assert_eq!(figures("pulsebus lists").misses, lists_after.misses);
}

#[test]
fn what_is_not_counted_is_named_and_not_shown() {
    let slots = figures("pulsebus slots");
    assert!(!slots.counts("gets") && slots.counts("outstanding"));
    let text = slots.to_string();
    assert!(!text.contains("gets") && !text.contains("peak") && text.contains("idle"), "{text}");
    for rounds in [figures("pulsebus rounds"), figures("pulsebus keys")] {
        assert!(!rounds.counts("idle") && rounds.counts("bytes"));
        assert!(!rounds.to_string().contains("idle"));
    }

    let pool = Pool::builder(|| 0_u64).build().expect("the rest are defaults");
    assert_eq!(pool.figures().uncounted, [""; 0]);
    assert!(pool.figures().to_string().contains("gets"));
}
