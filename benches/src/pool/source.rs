//! What offers objects to be measured, and what the objects are.

use std::hint::black_box;

use sharded_slab::Clear;

/// What a thread writes into an object that it has taken.
const MARK: u64 = 0x5eed;

/// Something that objects are taken from, and go back to.
///
/// Nobody resets an object: how that is done is the user's, and costs everyone the same. Who takes one writes its first word, so
/// that there is an object to be had.
pub trait Source: Send + Sync + Sized + 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// What stands for one that is out.
    type Object<'a>: Send
    where
        Self: 'a;

    /// One without objects, with room for [`ROOM`].
    fn new() -> Self;

    /// Takes an object, and writes into it.
    fn get(&self) -> Self::Object<'_>;

    /// Reads what was written.
    fn read(&self, object: &Self::Object<'_>) -> u64;

    /// Gives it back.
    fn put<'a>(&'a self, object: Self::Object<'a>);
}

/// The most objects that any measurement has out at a time, with some to spare: what has to be told how many gets this.
pub const ROOM: usize = 1024;

/// An object, of so many words of eight bytes.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Words<const N: usize>([u64; N]);

impl<const N: usize> Words<N> {
    /// The first of them.
    pub fn first(&self) -> u64 {
        self.0[0]
    }
}

impl<const N: usize> Default for Words<N> {
    #[inline(always)]
    fn default() -> Self {
        Self([0; N])
    }
}

/// Nothing to clear, as nobody else clears anything.
impl<const N: usize> Clear for Words<N> {
    #[inline(always)]
    fn clear(&mut self) {}
}

/// An object, however it is kept.
pub trait Payload: Default + Send + Sync + 'static {
    /// Writes into it; where it lies is known to the outside then, so that no compiler leaves it out.
    fn mark(&mut self);

    /// Reads what was written.
    fn marked(&self) -> u64;
}

impl<const N: usize> Payload for Words<N> {
    #[inline(always)]
    fn mark(&mut self) {
        black_box(self).0[0] = MARK;
    }

    #[inline(always)]
    fn marked(&self) -> u64 {
        self.0[0]
    }
}

impl<P: Payload> Payload for Box<P> {
    #[inline(always)]
    fn mark(&mut self) {
        (**self).mark();
    }

    #[inline(always)]
    fn marked(&self) -> u64 {
        (**self).marked()
    }
}

/// Takes two objects at a time, and makes sure that they are two, and objects: a source that cheats would win.
pub(super) fn check<S: Source>(source: &S) {
    let objects = [source.get(), source.get()];
    for object in &objects {
        assert_eq!(source.read(object), MARK, "{}: what was written is there", S::NAME);
    }
    for object in objects {
        source.put(object);
    }
}
