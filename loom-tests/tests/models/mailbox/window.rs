//! Windows: the newest events stay, whoever makes room for them, and places that nobody can wait for are passed over.

use super::letters::{Got, Letter, look, mail_of_two, send_each};
use super::races::{sent_and_received, sent_by_two, sent_by_two_and_received};
use loom_tests::{Run, long_pair, long_trio, pair};
use pulsebus::Overflow;
use pulsebus::model::delivery::mail;
use std::slice;

#[test]
fn the_oldest_is_received_or_makes_room() {
    pair("window of one: send vs receive", &["after", "meanwhile", "lost", "all"], |run| {
        sent_and_received(run, (1, Overflow::DropOldest), 2, 1);
    });
}

#[test]
fn all_that_is_queued_is_received_or_makes_room() {
    pair("window of two, latest: send vs receive", &["after", "meanwhile", "lost", "all"], |run| {
        sent_and_received(run, (2, Overflow::KeepLatest), 3, 1);
    });
}

/// Whoever comes round to a place that is still being read passes it over, and writes there when it was left.
#[test]
fn a_place_that_is_still_being_read_is_passed_over() {
    long_pair("window of one, full: send three vs receive", &["meanwhile", "lost"], |run| {
        let (letters, alive) = Letter::all(0..4);
        let (post, inbox) = mail(1, Overflow::DropOldest);
        assert!(post.send(&letters[..1]));
        let (post, (got, inbox)) = run.race(
            move || {
                assert!(post.send(&letters[1..]));
                post
            },
            move || look(inbox, 1),
        );
        run.note_if(got.lost == 0, "meanwhile", "lost");
        got.end(inbox, 4);
        drop(post);
        alive.assert_none();
    });
}

#[test]
fn two_who_make_room_do_not_take_the_same_event() {
    long_pair("window of one: send vs send", &["lost"], |run| sent_by_two(run, (1, Overflow::DropOldest), 1));
}

#[test]
fn two_who_empty_the_queue_leave_the_newest() {
    long_pair("window of one, latest: send vs send", &["lost"], |run| sent_by_two(run, (1, Overflow::KeepLatest), 1));
}

/// Two make room, and one takes out what is in their way, or has been passed over: with holes that each of the three may have to pass.
#[test]
fn holes_are_no_losses() {
    long_trio("window of one: send vs send vs receive", &["after", "meanwhile", "lost", "all"], |run| {
        sent_by_two_and_received(run, (1, Overflow::DropOldest), 1);
    });
}

/// Two send, and one of them is the receiver.
fn sent_and_received_beside(run: &Run, overflow: Overflow) {
    let (ones, tens, alive) = Letter::of_two(0..1, 10..11);
    let (post, [first, second], mut inbox) = mail_of_two(1, overflow);
    let ((got, inbox), ()) = run.race(
        move || {
            let mut got = Got::default();
            for letter in &ones {
                assert!(first.send(slice::from_ref(letter)));
                got.look(&mut inbox);
            }
            (got, inbox)
        },
        move || send_each(&second, &tens),
    );
    let got = got.end(inbox, 2);
    run.note_if(got.lost > 0, "lost", "all");
    drop(post);
    alive.assert_none();
}

/// A hole that somebody else has passed is known to who receives what comes behind it.
#[test]
fn a_hole_that_another_has_passed_is_no_loss() {
    long_pair("window of one: send, receive vs send", &["lost", "all"], |run| {
        sent_and_received_beside(run, Overflow::DropOldest);
    });
}

/// The same where all that is old is taken out.
#[test]
fn a_hole_that_another_has_passed_is_no_loss_where_the_latest_stays() {
    long_pair("window of one, latest: send, receive vs send", &["lost", "all"], |run| {
        sent_and_received_beside(run, Overflow::KeepLatest);
    });
}
