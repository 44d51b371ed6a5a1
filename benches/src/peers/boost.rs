//! Boost.Signals2 through the C++ shim in `shim/boost_signals2.cpp`. The slot is C++ as well.

use std::ffi::{CStr, c_char};
use std::marker::{PhantomData, PhantomPinned};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::event::{Event, Lane};
use crate::peer::{Bus, Change, Emitter, filled};

/// `boost::signals2::signal<void(const Event&)>` with its default mutex.
#[derive(Clone, Default)]
pub struct Boost(Arc<Owned>);

#[repr(C)]
struct CppSignal {
    _opaque: [u8; 0],
    _neither_send_nor_unpin: PhantomData<(*mut u8, PhantomPinned)>,
}

/// `boost::signals2::connection`: a weak pointer.
type Words = MaybeUninit<[usize; 2]>;

unsafe extern "C" {
    fn pulsebus_boost_version() -> *const c_char;
    fn pulsebus_boost_new() -> NonNull<CppSignal>;
    fn pulsebus_boost_delete(signal: NonNull<CppSignal>);
    fn pulsebus_boost_emit(signal: NonNull<CppSignal>, event: *const Event);
    fn pulsebus_boost_connect(signal: NonNull<CppSignal>, lane: Lane, connection: *mut Words);
    fn pulsebus_boost_disconnect(connection: *mut Words);
    fn pulsebus_boost_forget(connection: *mut Words);
}

/// The version of Boost, and of the compiler that built the shim.
pub fn version() -> String {
    // SAFETY: a string literal of the shim.
    unsafe { CStr::from_ptr(pulsebus_boost_version()) }.to_string_lossy().into_owned()
}

struct Owned(NonNull<CppSignal>);

// SAFETY: Boost.Signals2 documents a signal as thread-safe, and it has no affinity to a thread.
unsafe impl Send for Owned {}
// SAFETY: as above.
unsafe impl Sync for Owned {}

impl Default for Owned {
    fn default() -> Self {
        // SAFETY: no precondition.
        Self(unsafe { pulsebus_boost_new() })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made by `pulsebus_boost_new`, and this is its only owner.
        unsafe { pulsebus_boost_delete(self.0) };
    }
}

/// The handle of a slot. Dropping it leaves the slot connected.
pub struct Connection(Words);

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: written by `pulsebus_boost_connect`, and not ended yet.
        unsafe { pulsebus_boost_forget(&mut self.0) };
    }
}

impl Emitter for Boost {
    const NAME: &'static str = "Boost.Signals2";

    fn with_slots(slots: usize) -> Self {
        filled(slots)
    }

    #[inline(always)]
    fn emit(&mut self, event: &Event) {
        // SAFETY: the signal lives as long as its owner, the event as long as the call.
        unsafe { pulsebus_boost_emit(self.0.0, event) };
    }
}

impl Bus for Boost {
    const CHANGE: Change = Change::Constant;

    type Connection = Connection;

    fn connect(&mut self) -> Connection {
        let mut words = Words::uninit();
        // SAFETY: the signal lives as long as its owner; the words have the size and alignment of
        // a connection, which the shim asserts, and a weak pointer may be moved as bytes.
        unsafe { pulsebus_boost_connect(self.0.0, Lane::next(), &mut words) };
        Connection(words)
    }

    fn disconnect(&mut self, connection: Connection) {
        let mut connection = ManuallyDrop::new(connection);
        // SAFETY: as in the drop, which this replaces.
        unsafe { pulsebus_boost_disconnect(&mut connection.0) };
    }
}
