//! The query: a signal whose slots answer.

mod combiner;

pub use combiner::Combiner;

use crate::connection::Connection;
use crate::domain::Domain;
use crate::list::{self, Closure, Rank, Root};
use crate::panics::PanicPolicy;
use crate::slot::Priority;
use crate::sync::const_unless_loom;
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::Location;

/// A signal whose slots return values: ask, and combine the answers.
///
/// Its slots are those of a [`Signal`](crate::Signal): they run on the asking thread, by priority and in connection order, those
/// that were connected before; connections are the same weak handles, which can be blocked; the promises are the same. Answers are combined
/// as they come: a combiner that has enough has no further slot called. Nothing is allocated but by what collects. (What a signal has
/// beyond that, a query has not: options of a slot, weak receivers, blocking as a whole, deliveries to other threads.)
///
/// # Panics
/// A slot that panics gives no answer, and the others are asked: by the query's [policy](Self::on_panic). A combiner that
/// panics ends the question, and its panic is the caller's.
///
/// ```
/// use pulsebus::Query;
///
/// // May the player open this door?
/// let may_open = Query::<u32, bool>::new();
/// may_open.connect(|door| *door != 13);
/// may_open.connect(|door| *door < 100);
/// assert!(may_open.all(&7));
/// assert!(!may_open.all(&13)); // the second one was not asked
///
/// let price = Query::<&str, u32>::new();
/// price.connect(|item| item.len() as u32);
/// price.connect(|_| 10);
/// assert_eq!(price.fold(&"sword", 0, |sum, price| sum + price), 15);
/// ```
pub struct Query<A, R> {
    root: Root,
    _types: PhantomData<Types<A, R>>,
}

/// Invariant in both, and `Send + Sync` whatever they are: a query holds neither.
type Types<A, R> = fn(A, R) -> (A, R);

impl<A, R> Query<A, R> {
    const_unless_loom! {
        /// A query without slots, in the [global](Domain::global) domain. Allocates nothing until the first connection.
        pub fn new() -> Self {
            Self { root: Root::new(Domain::global()), _types: PhantomData }
        }
    }

    /// A query without slots, in `domain`.
    pub fn new_in(domain: &Domain) -> Self {
        Self { root: Root::new(domain.clone()), _types: PhantomData }
    }

    /// Connects a slot that answers. Otherwise as [`Signal::connect`](crate::Signal::connect).
    #[track_caller]
    pub fn connect<F>(&self, slot: F) -> Connection
    where
        F: Fn(&A) -> R + Send + Sync + 'static,
    {
        self.attach(Priority::DEFAULT, slot, Location::caller())
    }

    /// Connects a slot that is asked before those of higher priorities.
    ///
    /// ```
    /// use pulsebus::{Priority, Query};
    ///
    /// let name = Query::<u32, &str>::new();
    /// name.connect(|_| "somebody");
    /// name.connect_at(Priority::BEFORE, |_| "a hero");
    /// assert_eq!(name.first(&1), Some("a hero"));
    /// ```
    #[track_caller]
    pub fn connect_at<F>(&self, priority: impl Into<Priority>, slot: F) -> Connection
    where
        F: Fn(&A) -> R + Send + Sync + 'static,
    {
        self.attach(priority.into(), slot, Location::caller())
    }

    fn attach<F>(&self, priority: Priority, slot: F, place: &'static Location<'static>) -> Connection
    where
        F: Fn(&A) -> R + Send + Sync + 'static,
    {
        let closure = Closure::answer(slot);
        let mut due = None;
        let (chunk, tag) = self.root.connect(closure, Rank::new(priority.get(), false), place, &mut due);
        if let Some(due) = due {
            due.settle();
        }
        Connection::new(chunk, tag)
    }

    /// Folds the answers, in the order of the slots, until `fold` breaks; what it has broken off with, or else continued
    /// with. What all combiners are made of.
    ///
    /// ```
    /// use pulsebus::Query;
    /// use std::ops::ControlFlow::{Break, Continue};
    ///
    /// let query = Query::<u32, u32>::new();
    /// (1..=9).for_each(|n| _ = query.connect(move |by| n * by));
    /// let sum = query.try_fold(&2, 0, |sum, n| if sum < 10 { Continue(sum + n) } else { Break(sum) });
    /// assert_eq!(sum, Break(12)); // 2 + 4 + 6, and no more needed
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_fold<B>(
        &self,
        arguments: &A,
        start: B,
        fold: impl FnMut(B, R) -> ControlFlow<B, B>,
    ) -> ControlFlow<B, B> {
        // SAFETY: `attach` connects slots that answer such arguments so, and nobody else connects any.
        unsafe { list::ask(&self.root, arguments, start, fold, Location::caller()) }
    }

