//! The library's state, and one that is a `Vec` of slots and a number of versions: for one thread, slow and obviously
//! right.

use pulsebus::{Connection, State};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

/// A slot as both have it.
pub type Slot = Box<dyn Fn(u32) + Send + Sync>;

/// What a program needs of a state.
pub trait Subject: Send + Sync {
    fn set(&self, value: u32);
    fn set_if_changed(&self, value: u32) -> bool;
    fn update(&self, add: u32) -> Option<u32>;
    fn get(&self) -> Option<u32>;
    /// Connections are told by the order of their making.
    fn connect(&self, number: usize, slot: Slot);
    fn disconnect(&self, number: usize) -> bool;
    fn disconnect_all(&self) -> usize;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
}

/// The library's.
#[derive(Default)]
pub struct Library {
    state: State<u32>,
    connections: Mutex<Vec<Option<Connection>>>,
}

impl Subject for Library {
    fn set(&self, value: u32) {
        self.state.set(value);
    }

    fn set_if_changed(&self, value: u32) -> bool {
        self.state.set_if_changed(value)
    }

    fn update(&self, add: u32) -> Option<u32> {
        self.state.update(|value| value + add).map(|value| *value)
    }

    fn get(&self) -> Option<u32> {
        self.state.get().map(|value| *value)
    }

    fn connect(&self, number: usize, slot: Slot) {
        {
            let mut connections = self.connections.lock().expect("nothing panics under it");
            assert_eq!(connections.len(), number);
            connections.push(None);
        }
        let connection = self.state.connect(move |&value| slot(value));
        self.connections.lock().expect("nothing panics under it")[number] = Some(connection);
    }

    fn disconnect(&self, number: usize) -> bool {
        let connection = self.connections.lock().expect("nothing panics under it").get(number).copied().flatten();
        connection.is_some_and(|connection| connection.disconnect())
    }

    fn disconnect_all(&self) -> usize {
        self.state.disconnect_all()
    }

    fn len(&self) -> usize {
        self.state.len()
    }

    fn is_empty(&self) -> bool {
        self.state.is_empty()
    }
}

/// The plain one.
#[derive(Default)]
pub struct Oracle(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    version: u64,
    value: Option<u32>,
    slots: Vec<Record>,
}

struct Record {
    slot: Arc<Slot>,
    live: bool,
    /// `connect` has returned, so that its handle is known.
    known: bool,
    seen: u64,
    inside: bool,
    missed: bool,
}

impl Oracle {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("slots do not run under it")
    }

    /// Offers the newest value to the slots there are, or to one; and again, if one has missed a newer one.
    fn deliver(&self, only: Option<usize>) {
        loop {
            let (version, value, end) = {
                let inside = self.lock();
                let Some(value) = inside.value else { return };
                (inside.version, value, inside.slots.len())
            };
            let mut again = false;
            for number in only.map_or(0..end, |number| number..number + 1) {
                again |= self.call(number, version, value);
            }
            if !again {
                return;
            }
        }
    }

    fn call(&self, number: usize, version: u64, value: u32) -> bool {
        let slot = {
            let record = &mut self.lock().slots[number];
            if !record.live || record.seen >= version {
                return false;
            }
            if record.inside {
                record.missed = true;
                return false;
            }
            (record.seen, record.inside) = (version, true);
            Arc::clone(&record.slot)
        };
        let _ = catch_unwind(AssertUnwindSafe(|| slot(value)));
        let record = &mut self.lock().slots[number];
        record.inside = false;
        std::mem::take(&mut record.missed)
    }
}

impl Subject for Oracle {
    fn set(&self, value: u32) {
        {
            let mut inside = self.lock();
            inside.version += 1;
            inside.value = Some(value);
        }
        self.deliver(None);
    }

    fn set_if_changed(&self, value: u32) -> bool {
        let changed = self.get() != Some(value);
        if changed {
            self.set(value);
        }
        changed
    }

    fn update(&self, add: u32) -> Option<u32> {
        let updated = self.get()? + add;
        self.set(updated);
        Some(updated)
    }

    fn get(&self) -> Option<u32> {
        self.lock().value
    }

    fn connect(&self, number: usize, slot: Slot) {
        {
            let slots = &mut self.lock().slots;
            assert_eq!(slots.len(), number);
            let slot = Arc::new(slot);
            slots.push(Record { slot, live: true, known: false, seen: 0, inside: false, missed: false });
        }
        self.deliver(Some(number));
        self.lock().slots[number].known = true;
    }

    fn disconnect(&self, number: usize) -> bool {
        self.lock().slots.get_mut(number).filter(|record| record.known).is_some_and(|record| {
            let won = record.live;
            record.live = false;
            won
        })
    }

    fn disconnect_all(&self) -> usize {
        let mut inside = self.lock();
        let live = inside.slots.iter_mut().filter(|record| record.live);
        live.map(|record| record.live = false).count()
    }

    fn len(&self) -> usize {
        self.lock().slots.iter().filter(|record| record.live).count()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
