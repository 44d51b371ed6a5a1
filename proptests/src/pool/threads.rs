//! The threads that a program can do things on. It waits for each thing to be done.

use super::program::Place;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;
type Worker = (Sender<Job>, JoinHandle<()>);

/// Two threads that are started when they are first needed.
#[derive(Debug, Default)]
pub struct Threads {
    workers: RefCell<[Option<Worker>; 2]>,
}

impl Threads {
    /// Runs `f` there; what it returns, or what it panics with.
    pub fn run<R: Send + 'static>(&self, place: Place, f: impl FnOnce() -> R + Send + 'static) -> thread::Result<R> {
        let f = AssertUnwindSafe(f);
        match place {
            Place::Main => catch_unwind(f),
            Place::Fresh => thread::spawn(f).join(),
            Place::Worker(number) => {
                let (sender, receiver) = channel();
                let job = move || {
                    // `f` and what it captured are gone before the answer is there.
                    let result = catch_unwind(f);
                    let _ = sender.send(result);
                };
                let mut workers = self.workers.borrow_mut();
                let (jobs, _) = workers[usize::from(number) % 2].get_or_insert_with(start);
                jobs.send(Box::new(job)).expect("it ends with the sender");
                receiver.recv().expect("it answers")
            }
        }
    }
}

fn start() -> Worker {
    let (sender, receiver): (_, Receiver<Job>) = channel();
    (sender, thread::spawn(move || receiver.into_iter().for_each(|job| job())))
}

impl Drop for Threads {
    fn drop(&mut self) {
        for (sender, thread) in self.workers.take().into_iter().flatten() {
            drop(sender);
            let _ = thread.join();
        }
    }
}
