//! The contract once more, with emissions that pin by a fence: what a process gets that calls `prefer_fence` first thing,
//! and where the kernel has no `membarrier`.

#![allow(clippy::duplicate_mod, reason = "each file of the contract brings the common module along")]

#[path = "c01_order.rs"]
mod c01_order;
#[path = "c02_cut.rs"]
mod c02_cut;
#[path = "c03_disconnect.rs"]
mod c03_disconnect;
#[path = "c05_winner.rs"]
mod c05_winner;
#[path = "c06_wait.rs"]
mod c06_wait;
#[path = "c07_destructors.rs"]
mod c07_destructors;
#[path = "c08_drops.rs"]
mod c08_drops;
#[path = "c08_memory.rs"]
mod c08_memory;
#[path = "c10_panics.rs"]
mod c10_panics;
#[path = "c11_reentrancy.rs"]
mod c11_reentrancy;
#[path = "c12_living.rs"]
mod c12_living;
#[path = "domains.rs"]
mod domains;
#[path = "events.rs"]
mod events;
#[path = "threads.rs"]
mod threads;

use pulsebus::{PinFlavour, pin_flavour, prefer_fence};

/// Before `main`, and so before the first connection of whichever test is first. (Only Linux has the other flavour.)
#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds functions to be called at the start, of this type; this one needs nothing that is not there.
#[unsafe(link_section = ".init_array")]
static FIRST_THING: extern "C" fn() = {
    extern "C" fn first_thing() {
        prefer_fence();
    }
    first_thing
};

#[test]
fn the_fence_is_the_flavour_of_this_process() {
    assert_eq!(pin_flavour(), PinFlavour::Fence);
    assert_eq!(prefer_fence(), PinFlavour::Fence);
}
