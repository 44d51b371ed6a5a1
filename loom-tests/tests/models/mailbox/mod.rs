//! Mailboxes: what senders put in, in both kinds of queues, and how the two ends learn of each other.

mod end;
mod letters;
mod line;
mod races;
mod waiting;
mod window;
