//! What topics hold to, one by one and beside each other.

use super::*;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::thread;

fn topics() -> Topics {
    Topics::new(Domain::new())
}

/// Does something when it is dropped.
struct OnDrop<F: FnMut() + Send + Sync + 'static>(F);

impl<F: FnMut() + Send + Sync + 'static> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Counts when it is dropped.
fn counts(count: &Arc<AtomicUsize>) -> impl Send + Sync + 'static {
    let count = Arc::clone(count);
    OnDrop(move || {
        count.fetch_add(1, SeqCst);
    })
}

/// A pattern's slot, which holds `captured`.
fn connect_for_pattern<E>(topic: &Topic<E>, captured: impl Send + Sync + 'static) {
    topic.add_pattern_slot(topic.connect(move |_| {
        let _ = &captured;
    }));
}

#[test]
fn a_type_has_one_signal() {
    let topics = topics();
    let a = topics.signal::<u32>();
    assert_eq!(a.id(), topics.signal::<u32>().id());
    assert_ne!(a.id(), topics.signal::<i32>().id());
    assert_eq!((a.name(), a.label()), (None, "u32"));
    let _connection = topics.signal::<u32>().connect(|_| {});
    assert_eq!(a.len(), 1);
    assert_eq!(topics.len(), 2);
    assert_eq!(topics.collect(), 0);
    assert_eq!(a.id(), topics.signal::<u32>().id());
}

#[test]
fn more_types_than_chains_have_a_signal_each() {
    struct Event<const A: usize, const B: usize>;
    fn ids<const A: usize>(topics: &Topics) -> Vec<TopicId> {
        macro_rules! of {
            ($($b:literal)*) => { vec![$(topics.signal::<Event<A, $b>>().id()),*] };
        }
        of!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
    }
    macro_rules! of {
        ($topics:expr; $($a:literal)*) => { [$(ids::<$a>($topics)),*].concat() };
    }
    let topics = topics();
    let all = || of!(&topics; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    let first = all();
    assert_eq!(first, all());
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), 512);
    assert_eq!(topics.len(), 512);
}

#[test]
fn a_name_is_one_topic_and_keeps_its_type() {
    let topics = topics();
    let lobby = topics.topic::<u32>("room.lobby").unwrap();
    assert_eq!((lobby.name(), lobby.label()), (Some("room.lobby"), "room.lobby"));
    assert_eq!(topics.topic::<u32>("room.lobby").unwrap().id(), lobby.id());
    assert_ne!(topics.topic::<u32>("room.hall").unwrap().id(), lobby.id());
    assert_ne!(topics.signal::<u32>().id(), lobby.id());
    let error = TopicError::OtherType { name: "room.lobby".into(), is: "u32", asked: "i64" };
    assert_eq!(topics.topic::<i64>("room.lobby").unwrap_err(), error);
    assert_eq!(topics.find::<i64>("room.lobby").unwrap_err(), error);
}

#[test]
fn finding_makes_nothing() {
    let topics = topics();
    for name in ["a", "a.b", "", "no name"] {
        assert!(topics.find::<u32>(name).unwrap().is_none());
    }
    assert_eq!((topics.len(), topics.names.capacity()), (0, 0));
    let id = topics.topic::<u32>("a").unwrap().id();
    assert_eq!(topics.find::<u32>("a").unwrap().unwrap().id(), id);
}

#[test]
fn a_bad_name_makes_nothing() {
    let topics = topics();
    let fault = NameFault::EmptyToken { at: 2 };
    assert_eq!(topics.topic::<u32>("a..b").unwrap_err(), TopicError::BadName { name: "a..b".into(), fault });
    assert_eq!(topics.len(), 0);
}

#[test]
fn a_handle_goes_to_other_threads_whatever_its_events_are() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    is_shared(&topics().signal::<Rc<u32>>());
    is_shared(&topics());
}

