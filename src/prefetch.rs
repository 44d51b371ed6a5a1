//! Cache lines that are about to be written, fetched early.
//!
//! A queue's places come round: the line that a sender writes next was last read by a receiver, on another core, and has to be taken
//! back from there, some tens of nanoseconds. The processor would do that behind the sender's back, but for the exchange of the next
//! send, which waits until everything written before it is done. So each send asks for the lines of some sends later, and finds its
//! own already there. (Measured: RESULTS.md, "Delivery".)

/// So many bytes before it is written a line is asked for: four lines, what is taken back while some events are sent.
const DISTANCE: usize = 256;

/// Bytes of a cache line.
const LINE: usize = 64;
/// So many bytes are asked for at a time, at the most.
const MOST: usize = 1024;

/// How many things of this type ahead is that? One at the least.
pub(crate) const fn ahead<T>() -> u64 {
    let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
    if size >= DISTANCE { 1 } else { (DISTANCE / size) as u64 }
}

/// Whether this processor can fetch a line for writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefetch(bool);

impl Prefetch {
    /// What the processor says of itself, asked once.
    pub(crate) fn new() -> Self {
        Self(imp::is_there())
    }

    /// Asks for the lines of a place that will be written soon: the first ones of a large one. A hint: the place need not be there at all.
    #[inline(always)]
    pub(crate) fn for_writing<T>(self, place: *const T) {
        if self.0 {
            let mut line = 0;
            while line < const { if size_of::<T>() < LINE { 1 } else if size_of::<T>() > MOST { MOST } else { size_of::<T>() } } {
                imp::for_writing(place.wrapping_byte_add(line).cast());
                line += LINE;
            }
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
mod imp {
    use std::arch::x86_64::__cpuid;
    use std::sync::OnceLock;

    /// The leaf of the extended features, and PREFETCHW's bit there.
    const FEATURES: u32 = 0x8000_0001;
    const PREFETCHW: u32 = 1 << 8;

    pub(super) fn is_there() -> bool {
        static IS_THERE: OnceLock<bool> = OnceLock::new();
        *IS_THERE.get_or_init(|| __cpuid(FEATURES - 1).eax >= FEATURES && __cpuid(FEATURES).ecx & PREFETCHW != 0)
    }

    #[inline(always)]
    pub(super) fn for_writing(place: *const u8) {
        // SAFETY: the instruction is there (`is_there`), changes nothing but what is cached, and never faults, whatever the address.
        unsafe { std::arch::asm!("prefetchw [{}]", in(reg) place, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(all(target_arch = "aarch64", not(any(loom, miri))))]
mod imp {
    pub(super) fn is_there() -> bool {
        true
    }

    #[inline(always)]
    pub(super) fn for_writing(place: *const u8) {
        // SAFETY: of the base instruction set, changes nothing but what is cached, and never faults, whatever the address.
        unsafe { std::arch::asm!("prfm pstl1keep, [{}]", in(reg) place, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(any(loom, miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod imp {
    pub(super) fn is_there() -> bool {
        false
    }

    pub(super) fn for_writing(_: *const u8) {}
}
