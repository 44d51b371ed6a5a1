//! The flavour of the pin is decided once: what was decided first stays.

use pulsebus::{PinFlavour, Signal, pin_flavour, prefer_fence};

#[test]
fn a_wish_for_the_fence_comes_too_late_after_the_first_connect() {
    let signal = Signal::<()>::new();
    signal.connect(|()| {});
    let decided = pin_flavour();
    assert_eq!(prefer_fence(), decided);
    assert_eq!(pin_flavour(), decided);
    // Where there is only one flavour, it is the fence.
    assert!(cfg!(target_os = "linux") || decided == PinFlavour::Fence);
}
