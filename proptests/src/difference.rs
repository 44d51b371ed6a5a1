//! Where two traces part.

use std::fmt::Debug;

/// So many entries are shown before the first difference, and from it on.
const AROUND: usize = 4;

/// What stands around the first difference of two traces.
pub fn difference<T: Debug + PartialEq>(ours: &[T], oracle: &[T]) -> String {
    let first = ours.iter().zip(oracle).take_while(|(ours, oracle)| ours == oracle).count();
    let around = |trace: &[T]| -> String {
        let shown = &trace[first.saturating_sub(AROUND)..trace.len().min(first + AROUND)];
        shown.iter().map(|entry| format!("\n    {entry:?}")).collect()
    };
    let (of, and) = (ours.len(), oracle.len());
    format!("entry {first} of {of} and {and}; around it\n  library:{}\n  oracle:{}", around(ours), around(oracle))
}
