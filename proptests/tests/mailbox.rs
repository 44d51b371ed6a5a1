//! Mailboxes against a plain queue: whatever is done to them, in whatever order, on one thread; and what holds on several.

use proptest::collection::vec;
use proptest::prelude::*;
use pulsebus::{CloseReason, Domain, Lagged, Overflow, Receiver, Signal, TryRecvError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    Emit,
    Batch(usize),
    Receive,
    Drain {
        max: usize,
        taken: usize,
    },
    /// Events whose clone panics.
    Panic(usize),
    Disconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Emit),
        3 => (0..12_usize).prop_map(Step::Batch),
        5 => Just(Step::Receive),
        2 => (0..12_usize, 0..12_usize).prop_map(|(max, taken)| Step::Drain { max, taken }),
        1 => (1..4_usize).prop_map(Step::Panic),
    ];
    (vec(step, 0..150), any::<prop::sample::Index>(), prop::bool::weighted(0.3)).prop_map(|(mut steps, place, ends)| {
        if ends {
            steps.insert(place.index(steps.len() + 1), Step::Disconnect);
        }
        steps
    })
}

fn policies() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        Just(Overflow::Block(Duration::ZERO)),
        Just(Overflow::DropOldest),
        Just(Overflow::DropNewest),
        Just(Overflow::KeepLatest),
        Just(Overflow::Disconnect),
    ]
}

/// Its number; zero does not let itself be cloned. A box, so that it has something to drop.
#[derive(Debug, PartialEq)]
struct Boxed(Box<u64>);

impl Clone for Boxed {
    fn clone(&self) -> Self {
        assert_ne!(*self.0, 0, "zero");
        Self(self.0.clone())
    }
}

/// The same, with nothing to drop.
#[derive(Debug, PartialEq)]
struct Plain(u64);

impl Clone for Plain {
    fn clone(&self) -> Self {
        assert_ne!(self.0, 0, "zero");
        Self(self.0)
    }
}

/// What a mailbox is to be: each event with the losses before it.
struct Oracle {
    queue: VecDeque<(u64, u64)>,
    /// Lost behind the last event.
    lost: u64,
    capacity: usize,
    overflow: Overflow,
    closed: Option<CloseReason>,
}

impl Oracle {
    fn emit(&mut self, event: u64) {
        if self.closed.is_some() {
            return;
        }
        if self.queue.len() == self.capacity {
            match self.overflow {
                Overflow::DropOldest => self.lose_oldest(1),
                Overflow::KeepLatest => self.lose_oldest(self.capacity),
                Overflow::Disconnect => return self.closed = Some(CloseReason::Overflowed),
                _ => return self.lost += 1,
            }
        }
        self.queue.push_back((std::mem::take(&mut self.lost), event));
    }

    fn lose_oldest(&mut self, count: usize) {
        let lost: u64 = self.queue.drain(..count).map(|(lost, _)| lost + 1).sum();
        match self.queue.front_mut() {
            Some((before, _)) => *before += lost,
            None => self.lost += lost,
        }
    }

    fn receive(&mut self) -> Result<u64, TryRecvError> {
        // In a window a loss comes with the event behind it, which it then keeps: see `Run::receive`.
        match self.queue.front_mut() {
            Some((lost, _)) if *lost > 0 => Err(TryRecvError::Lagged(std::mem::take(lost))),
            Some(_) => Ok(self.queue.pop_front().expect("there is one").1),
            None if self.lost > 0 => Err(TryRecvError::Lagged(std::mem::take(&mut self.lost))),
            None => Err(self.closed.map_or(TryRecvError::Empty, TryRecvError::Closed)),
        }
    }
}

fn run<E: Clone + Send + 'static>(
    steps: &[Step],
    capacity: usize,
    overflow: Overflow,
    make: fn(u64) -> E,
    number: fn(E) -> u64,
) -> Result<(), TestCaseError> {
    let signal = Signal::<E>::new_in(&Domain::new());
    let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
    let mut oracle = Oracle { queue: VecDeque::new(), lost: 0, capacity, overflow, closed: None };
    let mut next = 1;
    for step in steps {
        match *step {
            Step::Emit => {
                signal.emit(&make(next));
                oracle.emit(next);
                next += 1;
            }
            Step::Batch(count) => {
                let numbers = next..next + count as u64;
                signal.emit_batch(&numbers.clone().map(make).collect::<Vec<_>>());
                numbers.for_each(|number| oracle.emit(number));
                next += count as u64;
            }
            Step::Panic(count) => {
                signal.emit_batch(&vec![0; count].into_iter().map(make).collect::<Vec<_>>());
                // Not even cloned, and lost like another one.
                if oracle.queue.len() == capacity && !matches!(overflow, Overflow::DropOldest | Overflow::KeepLatest) {
                    (0..count).for_each(|_| oracle.emit(0));
                }
            }
            Step::Receive => receive(&mut receiver, &mut oracle, number)?,
            Step::Drain { max, taken } => {
                let drained = receiver.drain(max).map(|drain| drain.take(taken).map(number).collect::<Vec<_>>());
                match drained {
                    Ok(events) => {
                        for event in events {
                            prop_assert_eq!(Ok(event), oracle.receive());
                        }
                        // What it had begun to take, nobody takes out any more to make room.
                        if overflow == Overflow::DropOldest || overflow == Overflow::KeepLatest {
                            receive_all(&mut receiver, &mut oracle, number)?;
                        }
                    }
                    Err(TryRecvError::Empty) if max == 0 => {}
                    Err(error) => {
                        prop_assert_eq!(Err(error), oracle.receive());
                        keep_what_comes_with_a_loss(error, &mut receiver, &mut oracle, number)?;
                    }
                }
            }
            Step::Disconnect => {
                receiver.connection().disconnect();
                oracle.closed.get_or_insert(CloseReason::Disconnected);
            }
        }
        prop_assert_eq!(receiver.len(), oracle.queue.len());
        let figures = receiver.figures();
        prop_assert_eq!(figures.sent, figures.received + figures.queued as u64 + figures.lost());
    }
    drop(signal);
    oracle.closed.get_or_insert(CloseReason::SignalDropped);
    loop {
        let found = receiver.try_recv().map(number);
        if let Err(TryRecvError::Closed(reason)) = found {
            // The signal's end counts, if the receiver has not noticed that of the connection before.
            if (reason, oracle.closed) == (CloseReason::SignalDropped, Some(CloseReason::Disconnected)) {
                oracle.closed = Some(reason);
            }
        }
        prop_assert_eq!(found, oracle.receive());
        if let Err(TryRecvError::Closed(_)) = found {
            return Ok(());
        }
    }
}

