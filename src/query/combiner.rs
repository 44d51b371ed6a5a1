//! Combiners of one's own.

use std::ops::ControlFlow;

/// What is made of a query's answers, as they come; for [`Query::ask`](crate::Query::ask).
///
/// ```
/// use pulsebus::{Combiner, Query};
/// use std::ops::ControlFlow;
///
/// /// The sum, until it is more than enough.
/// struct UpTo { sum: u32, enough: u32 }
///
/// impl Combiner<u32> for UpTo {
///     type Output = u32;
///
///     fn take(&mut self, answer: u32) -> ControlFlow<()> {
///         self.sum += answer;
///         if self.sum >= self.enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     }
///
///     fn finish(self) -> u32 {
///         self.sum.min(self.enough)
///     }
/// }
///
/// let ammunition = Query::<(), u32>::new();
/// for has in [3, 4, 5] {
///     ammunition.connect(move |()| has);
/// }
/// assert_eq!(ammunition.ask(&(), UpTo { sum: 0, enough: 6 }), 6);
/// ```
pub trait Combiner<R> {
    /// What comes of it.
    type Output;

    /// Takes an answer. `Break` if no further slot need be asked.
    fn take(&mut self, answer: R) -> ControlFlow<()>;

    /// Ends.
    fn finish(self) -> Self::Output;
}
