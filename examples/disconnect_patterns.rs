//! How connections end: by handle, by scope, from inside a slot, with an owner, all at once, with a wait.
//!
//! ```sh
//! cargo run --example disconnect_patterns
//! ```

use pulsebus::{Connection, PanicPolicy, ScopedConnection, Signal, WaitError};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

fn main() {
    by_handle();
    by_scope();
    once();
    with_an_owner();
    all_at_once();
    when_it_panics();
    and_wait();
}

/// A handle is 16 bytes, `Copy`, and keeps nothing alive. Whoever is first wins; the others learn that they were late.
fn by_handle() {
    let signal = Signal::<u32>::new();
    let connection = signal.connect(|n| println!("by handle: {n}"));
    let copy = connection;
    signal.emit(&1);
    assert!(connection.disconnect());
    assert!(!copy.disconnect() && !copy.is_connected());
    signal.emit(&2); // nobody hears it
}

/// A guard ends its connection when it goes out of scope; `release` gives it up.
fn by_scope() {
    let signal = Signal::<u32>::new();
    {
        let _guard = signal.connect_scoped(|n| println!("by scope: {n}"));
        signal.emit(&1);
    }
    assert!(signal.is_empty());
    let stays = signal.connect_scoped(|n| println!("by scope, released: {n}")).release();
    signal.emit(&2);
    assert!(stays.is_connected());
}

/// A slot may end itself. It needs its own handle, which there is only once it is connected: hence the cell.
fn once() {
    let signal = Signal::<u32>::new();
    let own = Arc::new(OnceLock::<Connection>::new());
    let inside = own.clone();
    let connection = signal.connect(move |n| {
        // The winner is the one that is first: with several emitting threads, it still runs once.
        if inside.get().is_some_and(Connection::disconnect) {
            println!("once: {n}");
        }
    });
    own.set(connection).expect("set here alone");
    signal.emit_batch(&[1, 2, 3]);
    assert!(signal.is_empty());
}

/// What belongs to an object ends with it: keep the guards in it. No unsubscribe to forget, no owner to look up.
fn with_an_owner() {
    struct Widget {
        _clicked: ScopedConnection,
        _closed: ScopedConnection,
    }

    let (click, close) = (Signal::<(i32, i32)>::new(), Signal::<()>::new());
    let widget = Widget {
        _clicked: click.connect_scoped(|(x, y)| println!("with an owner: clicked at {x}, {y}")),
        _closed: close.connect_scoped(|()| println!("with an owner: closed")),
    };
    click.emit(&(3, 4));
    close.emit(&());
    drop(widget);
    assert!(click.is_empty() && close.is_empty());
}

/// All slots of a signal at once, from inside one of them: those behind it are skipped.
fn all_at_once() {
    let signal = Arc::new(Signal::<u32>::new());
    let inside = Arc::downgrade(&signal); // a slot that owned its own signal would keep it alive for ever
    signal.connect(move |_| {
        let ended = inside.upgrade().map_or(0, |signal| signal.disconnect_all());
        println!("all at once: {ended} ended");
    });
    signal.connect(|_| unreachable!("it was disconnected before its turn"));
    signal.emit(&1);
}

/// A slot that panics hurts nobody else; one that keeps panicking can be ended for it.
fn when_it_panics() {
    std::panic::set_hook(Box::new(|_| {})); // only for this example's output
    let signal = Signal::<u32>::new();
    signal.domain().set_panic_hook(|panic| println!("when it panics: {panic}"));
    signal.on_panic(PanicPolicy::DisconnectAfter(2));
    let fragile = signal.connect(|n| assert!(n % 2 == 0, "odd: {n}"));
    signal.connect(|n| println!("when it panics: the other slot still sees {n}"));
    signal.emit_batch(&[1, 2, 3, 4, 5]);
    assert!(!fragile.is_connected());
    signal.domain().clear_panic_hook();
    let _ = std::panic::take_hook();
}

/// `disconnect` returns at once; another thread may still be inside. Who is about to unload the code that the slot calls
/// into, say, waits until it has left.
fn and_wait() {
    static TICK: Signal<()> = Signal::new();
    let (calls, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (counter, stopped) = (calls.clone(), stop.clone());
    let connection = TICK.connect(move |()| {
        counter.fetch_add(1, SeqCst);
    });
    let emitter = thread::spawn(move || {
        while !stopped.load(SeqCst) {
            TICK.emit(&());
        }
    });
    while calls.load(SeqCst) == 0 {
        thread::yield_now();
    }
    match connection.disconnect_and_wait(Duration::from_secs(10)) {
        Ok(won) => println!("and wait: ended by us: {won}; nobody is inside any more"),
        Err(WaitError::TimedOut) => println!("and wait: some slot of the domain blocks"),
        Err(WaitError::WouldDeadlock) => unreachable!("we are not inside an emission"),
    }
    let after = calls.load(SeqCst);
    stop.store(true, SeqCst);
    emitter.join().expect("it only emits");
    assert_eq!(calls.load(SeqCst), after);
}
