//! The broadcast ring: what each of its two kinds promises.

mod after;
mod capacity;
mod end;
mod in_place;
mod lag;
mod layout;
mod room;
mod shared;
mod skipped;
mod subscribe;
