//! The panic hook of a domain: run by emissions, which neither wait for it nor drop it, and replaced by anyone.

use crate::panics::{Hook, drop_quietly};
use crate::sync::lock;
use arc_swap::ArcSwapOption;
use std::sync::{Arc, Mutex, MutexGuard};

/// The place of a hook.
pub(super) struct HookPlace {
    current: ArcSwapOption<Hook>,
    /// Hooks that were replaced, and that an emission may be running still: kept so that no emission is ever the last to
    /// let go of one, and runs its destructor. Never locked by emissions.
    replaced: Mutex<Vec<Arc<Hook>>>,
}

impl HookPlace {
    pub(super) const fn new() -> Self {
        Self { current: ArcSwapOption::const_empty(), replaced: Mutex::new(Vec::new()) }
    }

    /// Replaces the hook. May run the destructors of earlier ones.
    pub(super) fn set(&self, hook: Option<Hook>) {
        let old = self.current.swap(hook.map(Arc::new));
        self.replaced().extend(old);
        self.tidy();
    }

    /// Drops the hooks that were replaced and that nobody runs any more.
    pub(super) fn tidy(&self) {
        let (done, kept) =
            std::mem::take(&mut *self.replaced()).into_iter().partition(|hook| Arc::strong_count(hook) == 1);
        self.replaced().extend::<Vec<_>>(kept);
        // Not under the lock: their destructors may set a hook.
        for hook in Vec::<Arc<Hook>>::into_iter(done) {
            let _ = drop_quietly(hook);
        }
    }

    /// Shows the hook to `f`, if there is one.
    pub(super) fn with(&self, f: impl FnOnce(&Hook)) {
        if let Some(hook) = self.current.load_full() {
            f(&hook);
        }
    }

    fn replaced(&self) -> MutexGuard<'_, Vec<Arc<Hook>>> {
        // Nothing that can panic runs under it.
        lock(&self.replaced)
    }
}
