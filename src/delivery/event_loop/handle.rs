//! What other threads have of a loop.

use super::queue::{Entry, LoopFigures, LoopTask, Shared};
use std::fmt;
use std::sync::{Mutex, PoisonError, Weak};

/// A loop, for all threads: posts tasks to it, and stops it; from [`EventLoop::handle`](super::EventLoop::handle). Does
/// not keep it.
#[derive(Clone)]
pub struct LoopHandle {
    pub(super) shared: Weak<Shared>,
}

impl LoopHandle {
    /// Queues a task, to be run by the owner, on its thread, in order with all else that is queued. It is handed the
    /// loop, so that it can connect to it.
    ///
    /// Lock-free. If the task panics, that is counted ([`LoopFigures::task_panics`]), and hurts nobody else.
    ///
    /// # Errors
    /// The task is handed back if the loop is gone, or [bounded](super::EventLoop::bounded) and full.
    ///
    /// ```
    /// use pulsebus::EventLoop;
    ///
    /// let event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// std::thread::spawn(move || {
    ///     let loaded = 42; // takes its time
    ///     handle.post(move |_| println!("loaded {loaded}"))
    /// }).join().unwrap()?;
    /// assert_eq!(event_loop.run_pending(16).calls, 1); // prints here
    /// # Ok::<(), pulsebus::PostError>(())
    /// ```
    pub fn post(&self, task: impl FnOnce(&super::EventLoop) + Send + 'static) -> Result<(), PostError> {
        let task: LoopTask = Box::new(task);
        let Some(shared) = self.shared.upgrade() else { return Err(PostError::Closed(Returned::new(task))) };
        match shared.push(Entry::Task(task)) {
            Err(Entry::Task(task)) => Err(PostError::Full(Returned::new(task))),
            // What is given back is what was pushed.
            Ok(()) | Err(Entry::Call { .. } | Entry::Spilled(_)) => Ok(()),
        }
    }

    /// Queues a slot's call, which says whether it was made; `false` if there is no room or no loop: then it is dropped.
    pub(crate) fn spill(&self, call: impl FnOnce() -> bool + Send + 'static) -> bool {
        let shared = self.shared.upgrade();
        shared.is_some_and(|shared| shared.push(Entry::Spilled(Box::new(call))).is_ok())
    }

    /// Has [`run`](super::EventLoop::run) return, before its next call; if it is not running, as soon as it is called.
    /// One stop ends one `run`; several before it has ended count as one. What is queued stays.
    pub fn stop(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.stop();
        }
    }

    /// Has the loop been dropped? (One that has not may be, by the time this returns.)
    pub fn is_closed(&self) -> bool {
        self.shared.strong_count() == 0
    }

    /// What it has done; `None` if it is gone.
    pub fn figures(&self) -> Option<LoopFigures> {
        Some(self.shared.upgrade()?.figures())
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").field("figures", &self.figures()).finish()
    }
}

/// Why a task was not queued. It is handed back.
#[non_exhaustive]
pub enum PostError {
    /// The loop has been dropped: nobody would run it.
    Closed(Returned),
    /// The loop is bounded, and as much waits as there is room for: try again when it has run some.
    Full(Returned),
}

/// A task that was not queued: [to be taken](PostError::into_task). (A task need not be `Sync`, but errors are to be.)
pub struct Returned(Mutex<LoopTask>);

impl Returned {
    fn new(task: LoopTask) -> Self {
        Self(Mutex::new(task))
    }
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Returned(..)")
    }
}

impl PostError {
    /// The task.
    pub fn into_task(self) -> LoopTask {
        match self {
            // Nobody ever locks it.
            Self::Closed(task) | Self::Full(task) => task.0.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl fmt::Debug for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
        })
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "the event loop has been dropped, and runs no task any more",
            Self::Full(_) => "the event loop has no room for another task: post it again when some have run",
        })
    }
}

impl std::error::Error for PostError {}
