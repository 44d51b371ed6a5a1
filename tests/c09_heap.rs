//! C7 and C9: in the steady state no operation of the library makes a heap call. The tests run one after another, so that
//! none takes the chunks away that another one has warmed the pool with.

mod counting;

use counting::heap_calls;
use pulsebus::{Connection, Domain, PanicPolicy, Signal, SlotBudget};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs `round` until it has warmed up, and then as often again: with how many heap calls?
fn heap_calls_once_warm(rounds: usize, mut round: impl FnMut()) -> u64 {
    (0..rounds).for_each(|_| round());
    heap_calls(|| (0..rounds).for_each(|_| round()))
}

#[test]
fn c9_the_counter_counts() {
    assert_eq!(heap_calls(|| drop(black_box(Box::new(1)))), 2);
}

#[test]
fn c9_emit_emit_batch_and_tick_make_no_heap_calls() {
    let _alone = alone();
    let signal = Signal::<u64>::new();
    for n in 0..100_u64 {
        signal.connect(move |event| {
            black_box(event + n);
        });
        signal.connect_batch(move |events| {
            black_box(events.len() as u64 + n);
        });
    }
    signal.emit(&0);
    let calls = heap_calls(|| {
        for event in 0..100 {
            signal.emit(&event);
            signal.emit_batch(&[event; 64]);
            pulsebus::tick(|t| {
                t.emit(&signal, &event);
                t.emit_batch(&signal, &[event; 8]);
            });
        }
    });
    assert_eq!(calls, 0);
}

/// Churn in all its forms, with closures of up to 24 bytes, some of which have something to drop.
fn churn(domain: &Domain, signal: &Signal<u64>, live: &mut [Option<Connection>], shared: &Arc<u64>) {
    for place in live.iter_mut() {
        let (number, arc) = (1_u64, shared.clone());
        if let Some(connection) = place.take() {
            assert!(connection.disconnect());
        }
        *place = Some(signal.connect(move |event| {
            black_box(event + number + *arc);
        }));
        let arc = shared.clone();
        drop(signal.connect_scoped(move |event| {
            black_box(event + *arc);
        }));
        signal
            .connect_batch(move |events| {
                black_box(events.len());
            })
            .disconnect();
    }
    signal.emit(&1);
    signal.emit_batch(&[1, 2, 3]);
    domain.maintain(Duration::from_secs(1));
}

#[test]
fn c9_churn_makes_no_heap_calls_after_the_warm_up() {
    let _alone = alone();
    let domain = Domain::new();
    let (signal, shared) = (Signal::<u64>::new_in(&domain), Arc::new(7));
    let mut live = vec![None; 500];
    assert_eq!(heap_calls_once_warm(50, || churn(&domain, &signal, &mut live, &shared)), 0);
    assert_eq!(signal.len(), 500);
}

#[test]
fn c9_churn_without_any_collection_makes_no_heap_calls_either() {
    let _alone = alone();
    // The connects reclaim on their own: by the thousands.
    let (signal, shared) = (Signal::<u64>::new_in(&Domain::new()), Arc::new(7));
    let calls = heap_calls_once_warm(100_000, || {
        let arc = shared.clone();
        assert!(
            signal
                .connect(move |event| {
                    black_box(event + *arc);
                })
                .disconnect()
        );
    });
    assert_eq!(calls, 0);
    assert!(Arc::strong_count(&shared) < 50_000, "captures were dropped on the way");
}

