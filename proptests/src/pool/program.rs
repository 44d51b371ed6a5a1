//! What a program over pools is.

pub use crate::program::Pick;
use std::time::Duration;

/// On what thread something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The program's own.
    Main,
    /// One of two that are there to the end.
    Worker(u8),
    /// One that is started for it, and has ended afterwards.
    Fresh,
}

/// What can be made to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fuse {
    /// The constructor panics.
    Constructor,
    /// The reset panics.
    Reset,
    /// The destructor panics.
    Destructor,
    /// The reset takes an object of the same pool, and drops it.
    ResetTakes,
}

/// How an object is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// `get`.
    Get,
    /// `try_get`.
    Try,
    /// `get_or_wait`, for no time at all.
    Wait,
}

/// How a pool is described.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Settings {
    pub min: usize,
    pub max: usize,
    pub initial: usize,
    pub leak_after: Option<Duration>,
    /// The constructor panics at the call of that number; 0: never.
    pub fails: u32,
}

/// How an object is used under its key.
#[derive(Debug, Clone)]
pub struct Using {
    /// Which key.
    pub key: Pick,
    /// Of whatever pool it is: ask that one.
    pub stranger: Option<Pick>,
    /// By `with`, which panics if the object is in use; else by `try_with`.
    pub strict: bool,
    /// What is done meanwhile.
    pub script: Vec<Action>,
    /// The user panics at the end.
    pub panics: bool,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Makes a pool. Not in scripts.
    NewPool(Settings),
    /// Clones a handle.
    CloneHandle(Pick),
    /// Drops a handle; with the last one the pool closes. Not in scripts.
    DropHandle(Pick, Place),
    /// Has something go wrong at the call of that number from now on.
    Arm(Pick, Fuse, u32),
    /// Takes an object.
    Get(Pick, How, Place),
    /// Takes so many at once.
    GetMany(Pick, usize, Place),
    /// Drops so many guards, from that one on.
    Drop(Pick, usize, Place),
    /// Drops the guards from the last one on, so many.
    DropLast(usize),
    /// Takes an object out of its guard.
    Detach(Pick),
    /// Forgets a guard.
    Forget(Pick),
    /// Leaves an object to its pool. The second: the user panics.
    Insert(Pick, bool, Place),
    /// Leaves an object to its pool that is out.
    Keep(Pick, Place),
    /// Uses an object under its key.
    With(Using),
    /// Takes an object back.
    Remove(Pick, Place),
    /// Has an object return.
    Release(Pick, Place),
    /// Has all objects under keys return.
    ReturnAll(Pick, Place),
    /// Goes over all objects under keys, and does that at the one of that number.
    ForEach(Pick, usize, Vec<Action>),
    /// The same, keeping those whose number has a bit in common.
    Retain(Pick, u64, usize, Vec<Action>),
    /// Drops idle objects.
    Shrink(Pick, Place),
    /// Makes objects until so many are idle.
    Warm(Pick, usize, Place),
    /// Resizes.
    Maintain(Pick, Place),
    /// Moves the clock.
    Advance(Duration),
    /// Looks for what has been out for so long.
    Leaks(Pick, Duration),
}

/// An action of the program itself.
#[derive(Debug, Clone)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Look at everything afterwards?
    pub look: bool,
}
