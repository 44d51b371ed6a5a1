//! The feature `tracing`: connects and ends at trace level, what calls for somebody at warn.
#![cfg(feature = "tracing")]

mod common;

use common::Log;
use pulsebus::{Bus, Config, LimitPolicy, Signal};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Collects what is logged: level, message, and the other fields as text.
struct Collector {
    log: Log<(Level, String, String)>,
    most: Level,
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most && metadata.target() == "pulsebus"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.log.push((*event.metadata().level(), text.message, text.fields));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.fields += &format!("{}={value:?} ", field.name());
        }
    }
}

/// What is logged on this thread while `f` runs: level, message, and fields.
fn logged(most: Level, f: impl FnOnce()) -> Vec<(Level, String, String)> {
    let log = Log::new();
    tracing::subscriber::with_default(Collector { log: log.clone(), most }, f);
    log.take()
}

fn messages(log: &[(Level, String, String)]) -> Vec<(Level, &str)> {
    log.iter().map(|(level, message, _)| (*level, message.as_str())).collect()
}

fn limited(policy: LimitPolicy) -> Bus {
    let mut config = Config::default();
    (config.limits.per_owner, config.limits.overall, config.limits.policy) = (Some(1), Some(4), policy);
    (config.emergency_at, config.sweep_at) = (0.5, 1.0);
    Bus::with_config(config).unwrap()
}

#[test]
fn connects_and_ends_are_traced_with_place_and_reason() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let line = line!() + 2;
    let log = logged(Level::TRACE, || {
        bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
        bus.cleanup_owner(7);
        let handle = bus.connect(&signal).slot(|_| {}).unwrap();
        handle.disconnect();
        assert_eq!(bus.statistics().live, 0);
    });
    let (connected, ended) = ((Level::TRACE, "connected"), (Level::TRACE, "ended"));
    assert_eq!(messages(&log), [connected, ended, connected, ended]);
    assert!(log[..2].iter().all(|entry| entry.2.contains(&format!("bus_tracing.rs:{line}:"))), "{log:?}");
    assert!(log[1].2.contains("reason=owner_left") && log[3].2.contains("reason=disconnected"), "{log:?}");
}

#[test]
fn a_batch_is_traced_connection_by_connection() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let log = logged(Level::TRACE, || {
        let batch = [(); 3].map(|()| bus.connect(&signal).owner(7).prepare(|_| {}));
        bus.connect_batch(batch).unwrap();
        let connection = signal.connect(|_| {});
        bus.track(connection).owner(7).finish().unwrap();
    });
    assert_eq!(messages(&log), [(Level::TRACE, "connected"); 4]);
}

#[test]
fn limits_warn() {
    let signal = Signal::<u32>::new();
    let log = logged(Level::WARN, || {
        let bus = limited(LimitPolicy::Reject);
        bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
        bus.connect(&signal).owner(7).slot(|_| {}).unwrap_err();
    });
    assert_eq!(messages(&log), [(Level::WARN, "not connected")]);
    assert!(
        log[0].2.contains("owner 7 has 1 connections of 1 allowed") && log[0].2.contains("bus_tracing.rs:"),
        "{log:?}"
    );

    let second: [fn(&Bus, &Signal<u32>); 3] = [
        |bus, signal| assert!(bus.connect(signal).owner(7).slot(|_| {}).is_ok()),
        |bus, signal| assert!(bus.connect_batch([bus.connect(signal).owner(7).prepare(|_| {})]).is_ok()),
        |bus, signal| assert!(bus.track(signal.connect(|_| {})).owner(7).finish().is_ok()),
    ];
    for connect in second {
        let log = logged(Level::WARN, || {
            let bus = limited(LimitPolicy::Warn);
            assert!(bus.connect(&signal).owner(7).slot(|_| {}).is_ok());
            connect(&bus, &signal);
        });
        assert_eq!(
            messages(&log),
            [(Level::WARN, "connections are about to run out"), (Level::WARN, "connected beyond a limit")]
        );
        assert!(log[0].2.contains("live=2") && log[0].2.contains("limit=4"), "{log:?}");
    }
}

#[test]
fn leaks_and_callbacks_that_panic_warn() {
    let (bus, signal) = (Bus::new(), Signal::<u32>::new());
    let log = logged(Level::WARN, || {
        bus.connect(&signal).tag("hud").on_cleanup(|_| panic!("clumsy")).slot(|_| {}).unwrap();
        assert!(!bus.audit().is_clean());
        bus.cleanup_tag("hud");
    });
    assert_eq!(
        messages(&log),
        [(Level::WARN, "connections that look leaked"), (Level::WARN, "a cleanup callback panicked")]
    );
    assert!(log[0].2.contains("count=1") && log[0].2.contains("bus_tracing.rs:"), "{log:?}");
}

#[test]
fn a_subscriber_may_use_the_bus() {
    /// Asks the bus at each event: no lock of it is held then.
    struct Asking(Bus);
    impl Subscriber for Asking {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            let _ = self.0.len();
            metadata.target() == "pulsebus"
        }
        fn event(&self, _: &Event<'_>) {
            self.0.statistics();
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
    let (bus, signal) = (limited(LimitPolicy::Warn), Signal::<u32>::new());
    tracing::subscriber::with_default(Asking(bus.clone()), || {
        for _ in 0..3 {
            bus.connect(&signal).owner(7).on_cleanup(|_| panic!("clumsy")).slot(|_| {}).unwrap();
        }
        bus.connect_matching::<u32>("room.*").unwrap().slot(|_, _| {}).unwrap();
        assert!(bus.topic::<u32>("room.1").is_ok());
        bus.audit();
        assert_eq!((bus.cleanup_owner(7), bus.len()), (3, 2));
    });
}
