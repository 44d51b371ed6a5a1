//! No event type is too odd: borrowing, not thread-safe, of no size, not copyable, large.

mod common;

use common::{Counter, Log};
use pulsebus::{Connection, Domain, ScopedConnection, Signal};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

#[test]
fn an_event_may_borrow() {
    let texts: Vec<String> = (0..50).map(|length| "x".repeat(length)).collect();
    let (signal, log) = (Signal::<&str>::new(), Log::new());
    signal.connect(log.slot(|text: &&str| text.len()));
    for (length, text) in texts.iter().enumerate() {
        signal.emit(&text.as_str());
        signal.emit_batch(&[text, &text[length / 2..]]);
        assert_eq!(log.take(), [length, length, length - length / 2]);
    }
}

#[test]
fn a_signal_of_borrowing_events_may_itself_be_short_lived() {
    let (text, log) = ("lent".to_owned(), Log::new());
    {
        let signal = Signal::<&str>::new();
        let inner = log.clone();
        signal.connect(move |text| inner.push(text.to_uppercase()));
        signal.emit(&text.as_str());
    }
    drop(text);
    assert_eq!(log.take(), ["LENT"]);
}

#[test]
fn an_event_need_not_be_shareable_between_threads() {
    // The signal is shared all the same; each event is seen on the thread that emits it, and nowhere else.
    let signal = Arc::new(Signal::<Cell<u32>>::new());
    for _ in 0..100 {
        signal.connect(|cell| cell.set(cell.get() + 1));
    }
    let threads = [0, 1].map(|_| {
        let signal = signal.clone();
        thread::spawn(move || {
            for _ in 0..1_000 {
                let cell = Cell::new(0);
                signal.emit(&cell);
                assert_eq!(cell.get(), 100);
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().expect("nobody else counts its cell"));
}

#[test]
fn an_event_may_be_an_rc_or_hold_a_mutable_borrow() {
    let signal = Signal::<Rc<RefCell<Vec<u32>>>>::new();
    signal.connect(|list| list.borrow_mut().push(1));
    let kept = Rc::new(RefCell::new(Vec::new()));
    signal.emit(&kept);
    signal.emit_batch(&[kept.clone(), kept.clone()]);
    assert_eq!((kept.borrow().as_slice(), Rc::strong_count(&kept)), ([1, 1, 1].as_slice(), 1));

    let mut number = 0;
    {
        let signal = Signal::<RefCell<&mut u32>>::new();
        signal.connect(|number| **number.borrow_mut() += 1);
        signal.emit(&RefCell::new(&mut number));
    }
    assert_eq!(number, 1);
}

#[test]
fn an_event_may_be_of_no_size() {
    let (signal, calls) = (Signal::<()>::new(), Counter::new());
    signal.connect(calls.slot());
    let slices = calls.clone();
    signal.connect_batch(move |events| slices.add(10 * events.len()));
    signal.emit_batch(&[(); 5]);
    assert_eq!(calls.take(), 55);
    signal.emit(&());
    assert_eq!(calls.take(), 11);
}

#[test]
fn an_event_may_be_large_aligned_and_is_never_copied_or_dropped() {
    #[repr(align(128))]
    struct Large([u8; 4096], Counter);
    impl Drop for Large {
        fn drop(&mut self) {
            self.1.add(1);
        }
    }
    let (signal, log, drops) = (Signal::<Large>::new(), Log::new(), Counter::new());
    signal.connect(log.slot(|event: &Large| (std::ptr::from_ref(event).addr(), event.0[4095])));
    let events = [Large([7; 4096], drops.clone()), Large([8; 4096], drops.clone())];
    signal.emit_batch(&events);
    let address = |n: usize| std::ptr::from_ref(&events[n]).addr();
    assert_eq!(log.take(), [(address(0), 7), (address(1), 8)]);
    assert_eq!(drops.get(), 0);
}

#[test]
fn a_signal_is_shared_between_threads_whatever_its_events_are() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Signal<*const u8>>();
    is_send_and_sync::<Signal<Rc<u8>>>();
    is_send_and_sync::<Domain>();
    is_send_and_sync::<Connection>();
    is_send_and_sync::<ScopedConnection>();
}

#[test]
fn a_signal_may_move_while_it_has_connections() {
    let log = Log::new();
    let signal = Signal::<u32>::new();
    let connection = signal.connect(log.slot(|&event| event));
    signal.emit(&1);
    let mut boxed = Box::new(signal);
    boxed.emit(&2);
    let signals = [Signal::new(), std::mem::take(&mut *boxed)];
    drop(boxed);
    signals[1].emit(&3);
    let [_, moved] = signals;
    let moved = thread::spawn(move || {
        moved.emit(&4);
        moved
    });
    let moved = moved.join().expect("it only emits");
    assert!(connection.is_connected() && connection.disconnect());
    moved.emit(&5);
    assert_eq!(log.take(), [1, 2, 3, 4]);
}
