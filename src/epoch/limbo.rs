//! Where retired memory waits until nobody can be looking at it.

use super::Epoch;
use crate::sync::{AtomicBool, AtomicPtr, Ordering, UnsafeCell, const_unless_loom};
use std::ptr;

/// Something that can wait in a limbo. It waits at most once at a time.
///
/// # Safety
/// `link` must return the same field at each call, one that nothing but the limbo touches while the thing waits, and
/// things that are retired must be immortal.
pub(crate) unsafe trait Link: Sized + 'static {
    fn link(&self) -> &AtomicPtr<Self>;
}

/// Retired things by the epoch in which they were taken over.
pub(crate) struct Limbo<T: Link> {
    /// What was retired since the lock's last holder looked: a stack that is pushed to by anyone and taken whole.
    pending: AtomicPtr<T>,
    /// One holder at a time stamps, advances the epoch, and empties a list. Never held while foreign code runs.
    lock: AtomicBool,
    /// What was taken over. Only the lock's holder touches it.
    lists: UnsafeCell<Lists<T>>,
}

/// One list for each epoch that something can still wait for: the present one and the two before it.
struct Lists<T> {
    heads: [*mut T; 3],
    /// Which of them is the present epoch's.
    now: usize,
}

// SAFETY: `lists` is touched by the lock's holder only (Acquire in `try_lock`, Release in its drop); what it points to
// is handed from thread to thread whole, and is only ever looked at through shared references.
unsafe impl<T: Link + Sync> Sync for Limbo<T> {}
// SAFETY: as above; it owns nothing.
unsafe impl<T: Link + Sync> Send for Limbo<T> {}

/// What one [`Limbo::turn`] came to.
pub(crate) enum Turn<T: Link> {
    /// Nothing waits.
    Empty,
    /// Somebody else is at it.
    Busy,
    /// A thread is pinned in an older epoch.
    Blocked,
    /// The epoch moved, and these have been out of everyone's sight since.
    Ready(Ready<T>),
}

/// What may be used again, one by one.
pub(crate) struct Ready<T: Link>(*mut T);

impl<T: Link> Iterator for Ready<T> {
    type Item = &'static T;

    fn next(&mut self) -> Option<&'static T> {
        // SAFETY: what was retired is immortal; this list was taken out of the limbo whole and is ours.
        let thing = unsafe { self.0.as_ref() }?;
        // Relaxed: the link was written by whoever held the lock, which was us or comes before us.
        self.0 = thing.link().load(Ordering::Relaxed);
        Some(thing)
    }
}

impl<T: Link> Limbo<T> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                pending: AtomicPtr::new(ptr::null_mut()),
                lock: AtomicBool::new(false),
                lists: UnsafeCell::new(Lists { heads: [ptr::null_mut(); 3], now: 0 }),
            }
        }
    }

    /// Hands over something that can no longer be reached by a thread that pins from now on. Lock-free, no fence.
    ///
    /// It gets its stamp when a holder of the lock takes it over, never here: an epoch read here would be read before
    /// the unlinking is visible to all, and could be too old by the time it counts.
    pub(crate) fn retire(&self, thing: &'static T) {
        let mut head = self.pending.load(Ordering::Relaxed);
        loop {
            thing.link().store(head, Ordering::Relaxed);
            // Release; partner: the Acquire swap in `take_over`. Whoever takes it over has seen it taken out of its
            // list, and passes that on through the barrier of its advance.
            match self.pending.compare_exchange_weak(
                head,
                ptr::from_ref(thing).cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(found) => head = found,
            }
        }
    }

    /// Takes over what is pending, tries to advance the epoch, and returns what has been in limbo for two steps.
    ///
    /// Never waits. Costs a barrier (a system call in the asymmetric flavour) if anything waits and nothing blocks.
    pub(crate) fn turn(&self, epoch: &Epoch) -> Turn<T> {
        let Some(mut lock) = self.try_lock() else { return Turn::Busy };
        lock.take_over();
        if lock.is_empty() {
            return Turn::Empty;
        }
        if !epoch.try_advance() {
            return Turn::Blocked;
        }
        Turn::Ready(lock.step())
    }

    fn try_lock(&self) -> Option<Lock<'_, T>> {
        // Acquire; partner: the Release in `Lock::drop`. We see the lists and the epoch as the last holder left them.
        // Lazily: a `Lock` that was made for nothing would open the other holder's when it is dropped.
        (!self.lock.swap(true, Ordering::Acquire)).then(|| Lock(self))
    }
}

/// Evidence that the caller holds the limbo's lock.
struct Lock<'a, T: Link>(&'a Limbo<T>);

impl<T: Link> Lock<'_, T> {
    fn with_lists<R>(&mut self, f: impl FnOnce(&mut Lists<T>) -> R) -> R {
        // SAFETY: we hold the lock, and `&mut self` keeps the borrow unique.
        self.0.lists.with_mut(|lists| f(unsafe { &mut *lists }))
    }

    /// Stamps what is pending with the present epoch.
    fn take_over(&mut self) {
        // Acquire; partner: the Release in `retire`.
        let pending = Ready(self.0.pending.swap(ptr::null_mut(), Ordering::Acquire));
        self.with_lists(|lists| {
            let head = &mut lists.heads[lists.now];
            for thing in pending {
                thing.link().store(*head, Ordering::Relaxed);
                *head = ptr::from_ref(thing).cast_mut();
            }
        });
    }

    fn is_empty(&mut self) -> bool {
        self.with_lists(|lists| lists.heads.iter().all(|head| head.is_null()))
    }

    /// Follows the epoch by one step, and empties the list that was stamped two steps ago: with three lists it is the
    /// one that the step after this will fill.
    fn step(&mut self) -> Ready<T> {
        self.with_lists(|lists| {
            lists.now = (lists.now + 1) % 3;
            Ready(std::mem::replace(&mut lists.heads[(lists.now + 1) % 3], ptr::null_mut()))
        })
    }
}

impl<T: Link> Drop for Lock<'_, T> {
    fn drop(&mut self) {
        // Release; partner: the Acquire in `try_lock`.
        self.0.lock.store(false, Ordering::Release);
    }
}
