//! What these tests share: a log that stays on the owner's thread, and a thread that is not the owner's.

use pulsebus::{Connection, EventLoop, Signal};
use std::cell::RefCell;
use std::rc::Rc;
use std::thread;

/// What the slots of a loop have done: of one thread, and nobody locks it.
pub type Local<T> = Rc<RefCell<Vec<T>>>;

pub fn take<T>(log: &Local<T>) -> Vec<T> {
    std::mem::take(&mut *log.borrow_mut())
}

/// Connects a slot that logs what `entry` makes of the event.
pub fn log_to<E: Clone + Send + 'static, T: 'static>(
    event_loop: &EventLoop,
    signal: &Signal<E>,
    log: &Local<T>,
    entry: impl Fn(&E) -> T + 'static,
) -> Connection {
    let log = log.clone();
    event_loop.connect(signal, move |event| log.borrow_mut().push(entry(event)))
}

/// A thread that is not the owner's.
pub fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().expect("it does not panic"))
}
