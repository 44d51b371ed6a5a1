//! Names as dense numbers.

use std::collections::HashMap;

/// Gives every name a number, counted from 0 in the order of first sight.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<Box<str>, u32>,
}

impl Names {
    /// The number of `name`; `None` when the numbers are used up.
    pub fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        let number = u32::try_from(self.numbers.len()).ok()?;
        self.numbers.insert(name.into(), number);
        Some(number)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }
}
