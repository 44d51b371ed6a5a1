//! What is sent in these models, and what a receiver has got of it.

use loom_tests::Note;
use pulsebus::Overflow;
use pulsebus::model::delivery::{Found, Post, Postbox, mail};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// An event, whose content loom watches: reading what was not written before it, or was written over, fails the model. Counts how many
/// of its kind there are.
pub struct Letter {
    pub number: u32,
    content: Note,
    alive: Arc<AtomicU32>,
}

/// How many letters of each sender there are. Plain counters, which order nothing.
pub struct Alive(Vec<Arc<AtomicU32>>);

/// The number of a letter that cannot be copied.
pub const TORN: u32 = 99;

impl Letter {
    pub fn all(numbers: impl IntoIterator<Item = u32>) -> (Vec<Self>, Alive) {
        let alive = Arc::default();
        (numbers.into_iter().map(|number| Self::new(number, &alive)).collect(), Alive(vec![alive]))
    }

    /// Those of one sender, those of another one, and how many there are of each.
    pub fn of_two(
        ones: impl IntoIterator<Item = u32>,
        tens: impl IntoIterator<Item = u32>,
    ) -> (Vec<Self>, Vec<Self>, Alive) {
        let ((ones, mut alive), (tens, Alive(too))) = (Self::all(ones), Self::all(tens));
        alive.0.extend(too);
        (ones, tens, alive)
    }

    fn new(number: u32, alive: &Arc<AtomicU32>) -> Self {
        alive.fetch_add(1, Relaxed);
        let content = Note::default();
        content.write(number);
        Self { number, content, alive: alive.clone() }
    }

    fn open(self) -> u32 {
        assert_eq!(self.content.read(), self.number, "half a letter");
        self.number
    }
}

impl Clone for Letter {
    fn clone(&self) -> Self {
        if self.number == TORN {
            resume_unwind(Box::new(TORN));
        }
        Self::new(self.number, &self.alive)
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        self.content.write(u32::MAX);
        assert!(self.alive.fetch_sub(1, Relaxed) > 0, "dropped twice");
    }
}

impl Alive {
    #[track_caller]
    pub fn assert_none(&self) {
        assert!(self.0.iter().all(|count| count.load(Relaxed) == 0), "every letter is dropped");
    }
}

/// What several send to.
pub type SharedPost = Arc<Post<Letter>>;

/// A mailbox to which two send: its post, which is to be dropped after all, the same for each of them, and what receives.
pub fn mail_of_two(capacity: usize, overflow: Overflow) -> (SharedPost, [SharedPost; 2], Postbox<Letter>) {
    let (post, inbox) = mail(capacity, overflow);
    let post = Arc::new(post);
    let senders = [post.clone(), post.clone()];
    (post, senders, inbox)
}

/// Sends one letter after the other.
pub fn send_each(post: &Post<Letter>, letters: &[Letter]) {
    letters.iter().for_each(|letter| assert!(post.send(slice::from_ref(letter))));
}

/// Sends letters of which one is torn, as a batch: if there is room, it is claimed before that is found out.
pub fn send_torn(post: &Post<Letter>, letters: &[Letter]) {
    match catch_unwind(AssertUnwindSafe(|| post.send(letters))) {
        // Loom's finding.
        Err(panic) if !panic.is::<u32>() => resume_unwind(panic),
        _ => {}
    }
}

/// What a receiver has got: letters in order, and how many it knows to be lost.
#[derive(Default)]
pub struct Got {
    pub letters: Vec<u32>,
    pub lost: u64,
}

/// A receiver that looks so often.
pub fn look(mut inbox: Postbox<Letter>, times: u32) -> (Got, Postbox<Letter>) {
    let mut got = Got::default();
    (0..times).for_each(|_| _ = got.look(&mut inbox));
    (got, inbox)
}

/// A receiver that waits so often.
pub fn wait(mut inbox: Postbox<Letter>, times: u32) -> (Got, Postbox<Letter>) {
    let mut got = Got::default();
    (0..times).for_each(|_| got.take(inbox.recv()));
    (got, inbox)
}

impl Got {
    /// Looks once; whether there was something.
    pub fn look(&mut self, inbox: &mut Postbox<Letter>) -> bool {
        let found = inbox.try_recv();
        let is_something = !matches!(found, Found::Empty | Found::Closed);
        self.take(found);
        is_something
    }

    pub fn take(&mut self, found: Found<Letter>) {
        match found {
            Found::Event(letter) => {
                let number = letter.open();
                // Letters of one sender are numbered by ones, those of another one from 10 on.
                let before = self.letters.iter().filter(|other| *other / 10 == number / 10).max();
                assert!(before.is_none_or(|before| *before < number), "{number} after {:?}", self.letters);
                self.letters.push(number);
                assert!(
                    u64::from(number % 10) < self.of(number / 10) + self.lost,
                    "a loss was not told before {number}"
                );
            }
            Found::Lagged(count) => {
                assert!(count > 0);
                self.lost += count;
            }
            Found::Empty | Found::Closed => {}
        }
    }

    pub fn of(&self, sender: u32) -> u64 {
        self.letters.iter().filter(|number| *number / 10 == sender).count() as u64
    }

    pub fn rest(&mut self, inbox: &mut Postbox<Letter>) {
        while self.look(inbox) {}
    }

    /// After all: every letter was received or is known to be lost.
    pub fn end(mut self, mut inbox: Postbox<Letter>, sent: u64) -> Self {
        self.rest(&mut inbox);
        assert_eq!(self.letters.len() as u64 + self.lost, sent, "{:?} received, {} lost", self.letters, self.lost);
        assert_eq!(inbox.counts(), (sent, self.letters.len() as u64, self.lost, 0));
        self
    }

    /// These letters were received, and none was lost.
    #[track_caller]
    pub fn assert_all(&self, letters: &[u32]) {
        assert_eq!((self.letters.as_slice(), self.lost), (letters, 0));
    }
}
