//! Looking at everything: statistics and details.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use pulsebus::{Bus, Config, Filter, Signal};

use crate::event::{Event, Lane, Sums, slot};
use crate::scenario::{Contestant, timed};

/// Connections of one owner, and slots of one signal.
const SHARE: usize = 100;

/// A server at work: many owners, many signals, some services and tags.
struct Server {
    bus: Bus,
    signals: Vec<Signal<Event>>,
}

impl Server {
    fn with_connections(connections: usize) -> Arc<Self> {
        const SERVICES: [&str; 5] = ["Quest", "Chat", "Combat", "Trade", "World"];
        const TAGS: [&str; 3] = ["hud", "remote", "watch"];
        let mut config = Config::default();
        config.limits.per_service = None;
        let bus = Bus::with_config(config).expect("the rest are defaults");
        let signals: Vec<_> = (0..connections.div_ceil(SHARE)).map(|_| Signal::new()).collect();
        for n in 0..connections {
            let connect = bus.connect(&signals[n % signals.len()]).owner(n / SHARE);
            let connect = connect.service(SERVICES[n % SERVICES.len()]).tag(TAGS[n % TAGS.len()]);
            connect.slot(slot(Lane::next())).expect("limits only warn");
        }
        Arc::new(Self { bus, signals })
    }
}

/// A look, the clock read around it: what it returned is dropped afterwards.
type Look = fn(&Bus) -> Duration;

fn statistics(bus: &Bus) -> Duration {
    let start = Instant::now();
    let statistics = black_box(bus.statistics());
    let time = start.elapsed();
    assert_eq!(statistics.live, bus.len());
    time
}

fn details(bus: &Bus) -> Duration {
    let start = Instant::now();
    let details = black_box(bus.details(&Filter::new()));
    let time = start.elapsed();
    assert_eq!(details.len(), bus.len());
    time
}

pub(super) fn contestants(connections: usize) -> Vec<Contestant> {
    let server = Server::with_connections(connections);
    let looking = |name: &'static str, look: Look| {
        let server = Arc::clone(&server);
        Contestant::new(name, move |iterations| (0..iterations).map(|_| look(&server.bus)).sum())
    };
    vec![looking("statistics", statistics), looking("details", details)]
}

pub(super) fn beside_emissions(connections: usize) -> Vec<Contestant> {
    let server = Server::with_connections(connections);
    let emitting = |name: &'static str, look: Option<Look>| {
        let server = Arc::clone(&server);
        Contestant::new(name, move |iterations| beside(&server, iterations, look))
    };
    vec![
        emitting("nobody looks", None),
        emitting("statistics meanwhile", Some(statistics)),
        emitting("details meanwhile", Some(details)),
    ]
}

/// Emissions of one signal, while another thread takes look after look.
fn beside(server: &Server, iterations: u64, look: Option<Look>) -> Duration {
    let event = Sums::leaked().event();
    let emit = || {
        timed(iterations, || {
            server.signals[0].emit(black_box(&event));
        })
    };
    let Some(look) = look else { return emit() };
    let stop = AtomicBool::new(false);
    let started = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            started.wait();
            while !stop.load(Ordering::Relaxed) {
                look(&server.bus);
            }
        });
        started.wait();
        let time = emit();
        stop.store(true, Ordering::Relaxed);
        time
    })
}
