//! Numbers for pools, small ones first: what a thread finds its magazine by.

use crate::sync::lock;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Mutex;

/// No pool's number: no magazine is found by it.
pub(super) const NOWHERE: u32 = u32::MAX;

struct Numbers {
    free: BinaryHeap<Reverse<u32>>,
    next: u32,
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { free: BinaryHeap::new(), next: 0 });

/// A number that is nobody else's until it is dropped.
pub(super) struct Number(u32);

impl Number {
    pub(super) fn take() -> Self {
        let mut numbers = lock(&NUMBERS);
        if let Some(Reverse(number)) = numbers.free.pop() {
            return Self(number);
        }
        let number = numbers.next;
        numbers.next = number.checked_add(1).expect("fewer than 2³² pools fit into memory");
        Self(number)
    }

    #[inline(always)]
    pub(super) fn get(&self) -> u32 {
        self.0
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        lock(&NUMBERS).free.push(Reverse(self.0));
    }
}
