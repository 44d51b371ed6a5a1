//! For models under loom: each execution gets a world of its own, and the pieces that signals and topics hide too well to
//! be cornered through them can be had raw.

pub mod delivery;

use crate::entry;
use crate::epoch::{self, Epoch, Link, Ready, Turn};
use crate::list::{Arrival, Depth, Flight};
use crate::objects::{Cell, Depot, Header, Magazine, ROUND, Refusal, Removed, Use, claim_all};
use crate::pool::{self, Immortal, Ticket};
use crate::signal::Signal;
use crate::state::{Core, Store};
use crate::sync::{AtomicPtr, UnsafeCell, immortal};
use crate::world::{new_world, world};
use std::panic::Location;
use std::ptr::{self, NonNull};

/// Runs `f` under loom's exploration with `builder`, each execution with fresh pools and a fresh global domain.
pub fn check(builder: &loom::model::Builder, f: impl Fn() + Send + Sync + 'static) {
    builder.check(move || {
        new_world();
        f();
    });
}

/// Sweeps the marked signals of the global domain, and nothing else. Returns how many live slots it saw, if it looked.
pub fn sweep_by_hints() -> Option<u64> {
    let domain = &world().global;
    let marked = world().lists.all().filter(|list| list.is_of(domain) && list.may_hold_dead());
    marked.filter_map(|list| list.sweep(domain, Depth::Hinted)).map(|swept| swept.live).reduce(|sum, live| sum + live)
}

/// Something that is pooled, and that waits for grace periods.
pub struct Node {
    value: UnsafeCell<u32>,
    link: AtomicPtr<Node>,
    ticket: Ticket,
}

// SAFETY: loom's cell reports accesses that no protocol orders.
unsafe impl Sync for Node {}

// SAFETY: `link` serves nothing else; nodes are made by `immortal` only.
unsafe impl Link for Node {
    fn link(&self) -> &AtomicPtr<Self> {
        &self.link
    }
}

// SAFETY: `ticket` serves nothing else.
unsafe impl Immortal for Node {
    const SLAB: usize = 2;

    fn fresh() -> Self {
        Self { value: UnsafeCell::new(0), link: AtomicPtr::new(ptr::null_mut()), ticket: Ticket::new() }
    }

    fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

impl Node {
    /// Writes: a model fails unless this is ordered with every other access.
    pub fn write(&self, value: u32) {
        // SAFETY: loom's cell panics if it is not ordered.
        self.value.with_mut(|place| unsafe { *place = value });
    }

    /// Reads: a model fails unless this is ordered with every write.
    pub fn read(&self) -> u32 {
        // SAFETY: as in `write`.
        self.value.with(|place| unsafe { *place })
    }
}

/// A pool of nodes.
pub struct Nodes(pool::Pool<Node>);

impl Nodes {
    /// An empty one.
    pub fn new() -> &'static Self {
        &immortal(vec![Self(pool::Pool::new())])[0]
    }

    /// A free node, or a new one.
    pub fn take(&'static self) -> &'static Node {
        self.0.take()
    }

    /// Puts back what nobody uses any more.
    pub fn put(&self, node: &'static Node) {
        self.0.put(node);
    }

    /// All that were ever made.
    pub fn all(&self) -> impl Iterator<Item = &'static Node> {
        self.0.all()
    }
}

/// An epoch, its limbo, and some nodes to send there.
pub struct Grace {
    epoch: Epoch,
    limbo: epoch::Limbo<Node>,
    nodes: Vec<Node>,
}

/// A thread's pin.
pub struct Pin {
    _pin: epoch::Pin,
}

impl Grace {
    /// With so many nodes.
    pub fn new(nodes: usize) -> &'static Self {
        let nodes = (0..nodes).map(|_| Node::fresh()).collect();
        &immortal(vec![Self { epoch: Epoch::new(), limbo: epoch::Limbo::new(), nodes }])[0]
    }

    /// One of the nodes.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// Pins the calling thread.
    #[track_caller]
    pub fn pin(&'static self) -> Pin {
        Pin { _pin: epoch::pin(&self.epoch, Location::caller()) }
    }

    /// Hands over a node that was taken out of sight.
    pub fn retire(&'static self, index: usize) {
        self.limbo.retire(&self.nodes[index]);
    }

    /// One step; the nodes that nobody can be looking at any more.
    pub fn turn(&self) -> impl Iterator<Item = &'static Node> {
        let ready: Option<Ready<Node>> = match self.limbo.turn(&self.epoch) {
            Turn::Ready(ready) => Some(ready),
            Turn::Empty | Turn::Busy | Turn::Blocked => None,
        };
        ready.into_iter().flatten()
    }

    /// Waits for everyone who is pinned.
    pub fn wait(&self) {
        assert!(self.epoch.wait_for_pins(None), "without a deadline it waits for as long as it takes");
    }
}