fn receive<E>(receiver: &mut Receiver<E>, oracle: &mut Oracle, number: fn(E) -> u64) -> Result<(), TestCaseError> {
    let found = receiver.try_recv().map(number);
    prop_assert_eq!(found, oracle.receive());
    match found {
        Err(error) => keep_what_comes_with_a_loss(error, receiver, oracle, number),
        Ok(_) => Ok(()),
    }
}

/// The events that a receiver was told a loss for are its own: nobody takes them out any more. The oracle does not know that, so they
/// are received at once.
fn keep_what_comes_with_a_loss<E>(
    error: TryRecvError,
    receiver: &mut Receiver<E>,
    oracle: &mut Oracle,
    number: fn(E) -> u64,
) -> Result<(), TestCaseError> {
    match error {
        TryRecvError::Lagged(_) => receive_all(receiver, oracle, number),
        _ => Ok(()),
    }
}

fn receive_all<E>(receiver: &mut Receiver<E>, oracle: &mut Oracle, number: fn(E) -> u64) -> Result<(), TestCaseError> {
    while !receiver.is_empty() {
        let found = receiver.try_recv().map(number);
        prop_assert_eq!(found, oracle.receive());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_mailbox_is_a_bounded_queue(steps in steps(), capacity in 1..20_usize, overflow in policies()) {
        run(&steps, capacity, overflow, Plain, |plain| plain.0)?;
        run(&steps, capacity, overflow, |n| Boxed(Box::new(n)), |boxed| *boxed.0)?;
    }

    #[test]
    fn emitters_and_a_receiver_on_threads_lose_count_of_nothing(
        capacity in 1..40_usize,
        overflow in policies(),
        batches in vec(vec(0..20_usize, 0..60), 1..4),
        drains in vec(1..50_usize, 1..10),
    ) {
        let signal = Arc::new(Signal::<(usize, u64)>::new_in(&Domain::new()));
        let mut receiver = signal.mailbox(capacity, overflow).expect("a fair capacity");
        let total: u64 = batches.iter().flatten().map(|&batch| batch.max(1) as u64).sum();
        let emitters: Vec<_> = batches.clone().into_iter().enumerate().map(|(emitter, batches)| {
            let signal = signal.clone();
            thread::spawn(move || {
                let mut next = 0;
                for batch in batches {
                    let events: Vec<_> = (next..next + batch.max(1) as u64).map(|n| (emitter, n)).collect();
                    next += events.len() as u64;
                    _ = if batch == 0 { signal.emit(&events[0]) } else { signal.emit_batch(&events) };
                }
            })
        }).collect();
        drop(signal);
        let (mut next, mut missed, mut told, mut received) = (vec![0; batches.len()], 0, 0, 0);
        let mut take = |found: Result<(usize, u64), Lagged>| match found {
            Ok((emitter, n)) => {
                assert!(n >= next[emitter], "{n} after {}", next[emitter]);
                missed += n - next[emitter];
                next[emitter] = n + 1;
                received += 1;
                assert!(overflow == Overflow::Disconnect || missed <= told, "{missed} are missed, {told} were told");
            }
            Err(Lagged(count)) => told += count,
        };
        let mut drains = drains.iter().cycle();
        loop {
            match receiver.drain(*drains.next().expect("an endless cycle")) {
                Ok(drain) => drain.for_each(|event| take(Ok(event))),
                Err(TryRecvError::Lagged(count)) => take(Err(Lagged(count))),
                Err(TryRecvError::Empty) => thread::yield_now(),
                Err(_) => break,
            }
        }
        emitters.into_iter().for_each(|emitter| emitter.join().expect("it only emits"));
        let figures = receiver.figures();
        prop_assert_eq!(figures.sent, figures.received + figures.lost(), "{:?}", figures);
        prop_assert_eq!(figures.received, received);
        if overflow != Overflow::Disconnect {
            prop_assert_eq!((figures.sent, received + told), (total, total));
        }
    }
}
