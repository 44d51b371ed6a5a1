//! C4 and C5: a disconnect never waits, and at most one of all wins.

mod common;

use common::{Tally, collect_all, holding};
use pulsebus::{Connection, Domain, Signal};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

const THREADS: usize = 4;

#[test]
fn c5_exactly_one_of_all_threads_wins() {
    const ROUNDS: usize = 500;
    const EACH: usize = 40;
    let signal = Arc::new(Signal::<()>::new());
    let shared: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let wins: Arc<Vec<AtomicUsize>> = Arc::new((0..EACH).map(|_| AtomicUsize::new(0)).collect());
    let (begin, end) = (Arc::new(Barrier::new(THREADS + 1)), Arc::new(Barrier::new(THREADS + 1)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (shared, wins, begin, end) = (shared.clone(), wins.clone(), begin.clone(), end.clone());
            thread::spawn(move || {
                for _ in 0..ROUNDS {
                    begin.wait();
                    let copies = shared.lock().expect("nobody panics").clone();
                    for (copy, wins) in copies.iter().zip(wins.iter()) {
                        wins.fetch_add(usize::from(copy.disconnect()), SeqCst);
                        assert!(!copy.is_connected());
                    }
                    end.wait();
                }
            })
        })
        .collect();
    for round in 0..ROUNDS {
        *shared.lock().expect("nobody panics") = (0..EACH).map(|_| signal.connect(|()| {})).collect();
        begin.wait();
        end.wait();
        let wins: Vec<usize> = wins.iter().map(|wins| wins.swap(0, SeqCst)).collect();
        assert_eq!(wins, [1; EACH], "round {round}");
        assert!(signal.is_empty());
    }
    threads.into_iter().for_each(|thread| thread.join().expect("they only disconnect"));
}

#[test]
fn c5_two_threads_at_the_same_instant_do_not_both_win() {
    const ROUNDS: usize = 30_000;
    let signal = Signal::<()>::new();
    let connections: Arc<Vec<Connection>> = Arc::new((0..ROUNDS).map(|_| signal.connect(|()| {})).collect());
    let arrived = Arc::new(AtomicUsize::new(0));
    let threads = [0, 1].map(|_| {
        let (connections, arrived) = (connections.clone(), arrived.clone());
        thread::spawn(move || {
            let meet_and_disconnect = |(round, connection): (usize, &Connection)| {
                arrived.fetch_add(1, SeqCst);
                let mut spins = 0_u32;
                while arrived.load(SeqCst) < 2 * (round + 1) {
                    spins += 1;
                    // Lets the other one in where there is one core for both.
                    if spins % 1024 == 0 { thread::yield_now() } else { std::hint::spin_loop() }
                }
                connection.disconnect()
            };
            connections.iter().enumerate().map(meet_and_disconnect).collect::<Vec<bool>>()
        })
    });
    let [a, b] = threads.map(|thread| thread.join().expect("they only disconnect"));
    let losers = a.iter().zip(&b).enumerate().find(|(_, (a, b))| a == b);
    assert_eq!(losers, None, "one wins, the other does not");
}

#[test]
fn c5_disconnect_all_and_handles_share_the_wins() {
    for round in 0..300 {
        let signal = Arc::new(Signal::<()>::new());
        let connections: Vec<_> = (0..100).map(|_| signal.connect(|()| {})).collect();
        let start = Arc::new(Barrier::new(2));
        let (other, other_start) = (signal.clone(), start.clone());
        let all = thread::spawn(move || {
            other_start.wait();
            other.disconnect_all()
        });
        start.wait();
        let wins = connections.iter().rev().filter(|connection| connection.disconnect()).count();
        assert_eq!(wins + all.join().expect("it only disconnects"), 100, "round {round}");
    }
}

#[test]
fn c5_after_the_signal_is_dropped_nobody_wins() {
    let signal = Signal::<()>::new();
    let connections: Vec<_> = (0..40).map(|_| signal.connect(|()| {})).collect();
    drop(signal);
    assert!(!connections.iter().any(|connection| connection.is_connected() || connection.disconnect()));
}

#[test]
fn c5_disconnects_beside_the_drop_of_the_signal_win_at_most_once_and_drop_once() {
    let domain = Domain::new();
    for round in 0..300 {
        let (signal, tally) = (Signal::<()>::new_in(&domain), Tally::new());
        let connect = |_| {
            let guard = tally.guard();
            signal.connect(move |()| guard.check())
        };
        let connections: Vec<_> = (0..70).map(connect).collect();
        let start = Arc::new(Barrier::new(3));
        let losers = [0, 1].map(|_| {
            let (connections, start) = (connections.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                connections.iter().map(|connection| usize::from(connection.disconnect())).collect::<Vec<_>>()
            })
        });
        start.wait();
        drop(signal);
        let [a, b] = losers.map(|thread| thread.join().expect("they only disconnect"));
        assert!(a.iter().zip(&b).all(|(a, b)| a + b <= 1), "round {round}");
        collect_all(&domain);
        tally.assert_all_dropped();
    }
}

#[test]
fn c4_disconnect_works_while_every_lock_of_the_library_could_be_held() {
    // Beside an emission that is blocked, and inside a destructor that a collection runs: whatever it could have to wait
    // for would only be let go after it has returned.
    let domain = Domain::new();
    let signal = Arc::new(Signal::<()>::new_in(&domain));
    let victim = signal.connect(|()| {});
    let (blocked, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    signal.connect(move |()| {
        blocked.send(()).expect("the test listens");
        released.lock().expect("nobody panics").recv().expect("the test lets go");
    });
    let emitting = signal.clone();
    let emitter = thread::spawn(move || emitting.emit(&()));
    inside.recv().expect("the slot says so");
    assert!(victim.disconnect());
    release.send(()).expect("the slot waits");
    emitter.join().expect("it only emits");

    struct DisconnectOnDrop(Connection, Arc<AtomicUsize>);
    impl Drop for DisconnectOnDrop {
        fn drop(&mut self) {
            self.1.fetch_add(usize::from(self.0.disconnect()), SeqCst);
        }
    }
    let wins = Arc::new(AtomicUsize::new(0));
    let captured = DisconnectOnDrop(signal.connect(|()| {}), wins.clone());
    signal.connect(holding(captured)).disconnect();
    collect_all(&domain);
    assert_eq!(wins.load(SeqCst), 1);
}

#[test]
fn c5_copies_are_equal_and_hash_alike_and_different_connections_are_not() {
    let signal = Signal::<()>::new();
    let connections: Vec<_> = (0..100).map(|_| signal.connect(|()| {})).collect();
    let set: HashSet<Connection> = connections.iter().copied().chain(connections.iter().copied()).collect();
    assert_eq!(set.len(), 100);
    for (i, a) in connections.iter().enumerate() {
        for (j, b) in connections.iter().enumerate() {
            assert_eq!(a == b, i == j);
        }
    }
    connections[3].disconnect();
    assert!(set.contains(&connections[3]), "ending it does not change its identity");
}

#[test]
fn c5_a_handle_is_16_bytes_and_so_is_an_option_of_it() {
    assert_eq!(size_of::<Connection>(), 16);
    assert_eq!(size_of::<Option<Connection>>(), 16);
}
