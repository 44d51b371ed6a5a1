//! Random programs over one pool, on several threads at once. No model can tell the order there; what is checked must hold
//! under any:
//!
//! - no object ever has two owners, and whoever gets one gets it as new;
//! - there are never more than may be, unless `get` or a detach asked for it; and never more users than objects;
//! - a key finds its own object, or nothing;
//! - at the end nothing is out, what is idle is what there is, each get was counted, and each object is dropped once.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use pulsebus::{Key, Pool, PoolError, Pooled};
use pulsebus_proptests::config::config;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

const POOL_THREADED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/pool_threaded.txt");

#[derive(Debug, Clone)]
enum Action {
    /// Beyond the limit, if it must be.
    Get,
    TryGet(u8),
    Wait,
    GetMany(u8),
    /// Drops guards of one's own.
    Drop(u16, u8),
    /// Gives a guard to whoever wants it.
    Give(u16),
    /// Takes one that was given away, and drops it.
    DropGiven,
    Detach(u16),
    Insert(u8),
    Keep(u16),
    With(u16),
    Remove(u16),
    Release(u16),
    ReturnAll,
    ForEach,
    Retain(u64),
    Shrink,
    Warm(u8),
    Maintain,
    Look,
    /// The next reset panics.
    Trouble,
    Yield,
}

fn action(may_exceed: bool) -> BoxedStrategy<Action> {
    let many = || prop_oneof![4 => 1..4_u8, 1 => 20..90_u8];
    let exceeding = if may_exceed { 6 } else { 0 };
    let guards = prop_oneof![
        exceeding => Just(Action::Get),
        exceeding / 3 => many().prop_map(Action::GetMany),
        8 => many().prop_map(Action::TryGet),
        1 => Just(Action::Wait),
        8 => (any::<u16>(), many()).prop_map(|(pick, count)| Action::Drop(pick, count)),
        3 => any::<u16>().prop_map(Action::Give),
        3 => Just(Action::DropGiven),
        1 => any::<u16>().prop_map(Action::Detach),
    ]
    .boxed();
    let keys = prop_oneof![
        exceeding => many().prop_map(Action::Insert),
        4 => any::<u16>().prop_map(Action::Keep),
        6 => any::<u16>().prop_map(Action::With),
        2 => any::<u16>().prop_map(Action::Remove),
        2 => any::<u16>().prop_map(Action::Release),
        1 => Just(Action::ReturnAll),
        1 => Just(Action::ForEach),
        1 => (1..8_u64).prop_map(Action::Retain),
    ]
    .boxed();
    let others = prop_oneof![
        2 => Just(Action::Shrink),
        2 => (0..60_u8).prop_map(Action::Warm),
        2 => Just(Action::Maintain),
        1 => Just(Action::Look),
        1 => Just(Action::Trouble),
        2 => Just(Action::Yield),
    ]
    .boxed();
    prop_oneof![6 => guards, 5 => keys, 2 => others].boxed()
}

#[derive(Debug, Clone)]
struct Program {
    max: usize,
    may_exceed: bool,
    threads: Vec<Vec<Action>>,
}

fn program() -> BoxedStrategy<Program> {
    (select(&[1, 2, 5, 40, 100, usize::MAX][..]), any::<bool>())
        .prop_flat_map(|(max, may_exceed)| {
            vec(vec(action(may_exceed), 1..60), 2..4).prop_map(move |threads| Program { max, may_exceed, threads })
        })
        .boxed()
}

/// What all threads share.
struct Shared {
    max: usize,
    may_exceed: bool,
    threads: usize,
    made: AtomicU64,
    dropped: AtomicU64,
    live: AtomicUsize,
    users: AtomicUsize,
    gets: AtomicU64,
    panics: AtomicU64,
    trouble: AtomicBool,
    given: Mutex<Vec<Pooled<Object>>>,
    keys: Mutex<Vec<(Key, u64)>>,
    violations: Mutex<Vec<String>>,
}

struct Object {
    number: u64,
    shared: Arc<Shared>,
    /// It has an owner, or is under a key.
    is_out: AtomicBool,
    is_used: AtomicBool,
    mark: AtomicU32,
    is_detached: bool,
}

