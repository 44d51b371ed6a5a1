//! The two sides of the handshake between a thread that pins and one that looks for pins.
//!
//! Either both sides run a sequentially consistent fence, or the pinning side runs none and the looking side makes
//! every other thread of the process run one (`membarrier(2)` on Linux, private expedited). The first flavour costs
//! every emission about 10 ns where it was measured, the second one costs the looking side a
//! system call that interrupts the other running threads, which is why a grace period is only asked for after
//! thousands of retirements.
//!
//! The flavour is decided once per process, before the first record exists, and each record remembers it.

use crate::sync::{Ordering, fence};
use std::sync::atomic::{AtomicU8, compiler_fence};

/// How emissions announce themselves to the reclaiming side. Decided once per process, see [`pin_flavour`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinFlavour {
    /// A plain store per emission; the reclaiming side calls `membarrier(2)`. Linux only.
    Asymmetric,
    /// A sequentially consistent fence per emission, and one on the reclaiming side. Everywhere.
    Fence,
}

const UNDECIDED: u8 = 0;
const FENCE: u8 = 1;
const ASYMMETRIC: u8 = 2;

/// Not part of a protocol: it moves once, from undecided to the flavour, before anything depends on it.
static FLAVOUR: AtomicU8 = AtomicU8::new(UNDECIDED);

/// Which flavour of pin this process uses; decides it if nothing has yet.
///
/// On Linux the asymmetric one is taken if the kernel offers `membarrier` (4.14 and later, and not forbidden by a
/// sandbox); elsewhere the fence. Cost: one relaxed load, a system call the first time.
///
/// ```
/// println!("emissions pin with: {:?}", pulsebus::pin_flavour());
/// ```
pub fn pin_flavour() -> PinFlavour {
    // Relaxed, here and below: it stands for itself.
    match FLAVOUR.load(Ordering::Relaxed) {
        FENCE => PinFlavour::Fence,
        ASYMMETRIC => PinFlavour::Asymmetric,
        _ => decide(if system::register() { ASYMMETRIC } else { FENCE }),
    }
}

/// Asks for the fence flavour, for a process that cannot afford to have its threads interrupted by `membarrier`.
///
/// Returns the flavour that is in force afterwards: [`PinFlavour::Fence`], unless the asymmetric one was decided
/// before (by a first `connect`, or by [`pin_flavour`]). Call it first thing in `main`.
///
/// ```
/// let flavour = pulsebus::prefer_fence();
/// assert_eq!(flavour, pulsebus::pin_flavour());
/// ```
pub fn prefer_fence() -> PinFlavour {
    decide(FENCE)
}

fn decide(wish: u8) -> PinFlavour {
    match FLAVOUR.compare_exchange(UNDECIDED, wish, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(decided) | Err(decided) if decided != UNDECIDED => name(decided),
        _ => name(wish),
    }
}

fn name(flavour: u8) -> PinFlavour {
    if flavour == ASYMMETRIC { PinFlavour::Asymmetric } else { PinFlavour::Fence }
}

/// The pinning side, between showing the pin and looking at any list.
#[inline(always)]
pub(crate) fn light(flavour: PinFlavour) {
    match flavour {
        // Partner: `heavy`, which puts a full barrier at this very point of the thread, or before it, or after it.
        PinFlavour::Asymmetric => compiler_fence(Ordering::SeqCst),
        // Partner: the fence in `heavy`: of two SeqCst fences one is first, and the later thread sees what the other
        // wrote before its own.
        PinFlavour::Fence => fence(Ordering::SeqCst),
    }
}

/// The looking side, between taking something out of a list and looking for pins.
pub(crate) fn heavy() {
    // Partner: `light`. The fence also orders this thread's own accesses in the asymmetric flavour.
    fence(Ordering::SeqCst);
    if pin_flavour() == PinFlavour::Asymmetric {
        system::barrier();
    }
}

#[cfg(all(target_os = "linux", not(loom), not(miri)))]
mod system {
    // Values of `linux/membarrier.h`, which libc does not carry for every target.
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> libc::c_long {
        // SAFETY: the call takes two integers besides the command and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    }

    /// Asks for the expedited barrier; `false` where the kernel or a sandbox refuses.
    pub(super) fn register() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED) == 0
    }

    pub(super) fn barrier() {
        if membarrier(PRIVATE_EXPEDITED) != 0 {
            // Emissions rely on it without a fence of their own: going on would free memory under them.
            eprintln!("pulsebus: membarrier(2) was registered but fails now; memory can no longer be reclaimed safely");
            std::process::abort();
        }
    }
}

#[cfg(not(all(target_os = "linux", not(loom), not(miri))))]
mod system {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn barrier() {}
}
