//! disruptor: with pollers, on threads of ours; and with handlers, on threads of its own.

use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use disruptor::{
    EventPoller, MultiProducerBarrier, Polling, ProcessorSettings, Producer, Sequence, SingleConsumerBarrier,
    SingleProducerBarrier, build_multi_producer, build_single_producer,
};

use crate::delivery::CAPACITY;
use crate::delivery::event::{Event, LAP, Sum, lap, sum_of};
use crate::delivery::graphs::Graph;
use crate::delivery::pinned;
use crate::delivery::stream::{Pace, Receiving, Sending, Stream};
use crate::delivery::waiting::Waiting;
use crate::scenario::Contestant;

/// A producer.
#[derive(Clone)]
pub struct Out<P> {
    producer: P,
    waiting: Waiting,
}

/// A poller.
pub struct In<const W: usize, B>(EventPoller<Event<W>, B>);

/// What pollers of any kind are entered as.
const POLLED: &str = "disruptor, pollers";

/// Senders and receivers on threads of ours.
pub fn enter_stream<const W: usize>(senders: usize, receivers: usize, pace: Pace) -> Contestant {
    let waiting = pace.waiting;
    let builder = build_single_producer(CAPACITY, Event::<W>::default, waiting);
    match (senders, receivers) {
        (1, 1) => {
            let (poller, builder) = builder.new_event_poller();
            one(builder.build(), vec![In(poller)], waiting).enter(POLLED, pace)
        }
        (1, _) => {
            let mut builder = builder.with_multi_consumer();
            let mut pollers = Vec::new();
            for _ in 0..receivers {
                let (poller, next) = builder.new_event_poller();
                pollers.push(In(poller));
                builder = next;
            }
            one(builder.build(), pollers, waiting).enter(POLLED, pace)
        }
        (_, 1) => {
            let builder = build_multi_producer(CAPACITY, Event::<W>::default, waiting);
            let (poller, builder) = builder.new_event_poller();
            let out = Out { producer: builder.build(), waiting };
            Stream { senders: iter::repeat_n(out, senders).collect(), receivers: vec![In(poller)] }.enter(POLLED, pace)
        }
        _ => unreachable!("no such shape is measured"),
    }
}

/// One sender and one receiver.
pub fn open<const W: usize>() -> Stream<impl Sending<W>, impl Receiving<W>> {
    let (poller, builder) = build_single_producer(CAPACITY, Event::<W>::default, Waiting::Spin).new_event_poller();
    one(builder.build(), vec![In(poller)], Waiting::Spin)
}

fn one<P, R>(producer: P, receivers: Vec<R>, waiting: Waiting) -> Stream<Out<P>, R> {
    Stream { senders: vec![Out { producer, waiting }], receivers }
}

/// Pollers that go after each other.
pub fn enter_graph<const W: usize>(graph: Graph, pace: Pace) -> Contestant {
    type Receivers<const W: usize> = Vec<Box<dyn Receiving<W>>>;
    let waiting = pace.waiting;
    let builder = build_single_producer(CAPACITY, Event::<W>::default, waiting);
    match graph {
        Graph::Unicast => enter_stream::<W>(1, 1, pace),
        Graph::Multicast => enter_stream::<W>(1, 3, pace),
        Graph::Pipeline => {
            let (first, builder) = builder.new_event_poller();
            let (second, builder) = builder.and_then().new_event_poller();
            let (third, builder) = builder.and_then().new_event_poller();
            let receivers: Receivers<W> = vec![Box::new(In(first)), Box::new(In(second)), Box::new(In(third))];
            one(builder.build(), receivers, waiting).enter(POLLED, pace)
        }
        Graph::Diamond => {
            let (first, builder) = builder.new_event_poller();
            let (second, builder) = builder.new_event_poller();
            let (third, builder) = builder.and_then().new_event_poller();
            let receivers: Receivers<W> = vec![Box::new(In(first)), Box::new(In(second)), Box::new(In(third))];
            one(builder.build(), receivers, waiting).enter(POLLED, pace)
        }
    }
}

impl<const W: usize, P: Producer<Event<W>> + Send> Sending<W> for Out<P> {
    #[inline]
    fn send(&mut self, events: &[Event<W>]) {
        let producer = &mut self.producer;
        if let [event] = events {
            self.waiting.until(|| producer.try_publish(|slot| *slot = *event).ok());
            return;
        }
        self.waiting.until(|| producer.try_batch_publish(events.len(), |slots| copy(events, slots)).ok());
    }
}

#[inline(always)]
fn copy<'a, const W: usize>(events: &[Event<W>], slots: impl Iterator<Item = &'a mut Event<W>>) {
    iter::zip(slots, events).for_each(|(slot, event)| *slot = *event);
}

/// The same for each kind of barrier. (Their trait is private: there is no generic way to say it.)
macro_rules! polled {
    ($($barrier:ty),*) => {$(
        impl<const W: usize> Receiving<W> for In<W, $barrier> {
            #[inline]
            fn receive(&mut self, most: usize, sum: &mut Sum) -> usize {
                match self.0.take(most as u64) {
                    Ok(mut events) => (&mut events).map(|event| sum.add(event)).count(),
                    Err(Polling::NoEvents) => 0,
                    Err(Polling::Shutdown) => panic!("disruptor: the producer has gone"),
                }
            }
        }
    )*};
}