impl Shared {
    fn hold(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.violations.lock().expect("nobody panics under it").push(what());
        }
    }

    /// Somebody has got an object.
    fn begin(&self, object: &Object) {
        self.gets.fetch_add(1, SeqCst);
        let users = self.users.fetch_add(1, SeqCst) + 1;
        self.hold(!object.is_out.swap(true, SeqCst), || format!("{} has two owners", object.number));
        self.hold(object.mark.swap(1, SeqCst) == 0, || format!("{} is not as new", object.number));
        self.hold(self.may_exceed || users <= self.max, || format!("{users} users of {} objects", self.max));
    }

    /// It is on its way back.
    fn end(&self, object: &Object) {
        self.hold(object.is_out.swap(false, SeqCst), || format!("{} returns twice", object.number));
        self.hold(!object.is_used.load(SeqCst), || format!("{} returns while it is in use", object.number));
        self.users.fetch_sub(1, SeqCst);
        object.mark.store(0, SeqCst);
    }

    fn use_it(&self, object: &Object) {
        self.hold(object.is_out.load(SeqCst), || format!("{} is used, but nobody's", object.number));
        self.hold(!object.is_used.swap(true, SeqCst), || format!("{} has two users", object.number));
        thread::yield_now();
        object.is_used.store(false, SeqCst);
    }

    fn key(&self, pick: u16) -> Option<(Key, u64)> {
        let keys = self.keys.lock().expect("nobody panics under it");
        (!keys.is_empty()).then(|| keys[usize::from(pick) % keys.len()])
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let Self { shared, number, .. } = self;
        shared.dropped.fetch_add(1, SeqCst);
        if !self.is_detached {
            shared.live.fetch_sub(1, SeqCst);
            shared.hold(!self.is_out.load(SeqCst), || format!("{number} is dropped while it is out"));
        }
    }
}

fn pool_of(shared: &Arc<Shared>) -> Pool<Object> {
    let maker = Arc::clone(shared);
    let make = move || {
        let live = maker.live.fetch_add(1, SeqCst) + 1;
        // Those that are too many are just being dropped: one for each thread at the most.
        let most = maker.max.saturating_add(maker.threads);
        maker.hold(maker.may_exceed || live <= most, || format!("{live} objects, not {}", maker.max));
        Object {
            number: maker.made.fetch_add(1, SeqCst),
            shared: Arc::clone(&maker),
            is_out: AtomicBool::new(false),
            is_used: AtomicBool::new(false),
            mark: AtomicU32::new(0),
            is_detached: false,
        }
    };
    let reset = |object: &mut Object| {
        let shared = Arc::clone(&object.shared);
        shared.end(object);
        if shared.trouble.swap(false, SeqCst) {
            shared.panics.fetch_add(1, SeqCst);
            // Not `panic!`: that would be printed.
            resume_unwind(Box::new("as the program says"));
        }
    };
    Pool::builder(make).reset(reset).max(shared.max).build().expect("nothing contradicts anything")
}

/// What one thread does.
fn run(shared: &Arc<Shared>, pool: &Pool<Object>, actions: &[Action]) {
    let mut guards = Vec::<Pooled<Object>>::new();
    let pick_of = |pick: u16, len: usize| (len > 0).then(|| usize::from(pick) % len.max(1));
    for action in actions {
        match *action {
            Action::Get => {
                let object = pool.get();
                shared.begin(&object);
                guards.push(object);
            }
            Action::TryGet(count) => {
                for _ in 0..count {
                    match pool.try_get() {
                        Ok(object) => {
                            shared.begin(&object);
                            guards.push(object);
                        }
                        Err(error) => {
                            let expected = PoolError::Exhausted { max: shared.max };
                            shared.hold(error == expected, || format!("{error:?}"));
                            break;
                        }
                    }
                }
            }
            Action::Wait => {
                if let Ok(object) = pool.get_or_wait(Duration::from_micros(200)) {
                    shared.begin(&object);
                    guards.push(object);
                }
            }
            Action::GetMany(count) => {
                let objects = pool.get_many(usize::from(count));
                objects.iter().for_each(|object| shared.begin(object));
                guards.extend(objects);
            }
            Action::Drop(pick, count) => {
                if let Some(at) = pick_of(pick, guards.len()) {
                    let end = guards.len().min(at + usize::from(count));
                    guards.drain(at..end);
                }
            }
            Action::Give(pick) => {
                if let Some(at) = pick_of(pick, guards.len()) {
                    shared.given.lock().expect("nobody panics under it").push(guards.swap_remove(at));
                }
            }
            Action::DropGiven => {
                let given = shared.given.lock().expect("nobody panics under it").pop();
                drop(given);
            }
            Action::Detach(pick) => {
                if let Some(at) = pick_of(pick, guards.len()) {
                    let mut object = guards.swap_remove(at);
                    // From here on another one may be made.
                    shared.end(&object);
                    shared.live.fetch_sub(1, SeqCst);
                    object.is_detached = true;
                    drop(Pooled::detach(object));
                }
            }
            Action::Insert(count) => {
                for _ in 0..count {
                    let mut number = 0;
                    let key = pool.insert(|object| {
                        shared.begin(object);
                        number = object.number;
                    });
                    shared.keys.lock().expect("nobody panics under it").push((key, number));
                }
            }
            Action::Keep(pick) => {
                if let Some(at) = pick_of(pick, guards.len()) {
                    let object = guards.swap_remove(at);
                    let number = object.number;
                    let key = Pooled::keep(object);
                    shared.keys.lock().expect("nobody panics under it").push((key, number));
                }
            }
            Action::With(pick) => {
                if let Some((key, number)) = shared.key(pick) {
                    pool.with(key, |object| {
                        shared.hold(object.number == number, || format!("the key of {number} found another"));
                        shared.use_it(object);
                    });
                }
            }
            Action::Remove(pick) => {
                if let Some((key, number)) = shared.key(pick) {
                    let removed = pool.remove(key);
                    let is_it = removed.as_ref().is_none_or(|object| object.number == number);
                    shared.hold(is_it, || format!("the key of {number} removed another"));
                    guards.extend(removed);
                }
            }
            Action::Release(pick) => {
                if let Some((key, _)) = shared.key(pick) {
                    pool.release(key);
                    shared.hold(!pool.contains(key), || "a key that was released finds something".to_owned());
                }
            }
            Action::ReturnAll => drop(std::hint::black_box(pool.return_all())),
            Action::ForEach => pool.for_each(|_, object| shared.use_it(object)),
            Action::Retain(mask) => {
                pool.retain(|_, object| {
                    shared.use_it(object);
                    object.number & mask != 0
                });
            }
            Action::Shrink => drop(std::hint::black_box(pool.shrink_to_fit())),
            Action::Warm(count) => drop(std::hint::black_box(pool.warm(usize::from(count)))),
            Action::Maintain => drop(std::hint::black_box(pool.maintain())),
            Action::Look => {
                let figures = pool.figures();
                shared.hold(figures.kept <= 10_000 && figures.misses <= figures.gets + 1_000, || figures.to_string());
            }
            Action::Trouble => shared.trouble.store(true, SeqCst),
            Action::Yield => thread::yield_now(),
        }
    }
}

