//! Threads that stay on a core of their own, where the system lets them.

/// The cores that the calling thread may run on.
pub fn cores() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: a set of bits, of which all zero is one.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the call writes to `set`, which is as large as it says.
        let status = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
        if status == 0 {
            // SAFETY: reads `set`, whose size bounds the numbers.
            return (0..libc::CPU_SETSIZE as usize).filter(|core| unsafe { libc::CPU_ISSET(*core, &set) }).collect();
        }
    }
    (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// Keeps the calling thread on that core from now on.
pub fn stay_on(core: usize) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: as above.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the number is one of those of `cores`.
        unsafe { libc::CPU_SET(core, &mut set) };
        // If it is not granted, the thread is where it was: the figures are less steady, no more.
        // SAFETY: the call reads `set`, which is as large as it says.
        let _ = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}
