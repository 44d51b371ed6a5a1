//! Which objects are out, for how long, and who took them.

use super::figures::PoolLeak;
use super::node::Header;
use crate::sync::lock;
use std::collections::HashMap;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// All objects of a pool that tracks.
#[derive(Default)]
pub(super) struct Tracking {
    nodes: Mutex<Vec<Tracked>>,
}

struct Tracked(NonNull<Header>);

// SAFETY: the list is looked at under its lock only, and of what it points to only atomics and what that lock guards.
unsafe impl Send for Tracked {}

impl Tracking {
    pub(super) fn add(&self, node: NonNull<Header>) {
        let mut nodes = lock(&self.nodes);
        let index = u32::try_from(nodes.len()).expect("fewer than 2³² objects are tracked");
        // SAFETY: not yet freed: `remove` comes first.
        unsafe { node.as_ref() }.index.set(index);
        nodes.push(Tracked(node));
    }

    /// Forgets an object that is about to be freed.
    pub(super) fn remove(&self, node: NonNull<Header>) {
        let mut nodes = lock(&self.nodes);
        // SAFETY: the caller's, and not freed yet.
        let index = unsafe { node.as_ref() }.index.get();
        nodes.swap_remove(index as usize);
        if let Some(moved) = nodes.get(index as usize) {
            // SAFETY: what is in the list has not been freed.
            unsafe { moved.0.as_ref() }.index.set(index);
        }
    }

    /// Those that have been out for longer than that, by the place that took them; the most first.
    pub(super) fn leaks(&self, pool: &Arc<str>, now: u64, older_than: Duration) -> Vec<PoolLeak> {
        let mut places = HashMap::<&'static Location<'static>, (usize, u64)>::new();
        for node in lock(&self.nodes).iter() {
            // SAFETY: what is in the list has not been freed.
            let Some((place, since)) = unsafe { node.0.as_ref() }.taken() else { continue };
            let age = now.saturating_sub(since);
            if u128::from(age) > older_than.as_nanos() {
                let (count, oldest) = places.entry(place).or_default();
                (*count, *oldest) = (*count + 1, age.max(*oldest));
            }
        }
        let leak = |(place, (count, oldest))| PoolLeak {
            pool: Arc::clone(pool),
            place,
            count,
            oldest: Duration::from_nanos(oldest),
        };
        let mut leaks: Vec<_> = places.into_iter().map(leak).collect();
        leaks.sort_by_key(|leak| (std::cmp::Reverse(leak.count), leak.place.to_string()));
        leaks
    }
}
