//! The end: it comes behind what is queued and what was lost, and nothing is left behind it.

use super::letters::{Got, Letter, TORN, send_each, send_torn};
use loom_tests::{Run, pair, solo};
use pulsebus::Overflow;
use pulsebus::model::delivery::{Found, mail};
use std::slice;

/// A mailbox that is to be disconnected when it is full: what is in it comes before the end.
#[test]
fn what_is_queued_comes_before_the_end_by_overflow() {
    pair("line of one, disconnect: send vs receive", &["received", "closed"], |run| {
        let (letters, alive) = Letter::all(0..2);
        let (post, mut inbox) = mail(1, Overflow::Disconnect);
        let ((post, sent), (got, inbox)) = run.race(
            move || {
                let sent = letters.iter().take_while(|letter| post.send(slice::from_ref(*letter))).count();
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
        alive.assert_none();
    });
}

/// The connection has ended while somebody still emits: who receives finds the end, and not before it was told of all that came
/// before.
fn ended_beside(run: &Run, overflow: Overflow, before: u32, late: &[u32]) {
    let (letters, late, alive) = Letter::of_two(0..before, late.iter().copied());
    let (post, mut inbox) = mail(1, overflow);
    send_each(&post, &letters);
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
    alive.assert_none();
}

/// What was lost is noted at the event of whoever comes next: that one is waited for.
#[test]
fn a_loss_is_told_before_the_end() {
    pair("line of one, a loss: send vs receive, ended", &["closed", "not yet"], |run| {
        ended_beside(run, Overflow::DropNewest, 2, &[10]);
    });
}

/// The same if nothing comes of that event.
#[test]
fn a_loss_is_told_before_the_end_though_an_event_is_given_up() {
    pair("line of one, a loss: send torn letters vs receive, ended", &["closed", "not yet"], |run| {
        ended_beside(run, Overflow::DropNewest, 2, &[TORN, TORN]);
    });
}

/// What was taken out to make room is told before the end, or with the event for which it was.
#[test]
fn what_made_room_is_told_before_the_end() {
    pair("window of one: send vs receive, ended", &["closed", "not yet"], |run| {
        ended_beside(run, Overflow::DropOldest, 1, &[10]);
    });
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
        alive.assert_none();
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
            alive.assert_none();
            drop(post);
        }
        run.note("dropped");
    });
}
