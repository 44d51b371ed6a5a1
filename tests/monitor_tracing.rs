//! Alerts in the log.
#![cfg(feature = "tracing")]

mod common;

use common::Log;
use pulsebus::{ManualClock, Monitor};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

struct Collector(Log<(Level, String)>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "pulsebus"
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        self.0.push((*event.metadata().level(), message.0));
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
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[test]
fn alerts_are_warnings_or_errors_and_their_ends_information() {
    let (hand, memory) = (ManualClock::new(), Arc::new(AtomicU64::new(0)));
    let read = Arc::clone(&memory);
    let monitor = Monitor::builder()
        .clock(hand.clock())
        .budget(500_000_000)
        .memory(move || Some(read.load(SeqCst) * 1_000_000))
        .build()
        .unwrap();
    let log = Log::new();
    tracing::subscriber::with_default(Collector(log.clone()), || {
        for megabytes in [100, 410, 490, 100] {
            memory.store(megabytes, SeqCst);
            monitor.sample_now();
            hand.advance(Duration::from_secs(5));
        }
    });
    let logged = log.take();
    let levels: Vec<Level> = logged.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::ERROR, Level::INFO], "{logged:?}");
    assert!(logged[0].1.starts_with("warning: resident_bytes is 410.0 MB"), "{logged:?}");
}