#[test]
fn a_handle_outlives_the_bus() {
    let topics = topics();
    let (signal, lobby) = (topics.signal::<u32>(), topics.topic::<u32>("lobby").unwrap());
    drop(topics);
    for topic in [signal, lobby.clone(), lobby] {
        let connection = topic.connect(|_| {});
        topic.emit(&1);
        assert!(connection.is_connected());
    }
}

#[test]
fn a_new_topic_is_announced_once_before_its_maker_has_it() {
    let topics: Arc<Topics> = Arc::new(topics());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (from, to) = (Arc::downgrade(&topics), Arc::clone(&seen));
    topics.created().connect(move |created| {
        let topics = from.upgrade().unwrap();
        // It can be found already, by type only; and a slot may do anything.
        let found = topics.find::<u32>(created.name()).unwrap().unwrap();
        let handle = created.downcast::<u32>().unwrap();
        assert_eq!((found.id(), handle.id()), (created.id(), created.id()));
        assert!(created.downcast::<i64>().is_none());
        drop((found, handle));
        assert_eq!(topics.collect(), 0);
        to.lock().unwrap().push((created.name().to_owned(), created.event_type()));
        if created.name() == "a" {
            topics.topic::<u32>("b").unwrap();
        }
    });
    topics.topic::<u32>("a").unwrap();
    assert_eq!(*seen.lock().unwrap(), [("a".to_owned(), "u32"), ("b".to_owned(), "u32")]);
    let panics = topics.created().domain().statistics().slot_panics;
    topics.topic::<u32>("b").unwrap();
    topics.signal::<u32>();
    assert_eq!((seen.lock().unwrap().len(), panics), (2, 0));
    assert_eq!(topics.collect(), 2, "the handles of the announcement were let go");
}

#[test]
fn what_is_held_or_connected_to_stays() {
    let topics = topics();
    let held = topics.topic::<u32>("held").unwrap();
    let copy = held.clone();
    let connection = topics.topic::<u32>("connected").unwrap().connect(|_| {});
    topics.topic::<u32>("neither").unwrap();
    assert_eq!(topics.collect(), 1);
    assert!(topics.find::<u32>("neither").unwrap().is_none());
    drop(held);
    assert_eq!(topics.collect(), 0);
    assert_eq!(topics.find::<u32>("held").unwrap().unwrap().id(), copy.id());
    drop(copy);
    connection.disconnect();
    assert_eq!(topics.collect(), 2);
    assert_eq!((topics.len(), topics.names.capacity()), (0, 0));
}

#[test]
fn slots_of_patterns_do_not_keep_a_topic_and_end_with_it() {
    let topics = topics();
    let topic = topics.topic::<u32>("a").unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    connect_for_pattern(&topic, counts(&dropped));
    connect_for_pattern(&topic, ());
    let own = topic.connect(|_| {});
    let id = topic.id();
    drop(topic);
    assert_eq!(topics.collect(), 0);
    own.disconnect();
    assert_eq!((topics.collect(), dropped.load(SeqCst)), (1, 1));
    // A new topic, although of the same name, and of another type.
    let again = topics.topic::<i64>("a").unwrap();
    assert!(again.id() != id && again.is_empty());
}

#[test]
fn what_slots_captured_is_dropped_under_no_lock() {
    let topics: Arc<Topics> = Arc::new(topics());
    let inner = Arc::clone(&topics);
    let topic = topics.topic::<u32>("a").unwrap();
    // Comes back to the very same shard.
    let come_back = OnDrop(move || {
        assert!(inner.topic::<u32>("a").unwrap().is_empty());
        assert_eq!(inner.collect(), 1);
    });
    connect_for_pattern(&topic, come_back);
    drop(topic);
    assert_eq!(topics.collect(), 1);
    assert_eq!(topics.created().domain().statistics().drop_panics, 0);
    assert!(topics.find::<u32>("a").unwrap().is_none(), "the destructor has collected it");
}