/// A chunk's way through limbo, without the chunk: what it orders by itself.
pub struct Voyage(Flight);

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In its list.
    Landed,
    /// With another one.
    Again,
    /// Out of its list, for good.
    Free,
}

impl Voyage {
    /// One that has not begun.
    pub fn new() -> &'static Self {
        &immortal(vec![Self(Flight::new())])[0]
    }

    /// Sends slots off, one bit each; whether the caller has to see to their arrival.
    pub fn depart(&self, slots: u32) -> bool {
        self.0.depart(slots, false)
    }

    /// Takes the chunk out of its list for good; whether it is the caller's now.
    pub fn detach(&self) -> bool {
        self.0.detach()
    }

    /// Shows each slot that has arrived to `f`, and ends the flight.
    pub fn arrive(&self, f: impl FnMut(usize)) -> Ended {
        let arrived = self.0.arrived();
        (0..u32::BITS as usize).filter(|slot| arrived & 1 << slot != 0).for_each(f);
        match self.0.arrive() {
            Arrival::Landed => Ended::Landed,
            Arrival::Again => Ended::Again,
            Arrival::Free => Ended::Free,
        }
    }
}

/// The count of a named topic's handles.
pub struct Handles(entry::Handles);

impl Handles {
    /// With one handle.
    pub fn one() -> Self {
        Self(entry::Handles::one())
    }

    /// A handle for who has none; `false` if it is closed.
    pub fn acquire(&self) -> bool {
        self.0.acquire()
    }

    /// A handle for who holds the table's lock.
    pub fn add(&self) {
        self.0.add();
    }

    /// One handle less.
    pub fn release(&self) {
        self.0.release();
    }

    /// Closes it if there is no handle; whether it did.
    pub fn try_close(&self) -> bool {
        self.0.try_close()
    }

    /// Takes the closing back.
    pub fn reopen(&self) {
        self.0.reopen();
    }

    /// Has it been closed?
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// An object of a pool, without the pool.
#[repr(C)]
pub struct Thing {
    header: Header,
    value: UnsafeCell<u32>,
}

// SAFETY: loom's cell reports accesses that no protocol orders; the header is not looked at.
unsafe impl Sync for Thing {}

impl Thing {
    /// A new one.
    pub fn new() -> &'static Self {
        &immortal(vec![Self { header: Header::new(0), value: UnsafeCell::new(0) }])[0]
    }

    /// Writes: a model fails unless this is ordered with every other access.
    pub fn write(&self, value: u32) {
        // SAFETY: loom's cell panics if it is not ordered.
        self.value.with_mut(|place| unsafe { *place = value });
    }

    /// Reads: a model fails unless this is ordered with every write.
    pub fn read(&self) -> u32 {
        // SAFETY: as in `write`.
        self.value.with(|place| unsafe { *place })
    }

    fn node(&'static self) -> NonNull<Header> {
        NonNull::from(self).cast()
    }

    fn of(node: NonNull<Header>) -> &'static Self {
        // SAFETY: only nodes of things are put into what models look at; they are immortal, and begin with their header.
        unsafe { node.cast().as_ref() }
    }
}

/// A thread's magazine, and the depot behind it.
pub struct Shelf {
    magazine: Magazine,
    depot: Depot,
}

