//! The cleanup of an owner.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pulsebus::{CallStatistics, Connection, Signal};

use super::{Connect, OWNER, bus, connect_described, connect_owned};
use crate::event::{Lane, slot};
use crate::scenario::Contestant;

pub(super) fn contestants(connections: usize) -> Vec<Contestant> {
    let tracked: [(_, _, Connect); 3] = [
        ("cleanup_owner, statistics off", CallStatistics::Off, connect_owned),
        ("cleanup_owner, sampled", CallStatistics::Sampled, connect_owned),
        ("cleanup_owner, sampled; each with a service and two tags", CallStatistics::Sampled, connect_described),
    ];
    let mut contestants = vec![bare(connections)];
    contestants.extend(tracked.map(|(name, statistics, connect)| {
        let (bus, signal) = (bus(statistics), Signal::new());
        let theirs = bus.clone();
        let fill = move || {
            (0..connections).for_each(|_| {
                connect(&bus, &signal);
            });
        };
        cleaning(name, connections, fill, move || theirs.cleanup_owner(OWNER))
    }));
    contestants
}

fn bare(connections: usize) -> Contestant {
    let signal = Signal::new();
    let list: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let theirs = Rc::clone(&list);
    let fill = move || list.borrow_mut().extend((0..connections).map(|_| signal.connect(slot(Lane::next()))));
    let clean = move || theirs.borrow_mut().drain(..).filter(Connection::disconnect).count();
    cleaning("bare: each disconnected", connections, fill, clean)
}

/// Times cleanups, each after a filling that is not timed.
fn cleaning(
    name: &'static str,
    connections: usize,
    mut fill: impl FnMut() + 'static,
    mut clean: impl FnMut() -> usize + 'static,
) -> Contestant {
    Contestant::new(name, move |iterations| {
        let mut time = Duration::ZERO;
        for _ in 0..iterations {
            fill();
            let start = Instant::now();
            let ended = clean();
            time += start.elapsed();
            assert_eq!(ended, connections, "{name}");
            pulsebus::collect();
        }
        time
    })
}