#[test]
fn whoever_only_looks_drops_no_topic() {
    let topics = topics();
    let dropped = Arc::new(AtomicUsize::new(0));
    connect_for_pattern(&topics.topic::<u32>("a").unwrap(), counts(&dropped));
    // Taken away while it is looked at: the look must not be what drops it.
    topics.for_each(|_| assert_eq!(topics.collect(), 1));
    assert_eq!(dropped.load(SeqCst), 0);
    assert_eq!((topics.collect(), dropped.load(SeqCst)), (0, 1));
}

#[test]
fn each_topic_is_shown_with_what_is_connected() {
    let topics = topics();
    topics.signal::<u32>().connect(|_| {});
    let named = topics.topic::<i64>("a").unwrap();
    named.connect(|_| {});
    named.connect(|_| {});
    let mut shown = Vec::new();
    topics.for_each(|info| {
        // May do anything.
        topics.topic::<u32>("made.meanwhile").unwrap();
        shown.push((info.id, info.label.to_owned(), info.event_type, info.named, info.live));
    });
    shown.retain(|(_, label, ..)| label != "made.meanwhile");
    let ids = (topics.signal::<u32>().id(), named.id());
    assert_eq!(shown, [(ids.0, "u32".to_owned(), "u32", false, 1), (ids.1, "a".to_owned(), "i64", true, 2)]);
}

#[test]
fn a_pattern_finds_the_topics_of_its_type() {
    let topics = topics();
    for name in ["room.a", "room.b", "room.a.chat", "hall.a"] {
        topics.topic::<u32>(name).unwrap();
    }
    topics.topic::<i64>("room.other").unwrap();
    let find = |pattern| {
        let found = topics.matching::<u32>(&Pattern::new(pattern).unwrap());
        let mut names: Vec<_> = found.iter().filter_map(|topic| topic.name().map(str::to_owned)).collect();
        names.sort();
        names
    };
    assert_eq!(find("room.*"), ["room.a", "room.b"]);
    assert_eq!(find("room.**"), ["room.a", "room.a.chat", "room.b"]);
    let held = topics.matching::<u32>(&Pattern::new("hall.a").unwrap());
    assert_eq!((topics.collect(), held.len()), (4, 1));
}

#[test]
fn all_of_many_topics_are_found_in_no_more_memory_than_they_need() {
    const MANY: usize = 20_000;
    let topics = topics();
    let made: Vec<_> = (0..MANY).map(|n| topics.topic::<u32>(&format!("player.{n}")).unwrap()).collect();
    for (n, topic) in made.iter().enumerate() {
        assert_eq!(topics.find::<u32>(&format!("player.{n}")).unwrap().map(|t| t.id()), Some(topic.id()));
    }
    assert!(topics.find::<u32>("player.x").unwrap().is_none());
    assert_eq!(topics.len(), MANY);
    assert!(topics.names.capacity() <= MANY * 4, "{}", topics.names.capacity());
}

#[test]
fn names_that_come_and_go_leave_nothing() {
    let topics = topics();
    let stays = topics.topic::<u32>("stays").unwrap();
    let mut most = 0;
    for n in 0..100_000 {
        topics.topic::<u32>(&format!("session.{n}")).unwrap();
        if n % 1_000 == 999 {
            most = most.max(topics.names.capacity());
            assert_eq!(topics.collect(), 1_000);
            assert!(topics.names.capacity() <= 2, "{}", topics.names.capacity());
        }
    }
    // A thousand at a time, in 64 tables of at most three times their number and a little.
    assert!(most <= 64 * 64, "{most}");
    assert_eq!((topics.len(), topics.find::<u32>("stays").unwrap().unwrap().id()), (1, stays.id()));
}

/// Runs `collect` on a thread of its own until the others are done.
fn beside_a_collector(topics: &Topics, threads: usize, f: impl Fn(usize) + Sync) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                topics.collect();
                thread::yield_now();
            }
        });
        let f = &f;
        let workers: Vec<_> = (0..threads).map(|n| scope.spawn(move || f(n))).collect();
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        done.store(true, SeqCst);
        results.into_iter().for_each(|result| result.unwrap());
    });
}