#[test]
fn c9_disconnect_all_and_collect_make_no_heap_calls() {
    let _alone = alone();
    let domain = Domain::new();
    let (signal, shared) = (Signal::<u64>::new_in(&domain), Arc::new(7));
    let calls = heap_calls_once_warm(20, || {
        for _ in 0..300 {
            let arc = shared.clone();
            signal.connect(move |event| {
                black_box(event + *arc);
            });
        }
        assert_eq!(signal.disconnect_all(), 300);
        while !domain.collect().complete {}
        black_box(domain.statistics());
    });
    assert_eq!(calls, 0);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn c9_signals_and_domains_that_come_and_go_make_no_heap_calls() {
    let _alone = alone();
    let shared = Arc::new(7);
    let calls = heap_calls_once_warm(200, || {
        let domain = Domain::new();
        let signals = [const { None::<Signal<u64>> }; 20].map(|_| Signal::new_in(&domain));
        for signal in &signals {
            let arc = shared.clone();
            signal.connect(move |event| {
                black_box(event + *arc);
            });
            signal.emit(&1);
        }
    });
    assert_eq!(calls, 0);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn c9_disconnect_never_makes_a_heap_call_not_even_the_first() {
    let _alone = alone();
    let signal = Signal::<u64>::new_in(&Domain::new());
    let big = [0_u64; 100];
    let connections: Vec<_> = (0..1000)
        .map(|_| {
            signal.connect(move |event| {
                black_box(event + big[3]);
            })
        })
        .collect();
    let calls = heap_calls(|| {
        for connection in &connections {
            assert!(connection.disconnect() && !connection.disconnect() && !connection.is_connected());
        }
    });
    assert_eq!(calls, 0);
}

#[test]
fn c9_a_boxed_slot_costs_one_allocation_and_one_release() {
    let _alone = alone();
    let domain = Domain::new();
    let signal = Signal::<u64>::new_in(&domain);
    let big = [0_u64; 4];
    let round = || {
        for _ in 0..100 {
            signal
                .connect(move |event| {
                    black_box(event + big[3]);
                })
                .disconnect();
        }
        while !domain.collect().complete {}
    };
    (0..20).for_each(|_| round());
    assert_eq!(heap_calls(round), 200);
}

#[test]
fn c9_emissions_under_churn_on_other_threads_make_no_heap_calls() {
    let _alone = alone();
    let domain = Domain::new();
    let signal = Arc::new(Signal::<u64>::new_in(&domain));
    let (churned, reclaimed, shared) = (signal.clone(), domain.clone(), Arc::new(7));
    let churner = thread::spawn(move || {
        let mut live = vec![None; 100];
        (0..200).for_each(|_| churn(&reclaimed, &churned, &mut live, &shared));
        churned.disconnect_all();
    });
    // Not by an emission: one that comes before the first connect does nothing at all.
    domain.register_thread();
    let calls = heap_calls(|| {
        while !churner.is_finished() {
            signal.emit(&1);
            signal.emit_batch(&[1, 2, 3]);
        }
        signal.emit(&2);
    });
    assert_eq!(calls, 0);
    churner.join().expect("it only churns");
}

#[test]
fn c9_a_new_thread_takes_over_the_record_of_one_that_has_ended() {
    let _alone = alone();
    let domain = Domain::new();
    let signal = Arc::new(Signal::<u64>::new_in(&domain));
    signal.connect(|event| {
        black_box(*event);
    });
    let in_a_thread = || {
        let signal = signal.clone();
        thread::spawn(move || {
            heap_calls(|| {
                signal.emit(&1);
            })
        })
        .join()
        .expect("it only emits")
    };
    in_a_thread();
    assert_eq!([(); 20].map(|()| in_a_thread()), [0; 20]);
}

#[test]
fn c9_slots_with_options_that_fit_make_no_heap_calls() {
    let _alone = alone();
    let domain = Domain::new();
    let (signal, shared) = (Signal::<u64>::new_in(&domain), Arc::new(7));
    let calls = heap_calls_once_warm(200, || {
        // Eight bytes captured, and eight for the count; two predicates of nothing.
        let arc = shared.clone();
        let slots = [
            signal.slot().before().times(3).connect(move |n| _ = black_box(n + *arc)),
            signal.slot().at_front().filter(|n| *n > 0).until(|n| *n == 9).connect(|n| _ = black_box(*n)),
            signal.slot().after().connect_self(|_, own| _ = black_box(own.disconnect())),
            signal.slot().connect_flow(|n| if *n == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }),
            signal.slot().once().map(|n| n + 1).connect(|n| _ = black_box(*n)),
            signal.connect(|_| {}),
        ];
        signal.emit(&1);
        signal.emit(&2);
        {
            let _quiet = (signal.block(), slots[0].block(), slots[5].block());
            signal.emit(&3);
            signal.emit_batch(&[3, 4]);
        }
        signal.emit_batch(&[1, 9]);
        signal.disconnect_all();
        domain.collect();
    });
    assert_eq!(calls, 0);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn c9_forwards_and_budgets_make_no_heap_calls_in_emissions() {
    let _alone = alone();
    let (source, target) = (Signal::<u64>::new(), Arc::new(Signal::<u64>::new()));
    let budget = SlotBudget::new(Duration::ZERO);
    source.forward(&target, |n| n + 1);
    target.slot().budget(&budget).on_panic(PanicPolicy::Isolate).connect(|n| _ = black_box(*n));
    source.slot().connect_weak(&target, |target, n| _ = black_box(target.emit(n)));
    source.emit(&0);
    let calls = heap_calls(|| {
        for n in 0..100 {
            source.emit(&n);
            source.emit_batch(&[n; 4]);
        }
    });
    assert_eq!(calls, 0);
}

#[test]
fn c9_the_first_block_in_a_chunk_makes_one_heap_call() {
    let _alone = alone();
    let signal = Signal::<u64>::new_in(&Domain::new());
    // More than the pool holds: the last ones are new.
    let slots: Vec<Connection> = (0..32 * 2_000).map(|_| signal.connect(|_| {})).collect();
    let last = slots.last().expect("there are many");
    assert_eq!(heap_calls(|| drop(last.block())), 1);
    assert_eq!(heap_calls(|| drop((last.block(), slots[slots.len() - 2].block()))), 0);
}