    /// Hands each answer to `take`, until it breaks; whether it did.
    #[inline]
    #[track_caller]
    pub fn for_each(&self, arguments: &A, mut take: impl FnMut(R) -> ControlFlow<()>) -> bool {
        self.try_fold(arguments, (), |(), answer| take(answer)).is_break()
    }

    /// What a combiner of your own makes of the answers.
    #[inline]
    #[track_caller]
    pub fn ask<C: Combiner<R>>(&self, arguments: &A, mut combiner: C) -> C::Output {
        self.for_each(arguments, |answer| combiner.take(answer));
        combiner.finish()
    }

    /// The first answer. Asks no further slot.
    #[inline]
    #[track_caller]
    pub fn first(&self, arguments: &A) -> Option<R> {
        value(self.try_fold(arguments, None, |_, answer| ControlFlow::Break(Some(answer))))
    }

    /// The last answer. Asks all slots.
    #[inline]
    #[track_caller]
    pub fn last(&self, arguments: &A) -> Option<R> {
        self.fold(arguments, None, |_, answer| Some(answer))
    }

    /// Folds all answers, in the order of the slots.
    #[inline]
    #[track_caller]
    pub fn fold<B>(&self, arguments: &A, start: B, mut fold: impl FnMut(B, R) -> B) -> B {
        value(self.try_fold(arguments, start, |state, answer| ControlFlow::Continue(fold(state, answer))))
    }

    /// Appends all answers; how many there were. Allocates if the vector has to grow, and never else.
    #[track_caller]
    pub fn collect_into(&self, arguments: &A, answers: &mut Vec<R>) -> usize {
        let before = answers.len();
        self.for_each(arguments, |answer| {
            answers.push(answer);
            ControlFlow::Continue(())
        });
        answers.len() - before
    }

    /// How many slots are connected.
    #[track_caller]
    pub fn len(&self) -> usize {
        self.root.len(Location::caller())
    }

    /// Is no slot connected?
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        self.root.is_empty(Location::caller())
    }

    /// Disconnects every slot; as [`Signal::disconnect_all`](crate::Signal::disconnect_all).
    #[track_caller]
    pub fn disconnect_all(&self) -> usize {
        self.root.disconnect_all(Location::caller())
    }

    /// Sets what a panic in a slot means; as [`Signal::on_panic`](crate::Signal::on_panic).
    pub fn on_panic(&self, policy: PanicPolicy) {
        self.root.policy.set(policy);
    }

    /// What a panic in a slot means at present.
    pub fn panic_policy(&self) -> PanicPolicy {
        self.root.policy.get()
    }

    /// The domain it reclaims with.
    pub fn domain(&self) -> &Domain {
        &self.root.domain
    }
}

/// What a fold has come to, however it ended.
fn value<B>(flow: ControlFlow<B, B>) -> B {
    match flow {
        ControlFlow::Continue(value) | ControlFlow::Break(value) => value,
    }
}

impl<A> Query<A, bool> {
    /// Is any answer `true`? Asks no further slot then. `false` if nobody answers.
    #[inline]
    #[track_caller]
    pub fn any(&self, arguments: &A) -> bool {
        self.for_each(arguments, |yes| if yes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Is every answer `true`? Asks no further slot at the first `false`. `true` if nobody answers.
    #[inline]
    #[track_caller]
    pub fn all(&self, arguments: &A) -> bool {
        !self.for_each(arguments, |yes| if yes { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    }
}

impl<A, R> Drop for Query<A, R> {
    /// As the drop of a [`Signal`](crate::Signal).
    fn drop(&mut self) {
        self.root.tear_down();
    }
}

impl<A, R> Default for Query<A, R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A, R> fmt::Debug for Query<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("arguments", &std::any::type_name::<A>())
            .field("answer", &std::any::type_name::<R>())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