#[test]
fn two_that_hold_a_name_hold_the_same_topic() {
    let topics = topics();
    let holders: Mutex<HashMap<String, (TopicId, usize)>> = Mutex::default();
    beside_a_collector(&topics, 3, |thread| {
        for n in 0..5_000 {
            let name = format!("t.{}", (n * 7 + thread) % 3);
            let topic = topics.topic::<u32>(&name).unwrap();
            {
                let mut holders = holders.lock().unwrap();
                let (id, count) = holders.entry(name.clone()).or_insert((topic.id(), 0));
                assert!(*count == 0 || *id == topic.id(), "{name} is {id} and {}", topic.id());
                (*id, *count) = (topic.id(), *count + 1);
            }
            assert_eq!(topics.find::<u32>(&name).unwrap().unwrap().id(), topic.id());
            holders.lock().unwrap().get_mut(&name).unwrap().1 -= 1;
        }
    });
    topics.collect();
    topics.collect();
    assert_eq!((topics.len(), topics.names.capacity()), (0, 0));
}

#[test]
fn a_topic_with_a_slot_stays_the_same_beside_a_collector() {
    let topics = topics();
    beside_a_collector(&topics, 3, |thread| {
        for n in 0..3_000 {
            let name = format!("t.{}", (n + thread) % 2);
            let topic = topics.topic::<u32>(&name).unwrap();
            connect_for_pattern(&topic, ());
            let (id, connection) = (topic.id(), topic.connect(|_| {}));
            drop(topic);
            thread::yield_now();
            let again = topics.find::<u32>(&name).unwrap().expect("a slot is connected to it");
            let found = topics.matching::<u32>(&Pattern::new("t.*").unwrap());
            assert!(again.id() == id && found.iter().any(|topic| topic.id() == id));
            assert!(connection.disconnect());
        }
    });
    topics.collect();
    assert_eq!(topics.len(), 0);
}

#[test]
fn threads_that_ask_for_a_new_name_get_one_topic_and_one_announcement() {
    let topics = topics();
    let announced = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&announced);
    topics.created().connect(move |created| to.lock().unwrap().push(created.id()));
    let ids: Vec<OnceLock<TopicId>> = (0..2_000).map(|_| OnceLock::new()).collect();
    let types = OnceLock::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let of_type = topics.signal::<String>().id();
                assert_eq!(*types.get_or_init(|| of_type), of_type);
                for (n, id) in ids.iter().enumerate() {
                    let topic = topics.topic::<u32>(&format!("t.{n}")).unwrap();
                    assert_eq!(*id.get_or_init(|| topic.id()), topic.id());
                }
            });
        }
    });
    let mut announced = announced.lock().unwrap().clone();
    let mut ids: Vec<_> = ids.into_iter().filter_map(OnceLock::into_inner).collect();
    announced.sort();
    ids.sort();
    assert_eq!(announced, ids);
    assert_eq!(topics.len(), 2_001);
}

#[test]
fn who_connects_to_the_announcements_and_then_looks_misses_no_topic() {
    for _ in 0..50 {
        let topics = topics();
        let seen: Arc<Mutex<HashSet<TopicId>>> = Arc::default();
        thread::scope(|scope| {
            scope.spawn(|| (0..200).for_each(|n| drop(topics.topic::<u32>(&format!("t.{n}")).unwrap())));
            let to = Arc::clone(&seen);
            topics.created().connect(move |created| to.lock().unwrap().extend([created.id()]));
            let found = topics.matching::<u32>(&Pattern::new("t.*").unwrap());
            seen.lock().unwrap().extend(found.iter().map(|topic| topic.id()));
        });
        assert_eq!(seen.lock().unwrap().len(), 200);
    }
}
