//! The query: a signal whose slots answer.

mod combiner;

pub use combiner::Combiner;

use crate::connection::Connection;
use crate::domain::Domain;
use crate::list::{self, Closure, Question, Rank, Root};
use crate::panics::PanicPolicy;
use crate::slot::Priority;
use crate::sync::const_unless_loom;
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::Location;

/// A signal whose slots return values: ask, and combine the answers.
///
/// It is a [`Signal`](crate::Signal) in all else: slots run on the asking thread, by priority and in connection order, those
/// that were connected before; connections are the same weak handles; the promises are the same. Answers are combined
/// as they come: a combiner that has enough has no further slot called. Nothing is allocated but by what collects.
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
    /// Invariant in both, and `Send + Sync` whatever they are: a query holds neither.
    _types: PhantomData<fn(A, R) -> (A, R)>,
}

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
        let answer = move |question: &Question<A, R>| question.put(&slot);
        let closure = Closure::each::<Question<A, R>, _>(answer);
        let mut due = None;
        let (chunk, tag) = self.root.connect(closure, Rank::new(priority.get(), false), place, &mut due);
        if let Some(due) = due {
            due.settle();
        }
        Connection::new(chunk, tag)
    }

    /// Hands each answer to `take`, until it breaks; whether it did. What all combiners are made of.
    #[inline]
    #[track_caller]
    pub fn for_each(&self, arguments: &A, take: impl FnMut(R) -> ControlFlow<()>) -> bool {
        // SAFETY: `attach` connects slots that take such questions, and nobody else connects any.
        unsafe { list::ask(&self.root, arguments, take, Location::caller()) }
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
        let mut first = None;
        self.for_each(arguments, |answer| {
            first = Some(answer);
            ControlFlow::Break(())
        });
        first
    }

    /// The last answer. Asks all slots.
    #[inline]
    #[track_caller]
    pub fn last(&self, arguments: &A) -> Option<R> {
        let mut last = None;
        self.for_each(arguments, |answer| {
            last = Some(answer);
            ControlFlow::Continue(())
        });
        last
    }

    /// Folds the answers, in the order of the slots.
    #[inline]
    #[track_caller]
    pub fn fold<B>(&self, arguments: &A, start: B, mut fold: impl FnMut(B, R) -> B) -> B {
        // Taken out while `fold` runs; gone if that panics.
        let mut sum = Some(start);
        self.for_each(arguments, |answer| {
            sum = sum.take().map(|sum| fold(sum, answer));
            ControlFlow::Continue(())
        });
        sum.expect("put back by every fold that returns")
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
