//! Code of the user's that the bus runs: callbacks, destructors of captures and of owners. It may panic, and may use the bus.

mod common;

use common::{Counter, Log, collect_all, keep};
use pulsebus::{Bus, Config, Connection, Domain, EndReason, LimitPolicy, Owner, Signal, WeakBus};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn a_callback_that_panics_is_counted_and_stops_nothing() {
    let (bus, signal, ends) = (Bus::new(), Signal::<u32>::new(), Log::new());
    for n in 0..5 {
        let ends = ends.clone();
        let connect = bus.connect(&signal).owner(7).on_cleanup(move |reason| {
            ends.push((n, reason));
            assert!(n != 1 && n != 3, "as the test wants");
        });
        connect.slot(|_| {}).unwrap();
    }
    assert_eq!(bus.cleanup_owner(7), 5);
    assert_eq!(ends.take(), [0, 1, 2, 3, 4].map(|n| (n, EndReason::OwnerLeft)));
    assert_eq!((bus.statistics().cleanup_errors, signal.len()), (2, 0));
}

/// Uses the bus in all its forms.
fn use_all_of(bus: &Bus, signal: &Signal<u32>) -> usize {
    let owner = bus.owner("used again");
    owner.connect(signal).tag("again").named("again").slot(|_| {}).unwrap();
    owner.child("part").connect(signal).slot(|_| {}).unwrap();
    bus.connect_batch([bus.connect(signal).owner("used again").prepare(|_| {})]).unwrap();
    bus.track(signal.connect(|_| {})).owner("used again").finish().unwrap();
    bus.configure(bus.config().as_ref().clone()).unwrap();
    bus.on_emergency(|_| {});
    bus.maintain(Duration::from_secs(1));
    let _ =
        (bus.statistics(), bus.audit().to_string(), bus.cleanup_stale(), format!("{bus:?}"), bus.service("x").len());
    bus.cleanup_where(|detail| detail.tags.iter().any(|tag| tag == "again")) + owner.leave()
}

#[test]
fn a_callback_may_use_the_bus() {
    let (bus, signal, counts) = (Bus::new(), Arc::new(Signal::<u32>::new()), Log::new());
    let connect = |owner: u32| {
        let (weak, signal, counts) = (bus.downgrade(), signal.clone(), counts.clone());
        let connect = bus.connect(&signal).owner(owner).tag("group").named("name");
        let used = signal.clone();
        let callback = move |_| counts.push(use_all_of(&weak.upgrade().expect("the test has it"), &used));
        connect.on_cleanup(callback).slot(|_| {}).unwrap()
    };
    let ways: [&dyn Fn(Connection) -> usize; 6] = [
        &|_| bus.cleanup_owner(1),
        &|_| bus.cleanup_tag("group"),
        &|_| bus.emergency_cleanup(),
        &|connection| usize::from(bus.disconnect(connection)),
        &|_| usize::from(bus.connect(&signal).owner(1).named("name").slot(|_| {}).is_ok()),
        &|connection| usize::from(connection.disconnect() && bus.statistics().live == 0),
    ];
    for (way, end) in ways.into_iter().enumerate() {
        let connection = connect(1);
        assert_eq!(end(connection), 1, "way {way}");
        // The named one is replaced by nobody, the child's went with its handle.
        assert_eq!(counts.take(), [3], "way {way}");
        bus.emergency_cleanup();
    }
}

#[test]
fn a_callback_may_end_others_of_the_same_cleanup_and_connect_new_ones() {
    let (bus, signal, ends) = (Bus::new(), Arc::new(Signal::<u32>::new()), Log::new());
    for n in 0..3 {
        let (weak, inner, ends) = (bus.downgrade(), signal.clone(), ends.clone());
        let connect = bus.connect(&signal).owner(7).on_cleanup(move |_| {
            let bus = weak.upgrade().expect("the test has it");
            ends.push((n, bus.cleanup_owner(7), bus.cleanup_owner(8)));
            bus.connect(&inner).owner(8).slot(|_| {}).unwrap();
        });
        connect.slot(|_| {}).unwrap();
    }
    assert_eq!(bus.cleanup_owner(7), 3);
    assert_eq!(ends.take(), [(0, 0, 0), (1, 0, 1), (2, 0, 1)]);
    assert_eq!((bus.count_of(8), signal.len()), (1, 1));
}

