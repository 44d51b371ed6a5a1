//! Races that both kinds of queues are put to.

use super::letters::{Got, Letter, look, mail_of_two, send_each};
use loom_tests::Run;
use pulsebus::Overflow;
use pulsebus::model::delivery::mail;

/// One sends, one looks.
pub fn sent_and_received(run: &Run, (capacity, overflow): (usize, Overflow), letters: u32, looks: u32) {
    let (letters, alive) = Letter::all(0..letters);
    let count = letters.len() as u64;
    let (post, inbox) = mail(capacity, overflow);
    let (post, (got, inbox)) = run.race(
        move || {
            assert!(post.send(&letters));
            drop(letters);
            post
        },
        move || look(inbox, looks),
    );
    run.note_if(got.letters.is_empty(), "after", "meanwhile");
    let got = got.end(inbox, count);
    run.note_if(got.lost > 0, "lost", "all");
    drop(post);
    alive.assert_none();
}

/// Two send, and it is received afterwards.
pub fn sent_by_two(run: &Run, (capacity, overflow): (usize, Overflow), each: u32) {
    let (ones, tens, alive) = Letter::of_two(0..each, 10..10 + each);
    let (post, [first, second], inbox) = mail_of_two(capacity, overflow);
    run.race(move || send_each(&first, &ones), move || send_each(&second, &tens));
    let got = Got::default().end(inbox, 2 * u64::from(each));
    assert!(got.letters.len() <= capacity);
    assert!(!got.letters.is_empty(), "the newest stays, or the oldest");
    run.note_if(got.lost > 0, "lost", "all");
    drop(post);
    alive.assert_none();
}

/// Two send, and one looks.
pub fn sent_by_two_and_received(run: &Run, (capacity, overflow): (usize, Overflow), letters: u32) {
    let (ones, tens, alive) = Letter::of_two(0..letters, 10..11);
    let (post, [first, second], inbox) = mail_of_two(capacity, overflow);
    let ((), (), (got, inbox)) = run.race3(
        move || assert!(first.send(&ones)),
        move || assert!(second.send(&tens)),
        move || {
            let (got, inbox) = look(inbox, 1);
            let is_early = got.lost > 0 && overflow == Overflow::DropNewest;
            assert!(!is_early, "a loss was told before what had left it no room");
            (got, inbox)
        },
    );
    run.note_if(got.letters.is_empty(), "after", "meanwhile");
    let got = got.end(inbox, u64::from(letters) + 1);
    run.note_if(got.lost > 0, "lost", "all");
    drop(post);
    alive.assert_none();
}
