//! Who waits for an event, or for room, is woken by it.

use super::letters::{Got, Letter, TORN, mail_of_two, send_each, send_torn, wait};
use loom_tests::pair;
use pulsebus::Overflow;
use pulsebus::model::delivery::{Found, mail};
use std::time::Duration;

const BLOCK: Overflow = Overflow::Block(Duration::MAX);

/// A receiver that sleeps is woken by what is sent, and by the end.
#[test]
fn a_sleeping_receiver_gets_all_and_then_the_end() {
    pair("line: send, end vs receive until the end", &["received"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail::<Letter>(2, Overflow::DropNewest);
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
        alive.assert_none();
        run.note("received");
    });
}

/// A receiver that sleeps is woken by what makes its own room.
#[test]
fn a_sleeping_receiver_of_the_newest_is_woken() {
    pair("window of one: send vs receive, waiting", &["received"], |run| {
        let (letters, alive) = Letter::all(0..1);
        let (post, inbox) = mail(1, Overflow::DropOldest);
        let (post, got) = run.race(
            move || {
                assert!(post.send(&letters));
                post
            },
            move || wait(inbox, 1).0,
        );
        got.assert_all(&[0]);
        drop(post);
        alive.assert_none();
        run.note("received");
    });
}

/// A sender that waits for room is woken when there is some.
#[test]
fn a_sender_that_waits_for_room_gets_it() {
    pair("line of one, block: send vs receive", &["received"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, inbox) = mail(1, BLOCK);
        let (post, (got, inbox)) = run.race(
            move || {
                send_each(&post, &letters);
                post
            },
            move || wait(inbox, 2),
        );
        got.end(inbox, 2).assert_all(&[0, 1]);
        drop(post);
        alive.assert_none();
        run.note("received");
    });
}

/// A batch that finds no room for its rest wakes who sleeps for its first part, before it waits.
#[test]
fn a_batch_that_waits_for_room_wakes_the_receiver_first() {
    pair("line of one, block: send a batch vs receive", &["received"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, inbox) = mail(1, BLOCK);
        let (post, got) = run.race(
            move || {
                assert!(post.send(&letters));
                post
            },
            move || wait(inbox, 2).0,
        );
        got.assert_all(&[0, 1]);
        drop(post);
        alive.assert_none();
        run.note("received");
    });
}

/// A sender that waits for room is let go when the receiver goes, and nothing is left behind.
#[test]
fn a_sender_that_waits_for_room_is_let_go_with_the_receiver() {
    pair("line of one, block: send vs the receiver's end", &["gone"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, inbox) = mail(1, BLOCK);
        let (post, ()) = run.race(
            move || {
                send_each(&post, &letters);
                post
            },
            move || drop(inbox),
        );
        drop(post);
        alive.assert_none();
        run.note("gone");
    });
}

/// Room that is given back is offered to who waits for some.
#[test]
fn a_sender_that_waits_gets_the_room_that_a_panic_gives_back() {
    pair("line, block: send torn letters vs send", &["sent"], |run| {
        let (torn, tens, alive) = Letter::of_two([TORN, TORN], 10..11);
        let (post, [first, second], mut inbox) = mail_of_two(2, BLOCK);
        run.race(move || send_torn(&first, &torn), move || assert!(second.send(&tens)));
        let mut got = Got::default();
        got.rest(&mut inbox);
        got.assert_all(&[10]);
        run.note("sent");
        drop((post, inbox));
        alive.assert_none();
    });
}
