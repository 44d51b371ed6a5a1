//! The count of a named topic's handles: a look-up in an old table, against the collection.

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom_tests::pair;
use pulsebus::model::Handles;
use std::sync::Arc;

/// A topic: its handles, and whether something is connected to it. (Relaxed: what it is ordered by are the handles.)
struct Topic {
    handles: Handles,
    connected: AtomicBool,
}

impl Topic {
    /// With one handle.
    fn new() -> Arc<Self> {
        Arc::new(Self { handles: Handles::one(), connected: AtomicBool::new(false) })
    }

    fn is_idle(&self) -> bool {
        !self.connected.load(Relaxed)
    }
}

/// The topics' table, of one name, under its lock.
type Table = Arc<Mutex<Option<Arc<Topic>>>>;

fn table(topic: &Arc<Topic>) -> Table {
    Arc::new(Mutex::new(Some(topic.clone())))
}

/// A handle to the topic of that name, by a table that was read before; made, if there is none.
fn look_up(table: &Table, seen: &Arc<Topic>) -> Arc<Topic> {
    if seen.handles.acquire() {
        return seen.clone();
    }
    let mut table = table.lock().expect("nobody panics");
    match &*table {
        Some(topic) => {
            assert!(!topic.handles.is_closed(), "under the lock, what is in the table is open");
            topic.handles.add();
            topic.clone()
        }
        None => table.insert(Topic::new()).clone(),
    }
}

/// Takes the topic out if nobody holds it and nothing is connected; whether it did.
fn collect(table: &Table) -> bool {
    let mut table = table.lock().expect("nobody panics");
    let Some(topic) = table.clone() else { return false };
    if !topic.is_idle() || !topic.handles.try_close() {
        return false;
    }
    if topic.is_idle() {
        *table = None;
        return true;
    }
    topic.handles.reopen();
    false
}

/// Whoever connects by a name is connected to the topic that all others find by it.
#[test]
fn what_is_connected_by_name_is_found_by_name() {
    pair("look-up, connect vs collect", &["kept", "made anew"], |run| {
        let topic = Topic::new();
        topic.handles.release();
        let table = table(&topic);
        let (here, seen) = (table.clone(), topic);
        let (mine, collected) = run.race(
            move || {
                let mine = look_up(&here, &seen);
                mine.connected.store(true, Relaxed);
                // The handle goes, what is connected stays.
                mine.handles.release();
                mine
            },
            {
                let table = table.clone();
                move || collect(&table)
            },
        );
        let found = table.lock().expect("nobody panics").clone();
        assert!(found.is_some_and(|found| Arc::ptr_eq(&found, &mine)), "connected to what nobody finds");
        assert!(!collect(&table), "something is connected");
        run.note_if(collected, "made anew", "kept");
    });
}

/// A collection that looks closer and opens again leaves every handle counted, also of those who came meanwhile.
#[test]
fn a_topic_that_is_opened_again_counts_its_handles() {
    pair("look-up vs close and reopen", &["closed meanwhile", "in use"], |run| {
        let topic = Topic::new();
        topic.handles.release();
        let table = table(&topic);
        let (here, seen) = (table.clone(), topic.clone());
        let (mine, closed) = run.race(move || look_up(&here, &seen), {
            let (table, topic) = (table.clone(), topic.clone());
            move || {
                let _table = table.lock().expect("nobody panics");
                let closed = topic.handles.try_close();
                if closed {
                    topic.handles.reopen();
                }
                closed
            }
        });
        assert!(Arc::ptr_eq(&mine, &topic), "it was never taken out");
        assert!(!topic.handles.try_close(), "there is a handle");
        mine.handles.release();
        assert!(topic.handles.try_close(), "there is none any more");
        run.note_if(closed, "closed meanwhile", "in use");
    });
}
