//! Going over all objects under keys, doing something meanwhile.

use super::model::{Check, hold};
use super::object::Object;
use super::program::{Action, Pick, Place};
use super::world::{One, World};
use pulsebus::Key;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// A visit to one pool.
struct Visit<'a> {
    world: &'a World,
    one: &'a One,
    /// Objects whose number has no bit in common with it return; `None`: they all stay.
    mask: Option<u64>,
    /// The script is run at the visit of that number.
    at: usize,
    script: &'a [Action],
    visited: RefCell<BTreeSet<usize>>,
    /// Whose use may not have ended yet.
    last: Cell<Option<(usize, u64)>>,
    returned: Cell<usize>,
}

impl Visit<'_> {
    fn stays(&self, number: u64) -> bool {
        self.mask.is_none_or(|mask| number & mask != 0)
    }

    /// The use before has ended.
    fn settle(&self) -> Check {
        self.world.begin(self.one, Place::Main);
        let last = self.last.take();
        self.one.judge(|model, events| {
            let Some((key, number)) = last else { return Ok(()) };
            if model.end_use(Place::Main, number, events)? || self.stays(number) {
                return Ok(());
            }
            self.returned.set(self.returned.get() + 1);
            let taken = model.take_back(key);
            hold(taken == (true, Some(number)), || format!("{number} was to return: {taken:?}"))?;
            model.returns(Place::Main, number, events)
        })
    }

    fn come_by(&self, key: Key, object: &Object) -> Check {
        self.settle()?;
        let number = object.number;
        let found = self.world.keys.borrow().iter().position(|other| other.key == key && other.number == number);
        let index = found.ok_or_else(|| format!("{key:?} comes with {number}"))?;
        hold(self.visited.borrow_mut().insert(index), || format!("{number} is visited twice"))?;
        self.one.model.borrow_mut().begin_use(number, index)?;
        self.last.set(Some((index, number)));
        let is_it = self.visited.borrow().len() == self.at + 1;
        if is_it { self.world.script(self.script) } else { Ok(()) }
    }
}

impl World {
    /// Goes over the objects of a pool, by `for_each`, or by `retain` if there is a mask.
    pub(super) fn visit(&self, pick: Pick, mask: Option<u64>, at: usize, script: &[Action]) -> Check {
        let Some(one) = self.open(pick) else { return Ok(()) };
        let Some(pool) = one.handle() else { return Ok(()) };
        self.begin(&one, Place::Main);
        let before = one.model.borrow().kept();
        let visit = Visit {
            world: self,
            one: &one,
            mask,
            at,
            script,
            visited: RefCell::default(),
            last: Cell::new(None),
            returned: Cell::new(0),
        };
        let failure = RefCell::new(None);
        let user = |key: Key, object: &mut Object| {
            if failure.borrow().is_none() {
                let error = visit.come_by(key, object).err();
                *failure.borrow_mut() = error;
            }
            visit.stays(object.number)
        };
        let answer = if mask.is_some() {
            Some(pool.retain(user))
        } else {
            pool.for_each(|key, object| {
                user(key, object);
            });
            None
        };
        failure.take().map_or(Ok(()), Err)?;
        visit.settle()?;
        let returned = visit.returned.get();
        hold(answer.is_none_or(|answer| answer == returned), || {
            format!("{returned} returned, and it says {answer:?}")
        })?;

        // All that were there from beginning to end, and that nobody was using.
        let after = one.model.borrow().kept();
        let visited = visit.visited.take();
        let missed = before.iter().find(|one @ (key, _, used)| !used && after.contains(one) && !visited.contains(key));
        hold(missed.is_none(), || format!("{missed:?} was not visited"))
    }
}
