//! Mailboxes: what senders put in, in both kinds of queues, and how the two ends learn of each other.

use loom_tests::{Note, long_pair, long_trio, pair, solo, trio};
use pulsebus::Overflow;
use pulsebus::model::delivery::{Found, Post, Postbox, mail};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// An event, whose content loom watches: reading what was not written before it, or was written over, fails the model. Counts how many
/// of its kind there are.
struct Letter {
    number: u32,
    content: Note,
    alive: Arc<AtomicU32>,
}

impl Letter {
    fn all(numbers: impl IntoIterator<Item = u32>) -> (Vec<Self>, Arc<AtomicU32>) {
        let alive = Arc::new(AtomicU32::new(0));
        (numbers.into_iter().map(|number| Self::new(number, &alive)).collect(), alive)
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

/// The number of a letter that cannot be copied.
const TORN: u32 = 99;

impl Clone for Letter {
    fn clone(&self) -> Self {
        if self.number == TORN {
            resume_unwind(Box::new(TORN));
        }
        Self::new(self.number, &self.alive)
    }
}

/// Sends letters of which one is torn, as a batch: if there is room, it is claimed before that is found out.
fn send_torn(post: &Post<Letter>, letters: &[Letter]) {
    match catch_unwind(AssertUnwindSafe(|| post.send(letters))) {
        // Loom's finding.
        Err(panic) if !panic.is::<u32>() => resume_unwind(panic),
        _ => {}
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        self.content.write(u32::MAX);
        assert!(self.alive.fetch_sub(1, Relaxed) > 0, "dropped twice");
    }
}

/// What a receiver has got: letters in order, and how many it knows to be lost.
#[derive(Default)]
struct Got {
    letters: Vec<u32>,
    lost: u64,
}

impl Got {
    /// Looks once; whether there was something.
    fn look(&mut self, inbox: &mut Postbox<Letter>) -> bool {
        let found = inbox.try_recv();
        let is_something = !matches!(found, Found::Empty | Found::Closed);
        self.take(found);
        is_something
    }

    fn take(&mut self, found: Found<Letter>) {
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

    fn of(&self, sender: u32) -> u64 {
        self.letters.iter().filter(|number| *number / 10 == sender).count() as u64
    }

    fn rest(&mut self, inbox: &mut Postbox<Letter>) {
        while self.look(inbox) {}
    }

    /// After all: every letter was received or is known to be lost.
    fn end(mut self, mut inbox: Postbox<Letter>, sent: u64) -> Self {
        self.rest(&mut inbox);
        assert_eq!(self.letters.len() as u64 + self.lost, sent, "{:?} received, {} lost", self.letters, self.lost);
        assert_eq!(inbox.counts(), (sent, self.letters.len() as u64, self.lost, 0));
        self
    }
}

/// One sends, one looks.
fn sent_and_received(
    name: &str,
    capacity: usize,
    overflow: Overflow,
    letters: u32,
    looks: u32,
    outcomes: &'static [&'static str],
) {
    pair(name, outcomes, move |run| {
        let (letters, alive) = Letter::all(0..letters);
        let count = letters.len() as u64;
        let (post, mut inbox) = mail(capacity, overflow);
        let (post, (got, inbox)) = run.race(
            move || {
                assert!(post.send(&letters));
                drop(letters);
                post
            },
            move || {
                let mut got = Got::default();
                (0..looks).for_each(|_| _ = got.look(&mut inbox));
                (got, inbox)
            },
        );
        run.note_if(got.letters.is_empty(), "after", "meanwhile");
        let got = got.end(inbox, count);
        run.note_if(got.lost > 0, "lost", "all");
        drop(post);
        assert_eq!(alive.load(Relaxed), 0, "every letter is dropped");
    });
}

#[test]
fn an_event_is_received_whole() {
    sent_and_received("line: send vs receive", 2, Overflow::DropNewest, 2, 2, &["after", "meanwhile", "all"]);
}

#[test]
fn room_is_used_again_after_what_was_there_was_read() {
    let outcomes = &["after", "meanwhile", "lost", "all"];
    sent_and_received("line of one: send vs receive", 1, Overflow::DropNewest, 3, 2, outcomes);
}

/// The receiver is about to be told of a loss while the next event takes it along, and as many are lost behind that.
#[test]
fn a_loss_is_told_where_it_was_though_as_many_are_lost_later() {
    pair("line of one: lose as many again vs receive", &["told", "nothing"], |run| {
        let (letters, alive) = Letter::all(0..4);
        let (post, mut inbox) = mail(1, Overflow::DropNewest);
        assert!(post.send(&letters[..2]));
        let mut got = Got::default();
        let look = |got: &mut Got, inbox: &mut Postbox<Letter>| {
            let found = inbox.try_recv();
            if let Found::Event(letter) = &found {
                let before = got.letters.len() as u64 + got.lost;
                assert_eq!(u64::from(letter.number), before, "told where it was not");
            }
            got.take(found);
        };
        look(&mut got, &mut inbox);
        let (post, (mut got, mut inbox)) = run.race(
            move || {
                assert!(post.send(&letters[2..]));
                drop(letters);
                post
            },
            move || {
                look(&mut got, &mut inbox);
                (got, inbox)
            },
        );
        run.note_if(got.lost > 0, "told", "nothing");
        (0..4).for_each(|_| look(&mut got, &mut inbox));
        got.end(inbox, 4);
        drop(post);
        assert_eq!(alive.load(Relaxed), 0, "every letter is dropped");
    });
}

#[test]
fn the_oldest_is_received_or_makes_room() {
    let outcomes = &["after", "meanwhile", "lost", "all"];
    sent_and_received("window of one: send vs receive", 1, Overflow::DropOldest, 2, 1, outcomes);
}

/// Whoever comes round to a place that is still being read passes it over, and writes there when it was left.
#[test]
fn a_place_that_is_still_being_read_is_passed_over() {
    long_pair("window of one, full: send three vs receive", &["meanwhile", "lost"], |run| {
        let (letters, alive) = Letter::all(0..4);
        let (post, mut inbox) = mail(1, Overflow::DropOldest);
        assert!(post.send(&letters[..1]));
        let (post, (got, inbox)) = run.race(
            move || {
                assert!(post.send(&letters[1..]));
                post
            },
            move || {
                let mut got = Got::default();
                got.look(&mut inbox);
                (got, inbox)
            },
        );
        run.note_if(got.lost == 0, "meanwhile", "lost");
        got.end(inbox, 4);
        drop(post);
        assert_eq!(alive.load(Relaxed), 0, "every letter is dropped");
    });
}

#[test]
fn all_that_is_queued_is_received_or_makes_room() {
    let outcomes = &["after", "meanwhile", "lost", "all"];
    sent_and_received("window of two, latest: send vs receive", 2, Overflow::KeepLatest, 3, 1, outcomes);
}

/// Two send, and it is received afterwards.
fn sent_by_two(name: &str, capacity: usize, overflow: Overflow, each: u32, outcomes: &'static [&'static str]) {
    long_pair(name, outcomes, move |run| {
        let ((ones, alive), (tens, too)) = (Letter::all(0..each), Letter::all(10..10 + each));
        let (post, inbox) = mail(capacity, overflow);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        let send = |post: Arc<Post<Letter>>, letters: Vec<Letter>| {
            move || letters.iter().for_each(|letter| assert!(post.send(std::slice::from_ref(letter))))
        };
        run.race(send(first, ones), send(second, tens));
        let got = Got::default().end(inbox, 2 * u64::from(each));
        assert!(got.letters.len() <= capacity);
        assert!(!got.letters.is_empty(), "the newest stays, or the oldest");
        run.note_if(got.lost > 0, "lost", "all");
        drop(post);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

#[test]
fn two_who_send_do_not_write_to_the_same_place() {
    sent_by_two("line: send vs send", 3, Overflow::DropNewest, 2, &["lost"]);
}

#[test]
fn two_who_make_room_do_not_take_the_same_event() {
    sent_by_two("window of one: send vs send", 1, Overflow::DropOldest, 1, &["lost"]);
}

#[test]
fn two_who_empty_the_queue_leave_the_newest() {
    sent_by_two("window of one, latest: send vs send", 1, Overflow::KeepLatest, 1, &["lost"]);
}

/// Two send, and one looks.
fn sent_by_two_and_received(
    name: &str,
    capacity: usize,
    overflow: Overflow,
    letters: u32,
    outcomes: &'static [&'static str],
) {
    trio(name, outcomes, move |run| {
        let ((ones, alive), (tens, too)) = (Letter::all(0..letters), Letter::all(10..11));
        let (post, mut inbox) = mail(capacity, overflow);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        let ((), (), (got, inbox)) = run.race3(
            move || assert!(first.send(&ones)),
            move || assert!(second.send(&tens)),
            move || {
                let mut got = Got::default();
                got.look(&mut inbox);
                let is_early = got.lost > 0 && overflow == Overflow::DropNewest;
                assert!(!is_early, "a loss was told before what had left it no room");
                (got, inbox)
            },
        );
        run.note_if(got.letters.is_empty(), "after", "meanwhile");
        let got = got.end(inbox, u64::from(letters) + 1);
        run.note_if(got.lost > 0, "lost", "all");
        drop(post);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

#[test]
fn losses_of_two_who_send_are_told_in_time() {
    let outcomes = &["after", "meanwhile", "lost"];
    sent_by_two_and_received("line of one: send vs send vs receive", 1, Overflow::DropNewest, 2, outcomes);
}

/// Who has lost something, and seen it told or noted by somebody, sends on: what it puts in then comes after its loss.
#[test]
fn a_loss_comes_before_what_its_sender_puts_in_next() {
    trio("line of one: send, send vs send torn letters vs receive", &["lost"], |run| {
        let ((letters, alive), (torn, too)) = (Letter::all(0..3), Letter::all([TORN, TORN]));
        let (post, mut inbox) = mail(1, Overflow::DropNewest);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        assert!(post.send(&letters[..1]));
        let ((), (), (mut got, mut inbox)) = run.race3(
            move || letters[1..].iter().for_each(|letter| assert!(first.send(std::slice::from_ref(letter)))),
            move || send_torn(&second, &torn),
            move || {
                let mut got = Got::default();
                got.look(&mut inbox);
                (got, inbox)
            },
        );
        got.rest(&mut inbox);
        assert!(got.letters.len() as u64 + got.lost >= 3, "{:?} received, {} lost", got.letters, got.lost);
        run.note("lost");
        drop((post, inbox));
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// Two find no room, and one of them says so while the other's loss is being told.
#[test]
fn of_two_losses_none_is_forgotten() {
    trio("line of one, full: send vs send vs receive twice", &["after", "meanwhile"], |run| {
        let ((letters, alive), (tens, too)) = (Letter::all(0..2), Letter::all(10..11));
        let (post, mut inbox) = mail(1, Overflow::DropNewest);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        assert!(post.send(&letters[..1]));
        let ((), (), (got, inbox)) = run.race3(
            move || assert!(first.send(&letters[1..])),
            move || assert!(second.send(&tens)),
            move || {
                let mut got = Got::default();
                (0..2).for_each(|_| _ = got.look(&mut inbox));
                (got, inbox)
            },
        );
        run.note_if(got.lost == 0, "after", "meanwhile");
        got.end(inbox, 3);
        drop(post);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// Two make room, and one takes out what is in their way, or has been passed over: with holes that each of the three may have to pass.
#[test]
fn holes_are_no_losses() {
    long_trio("window of one: send vs send vs receive", &["after", "meanwhile", "lost", "all"], |run| {
        let ((ones, alive), (tens, too)) = (Letter::all(0..1), Letter::all(10..11));
        let (post, mut inbox) = mail(1, Overflow::DropOldest);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        let ((), (), (got, inbox)) = run.race3(
            move || assert!(first.send(&ones)),
            move || assert!(second.send(&tens)),
            move || {
                let mut got = Got::default();
                got.look(&mut inbox);
                (got, inbox)
            },
        );
        run.note_if(got.letters.is_empty(), "after", "meanwhile");
        let got = got.end(inbox, 2);
        run.note_if(got.lost > 0, "lost", "all");
        drop(post);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// Two send, and one of them is the receiver.
fn sent_and_received_beside(
    name: &str,
    (capacity, overflow): (usize, Overflow),
    (ones, tens): (u32, u32),
    outcomes: &'static [&'static str],
) {
    long_pair(name, outcomes, move |run| {
        let ((letters, alive), (others, too)) = (Letter::all(0..ones), Letter::all(10..10 + tens));
        let (post, mut inbox) = mail(capacity, overflow);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        let ((got, inbox), ()) = run.race(
            move || {
                let mut got = Got::default();
                for letter in &letters {
                    assert!(first.send(std::slice::from_ref(letter)));
                    got.look(&mut inbox);
                }
                (got, inbox)
            },
            move || others.iter().for_each(|letter| assert!(second.send(std::slice::from_ref(letter)))),
        );
        let got = got.end(inbox, u64::from(ones + tens));
        run.note_if(got.lost > 0, "lost", "all");
        drop(post);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// A hole that somebody else has passed is known to who receives what comes behind it.
#[test]
fn a_hole_that_another_has_passed_is_no_loss() {
    let outcomes = &["lost", "all"];
    sent_and_received_beside("window of one: send, receive vs send", (1, Overflow::DropOldest), (1, 1), outcomes);
}

/// The same where all that is old is taken out.
#[test]
fn a_hole_that_another_has_passed_is_no_loss_where_the_latest_stays() {
    let outcomes = &["lost", "all"];
    sent_and_received_beside(
        "window of one, latest: send, receive vs send",
        (1, Overflow::KeepLatest),
        (1, 1),
        outcomes,
    );
}

/// A batch is claimed as a whole, beside another one.
#[test]
fn batches_are_put_in_whole_and_in_order() {
    pair("line: batch vs batch", &["all"], |run| {
        let ((ones, alive), (tens, too)) = (Letter::all(0..2), Letter::all(10..12));
        let (post, inbox) = mail(4, Overflow::DropNewest);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        run.race(move || assert!(first.send(&ones)), move || assert!(second.send(&tens)));
        let got = Got::default().end(inbox, 4);
        run.note_if(got.letters == [0, 1, 10, 11] || got.letters == [10, 11, 0, 1], "all", "lost");
        drop(post);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0));
    });
}

/// A receiver that sleeps is woken by what is sent, and by the end.
fn received_until_the_end(name: &str, overflow: Overflow) {
    pair(name, &["received"], move |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail::<Letter>(2, overflow);
        let ((), (got, inbox)) = run.race(
            move || {
                assert!(post.send(&letters));
                drop(letters);
                drop(post);
            },
            move || {
                let mut got = Got::default();
                loop {
                    match inbox.recv() {
                        Found::Closed => return (got, inbox),
                        Found::Empty => panic!("it is to wait"),
                        found => got.take(found),
                    }
                }
            },
        );
        assert_eq!(got.letters, [0, 1], "the end comes after what was sent");
        drop(inbox);
        assert_eq!(alive.load(Relaxed), 0);
        run.note("received");
    });
}

#[test]
fn a_sleeping_receiver_gets_all_and_then_the_end() {
    received_until_the_end("line: send, end vs receive until the end", Overflow::DropNewest);
}

/// A sender that waits for room is woken when there is some.
#[test]
fn a_sender_that_waits_for_room_gets_it() {
    pair("line of one, block: send vs receive", &["received"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail(1, Overflow::Block(Duration::MAX));
        let (post, (got, inbox)) = run.race(
            move || {
                letters.iter().for_each(|letter| assert!(post.send(std::slice::from_ref(letter))));
                post
            },
            move || {
                let mut got = Got::default();
                (0..2).for_each(|_| got.take(inbox.recv()));
                (got, inbox)
            },
        );
        let got = got.end(inbox, 2);
        assert_eq!((got.letters.as_slice(), got.lost), ([0, 1].as_slice(), 0));
        drop(post);
        assert_eq!(alive.load(Relaxed), 0);
        run.note("received");
    });
}

/// A sender that waits for room is let go when the receiver goes, and nothing is left behind.
#[test]
fn a_sender_that_waits_for_room_is_let_go_with_the_receiver() {
    pair("line of one, block: send vs the receiver's end", &["gone"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, inbox) = mail(1, Overflow::Block(Duration::MAX));
        let (post, ()) = run.race(
            move || {
                letters.iter().for_each(|letter| assert!(post.send(std::slice::from_ref(letter))));
                post
            },
            move || drop(inbox),
        );
        drop(post);
        assert_eq!(alive.load(Relaxed), 0);
        run.note("gone");
    });
}

/// A mailbox that is to be disconnected when it is full: what is in it comes before the end.
#[test]
fn what_is_queued_comes_before_the_end_by_overflow() {
    pair("line of one, disconnect: send vs receive", &["received", "closed"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail(1, Overflow::Disconnect);
        let ((post, sent), (got, inbox)) = run.race(
            move || {
                let sent = letters.iter().take_while(|letter| post.send(std::slice::from_ref(*letter))).count();
                (post, sent)
            },
            move || {
                let mut got = Got::default();
                (0..3).for_each(|_| match inbox.try_recv() {
                    Found::Closed => assert_eq!(got.letters, [0], "the end comes after what was sent"),
                    found => got.take(found),
                });
                (got, inbox)
            },
        );
        run.note_if(sent == 2, "received", "closed");
        drop((got, inbox, post));
        assert_eq!(alive.load(Relaxed), 0);
    });
}

// --- the end ---------------------------------------------------------------------------------------------------------

/// The connection has ended while somebody still emits: who receives finds the end, and not before it was told of all that came
/// before.
fn ended_beside(
    name: &str,
    (capacity, overflow): (usize, Overflow),
    before: u32,
    late: &'static [u32],
    outcomes: &'static [&'static str],
) {
    pair(name, outcomes, move |run| {
        let ((letters, alive), (late, too)) = (Letter::all(0..before), Letter::all(late.iter().copied()));
        let (post, mut inbox) = mail(capacity, overflow);
        letters.iter().for_each(|letter| assert!(post.send(std::slice::from_ref(letter))));
        drop(letters);
        let (post, closed) = run.race(
            move || {
                if late.iter().any(|letter| letter.number == TORN) {
                    send_torn(&post, &late);
                } else {
                    assert!(post.send(&late));
                }
                post
            },
            move || {
                let mut got = Got::default();
                for _ in 0..=before + 1 {
                    let found = inbox.try_recv_beside(|| true);
                    if matches!(found, Found::Closed) {
                        let known = got.of(0) + got.lost;
                        assert!(known >= u64::from(before), "{:?} received, {} lost", got.letters, got.lost);
                        assert!(matches!(inbox.try_recv_beside(|| true), Found::Closed), "for good");
                        return (true, inbox);
                    }
                    got.take(found);
                }
                (false, inbox)
            },
        );
        run.note_if(closed.0, "closed", "not yet");
        drop(post);
        drop(closed);
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// What was lost is noted at the event of whoever comes next: that one is waited for.
#[test]
fn a_loss_is_told_before_the_end() {
    let outcomes = &["closed", "not yet"];
    ended_beside("line of one, a loss: send vs receive, ended", (1, Overflow::DropNewest), 2, &[10], outcomes);
}

/// The last thing that a sender does is to lose something.
#[test]
fn a_loss_is_told_before_the_end_of_its_sender() {
    pair("line of one, full: send, end vs receive", &["closed", "not yet"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail(1, Overflow::DropNewest);
        assert!(post.send(&letters[..1]));
        let ((), closed) = run.race(
            move || {
                assert!(post.send(&letters[1..]));
                drop((letters, post));
            },
            move || {
                let mut got = Got::default();
                let closed = (0..4).any(|_| {
                    let found = inbox.try_recv();
                    let is_closed = matches!(found, Found::Closed);
                    got.take(found);
                    is_closed
                });
                assert!(!closed || got.of(0) + got.lost == 2, "{:?} received, {} lost", got.letters, got.lost);
                closed
            },
        );
        run.note_if(closed, "closed", "not yet");
        assert_eq!(alive.load(Relaxed), 0, "every letter is dropped");
    });
}

/// The same if nothing comes of that event.
#[test]
fn a_loss_is_told_before_the_end_though_an_event_is_given_up() {
    let outcomes = &["closed", "not yet"];
    let late = &[TORN, TORN];
    ended_beside(
        "line of one, a loss: send torn letters vs receive, ended",
        (1, Overflow::DropNewest),
        2,
        late,
        outcomes,
    );
}

/// What was taken out to make room is told before the end, or with the event for which it was.
#[test]
fn what_made_room_is_told_before_the_end() {
    let outcomes = &["closed", "not yet"];
    ended_beside("window of one: send vs receive, ended", (1, Overflow::DropOldest), 1, &[10], outcomes);
}

// --- what is claimed, and given up -------------------------------------------------------------------------------------

/// A batch of which one cannot be copied gives its room back, or passes it over: nobody waits for what does not come.
#[test]
fn a_batch_that_panics_holds_nobody_up() {
    pair("line: send torn letters vs send", &["before", "behind"], |run| {
        let ((torn, alive), (tens, too)) = (Letter::all([0, TORN]), Letter::all(10..11));
        let (post, mut inbox) = mail(3, Overflow::DropNewest);
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        run.race(move || send_torn(&first, &torn), move || assert!(second.send(&tens)));
        let mut got = Got::default();
        got.rest(&mut inbox);
        assert_eq!((got.letters.len(), got.lost), (2, 0), "{:?}", got.letters);
        run.note_if(got.letters == [0, 10], "before", "behind");
        assert_eq!(inbox.counts(), (2, 2, 0, 0));
        drop((post, inbox));
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// Room that is given back is offered to who waits for some.
#[test]
fn a_sender_that_waits_gets_the_room_that_a_panic_gives_back() {
    pair("line, block: send torn letters vs send", &["sent"], |run| {
        let ((torn, alive), (tens, too)) = (Letter::all([TORN, TORN]), Letter::all(10..11));
        let (post, mut inbox) = mail(2, Overflow::Block(Duration::MAX));
        let post = Arc::new(post);
        let (first, second) = (post.clone(), post.clone());
        run.race(move || send_torn(&first, &torn), move || assert!(second.send(&tens)));
        let mut got = Got::default();
        got.rest(&mut inbox);
        assert_eq!((got.letters.as_slice(), got.lost), ([10].as_slice(), 0));
        run.note("sent");
        drop((post, inbox));
        assert_eq!((alive.load(Relaxed), too.load(Relaxed)), (0, 0), "every letter is dropped");
    });
}

/// A batch that finds no room for its rest wakes who sleeps for its first part, before it waits.
#[test]
fn a_batch_that_waits_for_room_wakes_the_receiver_first() {
    pair("line of one, block: send a batch vs receive", &["received"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail(1, Overflow::Block(Duration::MAX));
        let (post, got) = run.race(
            move || {
                assert!(post.send(&letters));
                post
            },
            move || {
                let mut got = Got::default();
                (0..2).for_each(|_| got.take(inbox.recv()));
                got
            },
        );
        assert_eq!((got.letters.as_slice(), got.lost), ([0, 1].as_slice(), 0));
        drop(post);
        assert_eq!(alive.load(Relaxed), 0);
        run.note("received");
    });
}

/// A receiver that sleeps is woken by what makes its own room.
#[test]
fn a_sleeping_receiver_of_the_newest_is_woken() {
    pair("window of one: send vs receive, waiting", &["received"], |run| {
        let (letters, alive) = Letter::all(0..1);
        let (post, mut inbox) = mail(1, Overflow::DropOldest);
        let (post, got) = run.race(
            move || {
                assert!(post.send(&letters));
                post
            },
            move || {
                let mut got = Got::default();
                got.take(inbox.recv());
                got
            },
        );
        assert_eq!((got.letters.as_slice(), got.lost), ([0].as_slice(), 0));
        drop(post);
        assert_eq!(alive.load(Relaxed), 0);
        run.note("received");
    });
}

/// What is queued is dropped by the receiver that goes, and does not wait for the slot to go.
#[test]
fn what_is_queued_is_dropped_with_the_receiver() {
    solo("line, window: send, drop the receiver", &["dropped"], |run| {
        for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
            let (letters, alive) = Letter::all(0..2);
            let (post, inbox) = mail(2, overflow);
            assert!(post.send(&letters));
            drop((letters, inbox));
            assert_eq!(alive.load(Relaxed), 0, "every letter is dropped");
            drop(post);
        }
        run.note("dropped");
    });
}
