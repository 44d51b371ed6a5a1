//! What a look at many pools costs.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use pulsebus::{Pool, Pooled, Pools};

use crate::scenario::{Contestant, timed};

/// The objects of each pool. Half of them are out.
const OBJECTS: usize = 10_000;

/// A server's pools, with objects out.
struct Server {
    list: Pools,
    _pools: Vec<Pool<u64>>,
    _out: Vec<Pooled<u64>>,
}

impl Server {
    fn with_pools(pools: usize) -> Arc<Self> {
        let list = Pools::new();
        let pools: Vec<_> = (0..pools)
            .map(|n| {
                let pool = Pool::builder(|| 0_u64).initial(OBJECTS).name(&format!("pool {n}")).registry(&list);
                pool.leak_after(Duration::from_secs(3_600)).build().expect("as many as may be")
            })
            .collect();
        let out: Vec<_> = pools.iter().flat_map(|pool| pool.get_many(OBJECTS / 2)).collect();
        let figures = list.figures();
        assert!(figures.iter().all(|pool| pool.outstanding == OBJECTS / 2 && pool.objects() == OBJECTS));
        Arc::new(Self { list, _pools: pools, _out: out })
    }
}

pub(super) fn contestants(pools: usize) -> Vec<Contestant> {
    let server = Server::with_pools(pools);
    let looking = |name: &'static str, look: fn(&Pools)| {
        let server = Arc::clone(&server);
        Contestant::new(name, move |iterations| timed(iterations, || look(&server.list)))
    };
    vec![
        looking("figures", |list| drop(black_box(list.figures()))),
        looking("leaks, all objects tracked", |list| drop(black_box(list.leaks(Duration::from_secs(3_600))))),
    ]
}