impl Shelf {
    /// With these things in the magazine, which has room for one more than a round.
    pub fn new(things: &[&'static Thing]) -> &'static Self {
        let shelf = &immortal(vec![Self { magazine: Magazine::new(ROUND + 1, false), depot: Depot::new() }])[0];
        assert!(things.iter().all(|thing| shelf.push(thing)), "there is room");
        shelf
    }

    /// Takes one from the magazine. For the owner only, as all but the last two.
    pub fn pop(&self) -> Option<&'static Thing> {
        // SAFETY: models have one role own the magazine.
        unsafe { self.magazine.pop() }.map(Thing::of)
    }

    /// Puts one into the magazine.
    pub fn push(&self, thing: &'static Thing) -> bool {
        // SAFETY: as above.
        unsafe { self.magazine.push(thing.node()) }
    }

    /// Fills the magazine with these.
    pub fn fill(&self, things: &[&'static Thing]) -> bool {
        let nodes: Vec<_> = things.iter().map(|thing| thing.node()).collect();
        // SAFETY: as above.
        unsafe { self.magazine.fill(&nodes) }
    }

    /// Moves half of the magazine to the depot; how many.
    pub fn spill(&self) -> usize {
        let mut nodes = [NonNull::dangling(); ROUND];
        // SAFETY: as above.
        let count = unsafe { self.magazine.spill(&mut nodes) };
        self.depot.give(&nodes[..count]);
        count
    }

    /// Moves all of the magazine to the depot; how many. By others than the owner, one at a time.
    pub fn gather(&self) -> usize {
        let mut nodes = Vec::new();
        claim_all(std::iter::once(&self.magazine), |claim| claim.drain(|node| nodes.push(node)));
        self.depot.give(&nodes);
        nodes.len()
    }

    /// Takes a round from the depot.
    pub fn take(&self) -> Vec<&'static Thing> {
        let mut nodes = [NonNull::dangling(); ROUND];
        let count = self.depot.take(&mut nodes);
        nodes[..count].iter().map(|node| Thing::of(*node)).collect()
    }
}

/// What keys stand for.
pub struct Cells(pool::Pool<Cell>);

/// A key, without its pool.
#[derive(Clone, Copy)]
pub struct CellKey {
    cell: &'static Cell,
    generation: u32,
}

impl CellKey {
    /// The key of the cell's next object.
    #[must_use]
    pub fn next(self) -> Self {
        Self { generation: self.generation + 1, ..self }
    }
}

/// What using the object of a key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// It was used, and stays.
    Kept,
    /// It was used, and had to be returned.
    Returned,
    /// There was none.
    Stale,
}

impl Cells {
    /// None yet.
    pub fn new() -> &'static Self {
        &immortal(vec![Self(pool::Pool::new())])[0]
    }

    /// Puts a thing into a cell.
    pub fn insert(&'static self, thing: &'static Thing) -> CellKey {
        let cell = self.0.take();
        CellKey { cell, generation: cell.fill(thing.node()) }
    }

    /// Uses the thing alone, as that thread.
    pub fn with(&'static self, key: CellKey, thread: u32, f: impl FnOnce(&'static Thing)) -> Used {
        let object: Use<'static> = match key.cell.begin(key.generation, thread) {
            Ok(object) => object,
            Err(Refusal::Gone) => return Used::Stale,
            Err(Refusal::Yours) => panic!("models use a key once at a time"),
        };
        f(Thing::of(object.node()));
        match object.end() {
            Some(_) => {
                self.0.put(key.cell);
                Used::Returned
            }
            None => Used::Kept,
        }
    }

    /// Takes a thing back: now, or by who is using it (`Some(None)`); `None` if there is none.
    pub fn remove(&'static self, key: CellKey) -> Option<Option<&'static Thing>> {
        match key.cell.remove(key.generation) {
            Removed::Now(node) => {
                self.0.put(key.cell);
                Some(Some(Thing::of(node)))
            }
            Removed::Later => Some(None),
            Removed::Not => None,
        }
    }
}

/// A state whose value is its version.
pub struct Versions(Core<Newest>);

/// The number of the newest version, under a lock that loom sees.
struct Newest(loom::sync::Mutex<u64>);

impl Store for Newest {
    type Value = u64;

    fn latest(&self) -> Option<(u64, u64)> {
        let newest = *self.0.lock().expect("nothing panics while it is locked");
        (newest > 0).then_some((newest, newest))
    }
}

impl Versions {
    /// With so many set before.
    pub fn new(newest: u64) -> Self {
        Self(Core::new(Signal::new(), Newest(loom::sync::Mutex::new(newest))))
    }

    /// Sets the next one.
    #[track_caller]
    pub fn set(&self) {
        let mut newest = self.0.store.0.lock().expect("nothing panics while it is locked");
        *newest += 1;
        let version = *newest;
        drop(newest);
        self.0.deliver((version, version), None, Location::caller()).resume();
    }

    /// Connects a slot.
    #[track_caller]
    pub fn connect(&self, slot: impl Fn(u64) + Send + Sync + 'static) {
        self.0.connect(move |&version| slot(version));
    }
}
