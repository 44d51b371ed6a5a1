//! Lines: the oldest events stay, losses are told where they were, and what is claimed is put in or given up.

use super::letters::{Got, Letter, TORN, look, mail_of_two, send_each, send_torn};
use super::races::{sent_and_received, sent_by_two, sent_by_two_and_received};
use loom_tests::{long_pair, pair, trio};
use pulsebus::Overflow;
use pulsebus::model::delivery::{Found, Postbox, mail};

#[test]
fn an_event_is_received_whole() {
    pair("line: send vs receive", &["after", "meanwhile", "all"], |run| {
        sent_and_received(run, (2, Overflow::DropNewest), 2, 2);
    });
}

#[test]
fn room_is_used_again_after_what_was_there_was_read() {
    pair("line of one: send vs receive", &["after", "meanwhile", "lost", "all"], |run| {
        sent_and_received(run, (1, Overflow::DropNewest), 3, 2);
    });
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
        alive.assert_none();
    });
}

#[test]
fn two_who_send_do_not_write_to_the_same_place() {
    long_pair("line: send vs send", &["lost"], |run| sent_by_two(run, (3, Overflow::DropNewest), 2));
}

#[test]
fn losses_of_two_who_send_are_told_in_time() {
    trio("line of one: send vs send vs receive", &["after", "meanwhile", "lost"], |run| {
        sent_by_two_and_received(run, (1, Overflow::DropNewest), 2);
    });
}

/// Who has lost something, and seen it told or noted by somebody, sends on: what it puts in then comes after its loss.
#[test]
fn a_loss_comes_before_what_its_sender_puts_in_next() {
    trio("line of one: send, send vs send torn letters vs receive", &["lost"], |run| {
        let (letters, torn, alive) = Letter::of_two(0..3, [TORN, TORN]);
        let (post, [first, second], inbox) = mail_of_two(1, Overflow::DropNewest);
        assert!(post.send(&letters[..1]));
        let ((), (), (mut got, mut inbox)) = run.race3(
            move || send_each(&first, &letters[1..]),
            move || send_torn(&second, &torn),
            move || look(inbox, 1),
        );
        got.rest(&mut inbox);
        assert!(got.letters.len() as u64 + got.lost >= 3, "{:?} received, {} lost", got.letters, got.lost);
        run.note("lost");
        drop((post, inbox));
        alive.assert_none();
    });
}

/// Two find no room, and one of them says so while the other's loss is being told.
#[test]
fn of_two_losses_none_is_forgotten() {
    trio("line of one, full: send vs send vs receive twice", &["after", "meanwhile"], |run| {
        let (letters, tens, alive) = Letter::of_two(0..2, 10..11);
        let (post, [first, second], inbox) = mail_of_two(1, Overflow::DropNewest);
        assert!(post.send(&letters[..1]));
        let ((), (), (got, inbox)) = run.race3(
            move || assert!(first.send(&letters[1..])),
            move || assert!(second.send(&tens)),
            move || look(inbox, 2),
        );
        run.note_if(got.lost == 0, "after", "meanwhile");
        got.end(inbox, 3);
        drop(post);
        alive.assert_none();
    });
}

/// A batch is claimed as a whole, beside another one.
#[test]
fn batches_are_put_in_whole_and_in_order() {
    pair("line: batch vs batch", &["all"], |run| {
        let (ones, tens, alive) = Letter::of_two(0..2, 10..12);
        let (post, [first, second], inbox) = mail_of_two(4, Overflow::DropNewest);
        run.race(move || assert!(first.send(&ones)), move || assert!(second.send(&tens)));
        let got = Got::default().end(inbox, 4);
        run.note_if(got.letters == [0, 1, 10, 11] || got.letters == [10, 11, 0, 1], "all", "lost");
        drop(post);
        alive.assert_none();
    });
}

/// A batch of which one cannot be copied gives its room back, or passes it over: nobody waits for what does not come.
#[test]
fn a_batch_that_panics_holds_nobody_up() {
    pair("line: send torn letters vs send", &["before", "behind"], |run| {
        let (torn, tens, alive) = Letter::of_two([0, TORN], 10..11);
        let (post, [first, second], mut inbox) = mail_of_two(3, Overflow::DropNewest);
        run.race(move || send_torn(&first, &torn), move || assert!(second.send(&tens)));
        let mut got = Got::default();
        got.rest(&mut inbox);
        assert_eq!((got.letters.len(), got.lost), (2, 0), "{:?}", got.letters);
        run.note_if(got.letters == [0, 10], "before", "behind");
        assert_eq!(inbox.counts(), (2, 2, 0, 0));
        drop((post, inbox));
        alive.assert_none();
    });
}
