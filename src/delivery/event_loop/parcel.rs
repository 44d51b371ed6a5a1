//! An event on its way to a loop: of any type, in place if it is small, in a box otherwise.

use std::any::TypeId;
use std::mem::MaybeUninit;

/// An event, its type forgotten until somebody asks for that very type.
pub(super) struct Parcel {
    storage: Storage,
    kind: &'static Kind,
}

/// Where the event lies, or a pointer to a box of it.
#[repr(C, align(8))]
struct Storage([MaybeUninit<u64>; 3]);

/// What is known of the event in a parcel.
struct Kind {
    type_id: fn() -> TypeId,
    /// Drops the event of that type in a storage.
    drop: unsafe fn(*mut Storage),
}

// SAFETY: `new` takes nothing that is not `Send`.
unsafe impl Send for Parcel {}

impl Parcel {
    pub(super) fn new<E: Send + 'static>(event: E) -> Self {
        let mut storage = Storage([MaybeUninit::uninit(); 3]);
        let place = &raw mut storage;
        if const { fits::<E>() } {
            // SAFETY: it fits, in size and alignment.
            unsafe { place.cast::<E>().write(event) };
        } else {
            // SAFETY: a pointer fits.
            unsafe { place.cast::<*mut E>().write(Box::into_raw(Box::new(event))) };
        }
        Self { storage, kind: Of::<E>::KIND }
    }

    /// The event, if it is an `E`.
    #[inline]
    pub(super) fn get<E: 'static>(&self) -> Option<&E> {
        if (self.kind.type_id)() != TypeId::of::<E>() {
            return None;
        }
        let place = &raw const self.storage;
        // SAFETY: `new` has put an event of the kind's type there, in place if it fits, which is an `E`; it stays until
        // the parcel is dropped.
        Some(unsafe { if const { fits::<E>() } { &*place.cast::<E>() } else { &**place.cast::<*const E>() } })
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        // SAFETY: the storage holds an event of the kind's type, see `new`, and is not used again.
        unsafe { (self.kind.drop)(&raw mut self.storage) };
    }
}

const fn fits<E>() -> bool {
    size_of::<E>() <= size_of::<Storage>() && align_of::<E>() <= align_of::<Storage>()
}

struct Of<E>(E);

impl<E: 'static> Of<E> {
    const KIND: &'static Kind = &Kind { type_id: TypeId::of::<E>, drop: Self::drop };

    /// # Safety
    /// The storage holds an `E` as `Parcel::new` has put it there, which is not used again.
    unsafe fn drop(storage: *mut Storage) {
        if const { fits::<E>() } {
            // SAFETY: as demanded of the caller.
            unsafe { storage.cast::<E>().drop_in_place() };
        } else {
            // SAFETY: as demanded of the caller: the pointer is that of the box.
            drop(unsafe { Box::from_raw(*storage.cast::<*mut E>()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[track_caller]
    fn passes<E: Clone + PartialEq + std::fmt::Debug + Send + 'static>(event: E) {
        let parcel = Parcel::new(event.clone());
        assert_eq!(parcel.get::<E>(), Some(&event));
        // As it travels.
        let parcel = Box::new(parcel);
        assert_eq!(parcel.get::<E>(), Some(&event));
    }

    #[test]
    fn events_of_any_size_and_alignment_are_passed_on() {
        #[derive(Clone, PartialEq, Debug)]
        #[repr(align(64))]
        struct Aligned(u8);

        passes(());
        passes(7_u8);
        passes([1_u64, 2, 3]);
        passes([1_u64, 2, 3, 4]);
        passes([7_u8; 1_000]);
        passes(u128::MAX);
        passes(String::from("text"));
        passes(Aligned(9));
        assert_eq!(&raw const *Parcel::new(Aligned(9)).get::<Aligned>().expect("it is one") as usize % 64, 0);
    }

    #[test]
    fn an_event_is_dropped_once_with_its_parcel() {
        let (small, large) = (Arc::new(()), Arc::new(()));
        let parcels = [Parcel::new(small.clone()), Parcel::new((large.clone(), [0_u64; 9]))];
        assert_eq!((Arc::strong_count(&small), Arc::strong_count(&large)), (2, 2));
        drop(parcels);
        assert_eq!((Arc::strong_count(&small), Arc::strong_count(&large)), (1, 1));
    }

    #[test]
    fn nothing_is_taken_for_another_type() {
        assert!(Parcel::new(1_u32).get::<i32>().is_none());
        assert!(Parcel::new([0_u64; 9]).get::<[u64; 8]>().is_none());
    }
}