#[test]
fn a_callback_may_drop_the_last_handle_that_somebody_keeps() {
    let (bus, signal, ends) = (Bus::new(), Signal::<u32>::new(), Log::new());
    let (weak, kept) = (bus.downgrade(), Arc::new(Mutex::new(None)));
    for owner in 0..3 {
        let (kept, ends) = (kept.clone(), ends.clone());
        let connect = bus.connect(&signal).owner(owner).on_cleanup(move |reason| {
            let last: Option<Bus> = kept.lock().expect("nobody panics").take();
            ends.push((owner, reason, last.is_some()));
        });
        connect.slot(|_| {}).unwrap();
    }
    *kept.lock().expect("nobody panics") = Some(bus);
    // The call has a handle of its own, which is the last one then, and ends the others.
    assert_eq!(weak.upgrade().expect("one is kept").cleanup_owner(0), 1);
    let (left, shutdown) = (EndReason::OwnerLeft, EndReason::Shutdown);
    assert_eq!(ends.take(), [(0, left, true), (1, shutdown, false), (2, shutdown, false)]);
    assert!(weak.upgrade().is_none() && signal.is_empty());
}

#[test]
fn a_slot_may_drop_the_last_handle_of_the_bus() {
    let (signal, log) = (Signal::<u32>::new(), Log::new());
    let kept = Arc::new(Mutex::new(Some(Bus::new())));
    {
        let guard = kept.lock().expect("nobody panics");
        let bus = guard.as_ref().expect("just put there");
        let (inner, inner_log) = (kept.clone(), log.clone());
        let first = bus.connect(&signal).slot(move |_| {
            inner_log.push("first");
            let last = inner.lock().expect("nobody panics").take();
            drop(last);
        });
        first.unwrap();
        let ends = log.clone();
        let second = bus.connect(&signal).on_cleanup(move |reason| ends.push(reason.as_str()));
        second.slot(log.slot(|_| "second")).unwrap();
    }
    signal.emit(&1);
    assert_eq!(log.take(), ["first", "shutdown"]);
    assert!(signal.is_empty());
}

/// Uses the bus when it is compared by nobody: in its destructor and in its `Debug`.
struct Key {
    id: u32,
    bus: WeakBus,
    signal: Arc<Signal<u32>>,
    used: Counter,
}

impl Key {
    fn use_bus(&self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.connect(&self.signal).owner("key").slot(|_| {}).unwrap();
            bus.cleanup_owner("key");
            self.used.add(1);
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.use_bus();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.use_bus();
        write!(f, "key {}", self.id)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

#[test]
fn destructors_and_texts_of_owners_may_use_the_bus() {
    let mut config = Config::default();
    config.limits.per_owner = Some(4);
    config.limits.policy = LimitPolicy::Reject;
    let (bus, signal) = (Bus::with_config(config).unwrap(), Arc::new(Signal::<u32>::new()));
    let used = Counter::new();
    let key = |id| Owner::key(Key { id, bus: bus.downgrade(), signal: signal.clone(), used: used.clone() });
    // Equal keys, each of which is dropped on its own.
    for _ in 0..3 {
        bus.connect(&signal).owner(key(1)).named("n").slot(|_| {}).unwrap();
        bus.connect_batch([bus.connect(&signal).owner(key(1)).prepare(|_| {})]).unwrap();
    }
    let bare = signal.connect(|_| {});
    bus.track(bare).owner(key(1)).finish().unwrap_err();
    assert_eq!(bus.count_of(key(1)), 4);
    assert!(bus.statistics().to_string().contains("of owner key 1: 4"));
    assert!(format!("{:?}", bus.details(&pulsebus::Filter::new().owner(key(1)))).contains("key 1"));
    let error = bus.connect(&signal).owner(key(1)).slot(|_| {}).unwrap_err();
    assert!(error.to_string().contains("key 1"));
    assert!(bus.audit().is_clean());
    assert_eq!(bus.cleanup_owner(key(1)), 4);
    let scope = bus.owner(key(2));
    let child = scope.child("part");
    child.connect(&signal).slot(|_| {}).unwrap();
    assert_eq!(scope.leave(), 1);
    let error = child.connect(&signal).slot(|_| {}).unwrap_err();
    assert!(error.to_string().contains("key 2/part"));
    drop((child, error));
    bus.connect(&signal).owner(key(3)).slot(|_| {}).unwrap().disconnect();
    bus.maintain(Duration::from_secs(1));
    assert_eq!(bus.statistics().live, 0);
    assert!(used.get() >= 15, "{}", used.get());
}

/// Its `Eq` and its destructor panic.
#[derive(Debug)]
struct Fragile(u32);

impl Hash for Fragile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Fragile {
    fn eq(&self, _: &Self) -> bool {
        panic!("nobody asks");
    }
}

impl Eq for Fragile {}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bad end");
    }
}

