//! Cache lines that are about to be written, fetched early.
//!
//! A queue's places come round: the line that a sender writes next was last read by a receiver, on another core, and has to be taken
//! back from there, some tens of nanoseconds. The processor would do that behind the sender's back, but for the exchange of the next
//! send, which waits until everything written before it is done. So each send asks for the lines of some sends later, and finds its
//! own already there.

/// So many bytes before it is written a line is asked for: four lines, what is taken back while some events are sent.
const DISTANCE: usize = 256;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Whether this processor can fetch a line for writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefetch(bool);

impl Prefetch {
    /// What the processor says of itself, asked once.
    pub(crate) fn new() -> Self {
        Self(imp::can_fetch_for_writing())
    }

    /// The place of a position is written now, and those of the next positions after it: asks for the line of a later one; of a large
    /// one, its first line. Once per line, if several places share one. A hint: wherever `place` is, nothing happens there.
    #[inline(always)]
    pub(crate) fn for_writing_behind<'a, T: 'a>(self, position: u64, place: impl FnOnce(u64) -> &'a T) {
        let (ahead, per_line) = const { (things::<T>(DISTANCE), things::<T>(LINE)) };
        if self.0 && position % per_line == 0 {
            imp::for_writing(std::ptr::from_ref(place(position + ahead)).cast());
        }
    }
}

/// How many things of this type there are in so many bytes; one at the least.
const fn things<T>(bytes: usize) -> u64 {
    let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
    if size >= bytes { 1 } else { (bytes / size) as u64 }
}

#[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
mod imp {
    use std::arch::asm;
    use std::arch::x86_64::{__cpuid, CpuidResult};
    use std::sync::OnceLock;

    /// The leaf of the extended features, and PREFETCHW's bit there.
    const FEATURES: u32 = 0x8000_0001;
    const PREFETCHW: u32 = 1 << 8;

    pub(super) fn can_fetch_for_writing() -> bool {
        static IS_THERE: OnceLock<bool> = OnceLock::new();
        *IS_THERE.get_or_init(|| cpuid(FEATURES - 1).eax >= FEATURES && cpuid(FEATURES).ecx & PREFETCHW != 0)
    }

    #[allow(unused_unsafe, reason = "safe to call for newer compilers than the oldest that is supported")]
    fn cpuid(leaf: u32) -> CpuidResult {
        // SAFETY: every processor of this architecture has the instruction.
        unsafe { __cpuid(leaf) }
    }

    #[inline(always)]
    pub(super) fn for_writing(place: *const u8) {
        // SAFETY: the instruction is there, see `can_fetch_for_writing`; it changes nothing but what is cached, and never faults, whatever
        // the address.
        unsafe { asm!("prefetchw [{}]", in(reg) place, options(readonly, nostack, preserves_flags)) };
    }
}

#[cfg(all(target_arch = "aarch64", not(any(loom, miri))))]
mod imp {
    use std::arch::asm;

    pub(super) fn can_fetch_for_writing() -> bool {
        true
    }

    #[inline(always)]
    pub(super) fn for_writing(place: *const u8) {
        // SAFETY: of the base instruction set; it changes nothing but what is cached, and never faults, whatever the address.
        unsafe { asm!("prfm pstl1keep, [{}]", in(reg) place, options(readonly, nostack, preserves_flags)) };
    }
}

#[cfg(any(loom, miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod imp {
    pub(super) fn can_fetch_for_writing() -> bool {
        false
    }

    pub(super) fn for_writing(_: *const u8) {}
}
