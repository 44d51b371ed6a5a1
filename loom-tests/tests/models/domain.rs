//! Domains: apart from each other, and used again.

use crate::attach;
use loom_tests::{Note, pair};
use pulsebus::{Domain, Signal};
use std::sync::Mutex;
use std::time::Duration;

/// The last handle of a domain collects, whichever it is.
#[test]
fn the_last_handle_of_a_domain_collects() {
    pair("drop of the domain vs drop of its signal", &["dropped"], |run| {
        let domain = Domain::new();
        let bell = Signal::<()>::new_in(&domain);
        let (payload, watch) = run.payload();
        attach(&bell, payload).disconnect();
        domain.collect();
        let (late, _) = run.payload();
        attach(&bell, late).disconnect();
        run.race(move || drop(domain), move || drop(bell));
        assert!(watch.is_dropped());
        // Its memory serves the next one.
        let next = Domain::new();
        let bell = Signal::<()>::new_in(&next);
        let (payload, watch) = run.payload();
        attach(&bell, payload).disconnect();
        assert!(next.collect().complete && watch.is_dropped());
        run.note("dropped");
    });
}

/// What was done before any handle of a domain was dropped comes before what its end drops: its hook at once, closures
/// after a grace period.
#[test]
fn the_end_of_a_domain_comes_after_all_of_its_handles() {
    /// Reads in its destructor.
    struct Reader([Note; 2]);
    impl Drop for Reader {
        fn drop(&mut self) {
            self.0.iter().for_each(|note| assert_eq!(note.read(), 1, "what came before the end of a handle"));
        }
    }

    pair("drop of a handle vs drop of a handle", &["dropped"], |run| {
        let (domain, notes) = (Domain::new(), [Note::default(), Note::default()]);
        let bell = Signal::<()>::new_in(&domain);
        let (reader, hook) = (Reader(notes.clone()), Reader(notes.clone()));
        domain.set_panic_hook(move |_| {
            let _ = &hook;
        });
        let (payload, watch) = run.payload();
        let connection = bell.connect(move |()| {
            let _ = &reader;
            payload.run();
        });
        connection.disconnect();
        // Inside a tick it only sweeps: the closure is in limbo when the signal ends.
        domain.tick(|_| domain.collect());
        drop(bell);
        let other = domain.clone();
        let [one, two] = notes;
        run.race(
            move || {
                one.write(1);
                drop(domain);
            },
            move || {
                two.write(1);
                drop(other);
            },
        );
        assert!(watch.is_dropped());
        run.note("dropped");
    });
}

/// A domain that ends inside an emission cannot run destructors there: what it leaves behind is found by the global
/// collection, also by one that is under way.
#[test]
fn a_domain_ends_inside_an_emission() {
    pair("end of a domain inside an emission vs collect", &["found at once", "found later"], |run| {
        let (bell, domain) = (run.bell(), Domain::new());
        let inner = Signal::<()>::new_in(&domain);
        let (payload, watch) = run.payload();
        attach(&inner, payload).disconnect();
        inner.connect(|()| {});
        pulsebus::Domain::maintain(&domain, Duration::ZERO);
        let ends = Mutex::new(Some((domain, inner)));
        bell.connect(move |()| drop(ends.lock().expect("nobody panics").take()));
        run.race(move || bell.emit(&()), pulsebus::collect);
        run.note_if(watch.is_dropped(), "found at once", "found later");
    });
}