fn check(program: &Program) -> Result<(), TestCaseError> {
    let Program { max, may_exceed, ref threads } = *program;
    let shared = Arc::new(Shared {
        max,
        may_exceed,
        threads: threads.len(),
        made: AtomicU64::new(0),
        dropped: AtomicU64::new(0),
        live: AtomicUsize::new(0),
        users: AtomicUsize::new(0),
        gets: AtomicU64::new(0),
        panics: AtomicU64::new(0),
        trouble: AtomicBool::new(false),
        given: Mutex::default(),
        keys: Mutex::default(),
        violations: Mutex::default(),
    });
    let pool = pool_of(&shared);
    let start = Barrier::new(threads.len());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        thread::scope(|scope| {
            let run = |actions| {
                start.wait();
                run(&shared, &pool, actions);
            };
            let threads: Vec<_> = threads.iter().map(|actions| scope.spawn(move || run(actions))).collect();
            // The end of the scope would not wait for what threads do with what they have at hand.
            threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        });
    }));
    prop_assert!(outcome.is_ok(), "a thread has panicked");
    let given = std::mem::take(&mut *shared.given.lock().expect("nobody panics under it"));
    drop(given);
    pool.return_all();
    let figures = pool.figures();
    let live = shared.live.load(SeqCst);
    prop_assert_eq!((figures.outstanding, figures.kept, figures.idle), (0, 0, live), "{}", &figures);
    prop_assert_eq!((figures.gets, figures.panics), (shared.gets.load(SeqCst), shared.panics.load(SeqCst)));
    prop_assert!(live <= max && figures.misses <= shared.made.load(SeqCst), "{}", &figures);
    for (key, number) in shared.keys.lock().expect("nobody panics under it").iter() {
        prop_assert!(!pool.contains(*key), "the key of {} outlived everything", number);
    }
    // All of it can be had once more, with no more than that made.
    if max < 1_000 {
        let again: Vec<_> = (0..max).map(|_| pool.try_get()).collect();
        prop_assert!(again.iter().all(Result::is_ok) && pool.try_get().is_err(), "{}", pool.figures());
        again.iter().flatten().for_each(|object| shared.begin(object));
    }
    drop(pool);
    prop_assert_eq!(shared.live.load(SeqCst), 0);
    prop_assert_eq!(shared.made.load(SeqCst), shared.dropped.load(SeqCst));
    prop_assert_eq!(Arc::strong_count(&shared), 1, "something of the pool is left");
    let violations = shared.violations.lock().expect("nobody panics under it");
    prop_assert!(violations.is_empty(), "{violations:#?}");
    Ok(())
}

proptest! {
    #![proptest_config(config(POOL_THREADED, 4_000))]

    #[test]
    fn no_object_ever_has_two_owners_and_none_is_lost(program in program()) {
        check(&program)?;
    }
}