polled!(SingleProducerBarrier, MultiProducerBarrier, SingleConsumerBarrier, disruptor::MultiConsumerBarrier);

/// Handlers, which it runs itself: the way its documentation begins with. They live for one run only, since they never sleep.
pub fn enter_handlers<const W: usize>(readers: Readers, pace: Pace) -> Contestant {
    let events = lap::<W>();
    Contestant::new("disruptor, handlers", move |laps| {
        let run = || drive_handlers(readers, pace, laps, &events);
        // On a thread that may be kept on a core.
        thread::scope(|scope| scope.spawn(run).join().expect("the sums are right"))
    })
}

/// Who reads.
#[derive(Clone, Copy, Debug)]
pub enum Readers {
    /// One, or several beside each other.
    Beside(usize),
    /// Those that go after each other.
    Of(Graph),
}

fn drive_handlers<const W: usize>(readers: Readers, pace: Pace, laps: u64, events: &[Event<W>]) -> Duration {
    let count = match readers {
        Readers::Beside(count) => count,
        Readers::Of(graph) => graph.readers(),
    };
    let cores = pinned::cores();
    let has_core = count < cores.len();
    let drive =
        Drive { board: Board::new(count), core: cores.first().copied().filter(|_| has_core), pace, laps, events };
    let handler = |reader| drive.board.handler::<W>(reader);
    let mut builder = build_single_producer(CAPACITY, Event::<W>::default, pace.waiting);
    match readers {
        Readers::Of(Graph::Unicast) | Readers::Beside(1) => {
            if has_core {
                builder = builder.pin_at_core(cores[1]);
            }
            drive.publish(builder.handle_events_with(handler(0)).build())
        }
        Readers::Of(Graph::Pipeline) => {
            let builder = builder.handle_events_with(handler(0)).and_then().handle_events_with(handler(1));
            drive.publish(builder.and_then().handle_events_with(handler(2)).build())
        }
        Readers::Of(Graph::Diamond) => {
            let builder = builder.handle_events_with(handler(0)).handle_events_with(handler(1));
            drive.publish(builder.and_then().handle_events_with(handler(2)).build())
        }
        Readers::Of(Graph::Multicast) | Readers::Beside(_) => {
            let builder = builder.with_multi_consumer();
            let builder = (0..count).fold(builder, |builder, reader| builder.handle_events_with(handler(reader)));
            drive.publish(builder.build())
        }
    }
}

/// One run with handlers.
struct Drive<'a, const W: usize> {
    board: Board,
    /// The publisher's.
    core: Option<usize>,
    pace: Pace,
    laps: u64,
    events: &'a [Event<W>],
}

impl<const W: usize> Drive<'_, W> {
    /// Publishes a lap that is not timed, by which all threads are there, and then the others.
    fn publish(&self, mut producer: impl Producer<Event<W>>) -> Duration {
        // Not before the handlers' threads are there, which would be kept on the same one.
        if let Some(core) = self.core {
            pinned::stay_on(core);
        }
        let (waiting, laps) = (self.pace.waiting, self.laps);
        let mut publish = |batch: &[Event<W>]| match (waiting, batch) {
            (Waiting::Spin, [event]) => producer.publish(|slot| *slot = *event),
            (Waiting::Spin, _) => producer.batch_publish(batch.len(), |slots| copy(batch, slots)),
            (Waiting::Yield, [event]) => {
                waiting.until(|| producer.try_publish(|slot| *slot = *event).ok());
            }
            (Waiting::Yield, _) => {
                waiting.until(|| producer.try_batch_publish(batch.len(), |slots| copy(batch, slots)).ok());
            }
        };
        let mut publish_laps =
            |laps| (0..laps).for_each(|_| self.events.chunks_exact(self.pace.batch).for_each(&mut publish));
        publish_laps(1);
        self.board.wait_for(LAP as u64);
        let start = Instant::now();
        publish_laps(laps);
        self.board.wait_for((laps + 1) * LAP as u64);
        let time = start.elapsed();
        self.board.check(sum_of(self.events, laps + 1));
        time
    }
}

/// Where handlers show what they have had.
struct Board(Arc<[CachePadded<Shown>]>);

#[derive(Default)]
struct Shown {
    count: AtomicU64,
    sum: AtomicU64,
}

impl Board {
    fn new(handlers: usize) -> Self {
        Self((0..handlers).map(|_| CachePadded::default()).collect())
    }

    fn handler<const W: usize>(&self, reader: usize) -> impl FnMut(&Event<W>, Sequence, bool) + Send + 'static {
        let board = self.0.clone();
        let (mut count, mut sum) = (0, Sum::default());
        move |event, _, is_end_of_batch| {
            sum.add(event);
            count += 1;
            if is_end_of_batch {
                board[reader].sum.store(sum.0, Ordering::Relaxed);
                board[reader].count.store(count, Ordering::Release);
            }
        }
    }

    fn wait_for(&self, count: u64) {
        for shown in &*self.0 {
            Waiting::Yield.until(|| (shown.count.load(Ordering::Acquire) == count).then_some(()));
        }
    }

    fn check(&self, expected: Sum) {
        for shown in &*self.0 {
            assert_eq!(shown.sum.load(Ordering::Relaxed), expected.0, "a handler has had other events than were sent");
        }
    }
}