#[test]
fn an_owner_is_not_compared_and_its_destructor_does_not_take_the_connect_with_it() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    for made in 1..=3 {
        let connection = bus.connect(&signal).owner(Owner::key(Fragile(1))).service("Quest").slot(|_| {}).unwrap();
        assert_eq!((connection.is_connected(), bus.len()), (true, made));
    }
    let prepared = bus.connect(&signal).owner(Owner::key(Fragile(2))).prepare(|_| {});
    assert_eq!(bus.connect_batch([prepared]).unwrap().len(), 1);
    let taken_in = bus.track(signal.connect(|_| {})).owner(Owner::key(Fragile(2))).finish();
    assert!(taken_in.unwrap().is_connected());
    let pulsebus::BusStatistics { owners, cleanup_errors, .. } = bus.statistics();
    assert_eq!(owners.iter().map(|owner| owner.live).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(cleanup_errors, 3, "the first key of each owner is the bus's");
    // This one is the test's.
    keep(owners);
    assert_eq!(bus.cleanup_service("Quest"), 3);
    assert_eq!((bus.emergency_cleanup(), signal.len()), (2, 0));
}

#[test]
fn destructors_of_captures_may_use_the_bus() {
    let domain = Domain::new();
    let bus = Bus::builder().domain(&domain).build().unwrap();
    let signal = Arc::new(Signal::<u32>::new_in(&domain));
    let used = Counter::new();
    let capture = || Key { id: 0, bus: bus.downgrade(), signal: signal.clone(), used: used.clone() };
    for n in 0..2_000_u32 {
        let (held, told) = (capture(), capture());
        let connect = bus.connect(&signal).owner(n % 10).on_cleanup(move |_| drop(told));
        connect.slot(move |_| held.use_bus()).unwrap();
        if n % 50 == 49 {
            bus.cleanup_owner(n % 10);
        }
    }
    bus.emergency_cleanup();
    bus.maintain(Duration::from_secs(10));
    collect_all(&domain);
    assert_eq!(used.get(), 4_000);
    assert_eq!((bus.len(), bus.statistics().cleanup_errors), (0, 0));
}

#[test]
fn an_emergency_hook_may_use_the_bus_replace_itself_and_panic() {
    let mut config = Config::default();
    config.limits.overall = Some(10);
    let (bus, signal, ended) = (Bus::with_config(config).unwrap(), Signal::<u32>::new(), Counter::new());
    let (weak, inner) = (bus.downgrade(), ended.clone());
    bus.on_emergency(move |emergency| {
        let bus = weak.upgrade().expect("the test has it");
        assert_eq!((emergency.live, emergency.limit), (10, 10));
        inner.add(bus.cleanup_tag("spare"));
        bus.on_emergency(|_| panic!("as the test wants"));
    });
    for n in 0..10 {
        bus.connect(&signal).tag(if n % 2 == 0 { "spare" } else { "needed" }).slot(|_| {}).unwrap();
    }
    assert_eq!((ended.get(), bus.len()), (5, 5));
    for _ in 0..5 {
        bus.connect(&signal).slot(|_| {}).unwrap();
    }
    let statistics = bus.statistics();
    assert_eq!((statistics.emergencies, statistics.cleanup_errors, statistics.live), (2, 1, 10));
}
