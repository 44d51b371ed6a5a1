//! What a program does with objects under keys.

use super::model::{Check, Got, State, hold};
use super::object::{Object, is_planned, panic_if};
use super::program::{How, Pick, Place, Using};
use super::world::{IN_USE, KeyOf, One, World, text};
use pulsebus::{Key, KeyError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

impl World {
    /// One of all keys that ever were, if its pool is open.
    pub(super) fn key(&self, pick: Pick) -> Option<(usize, Rc<One>, Key)> {
        let keys = self.keys.borrow();
        let index = pick.of(keys.len())?;
        let one = self.pool(keys[index].pool);
        one.handle().map(|_| (index, one, keys[index].key))
    }

    pub(super) fn new_key(&self, pool: usize, number: u64, key: Key) -> Check<usize> {
        let mut keys = self.keys.borrow_mut();
        hold(keys.iter().all(|other| other.key != key), || format!("{key:?} stands for two objects"))?;
        keys.push(KeyOf { pool, number, key });
        Ok(keys.len() - 1)
    }

    pub(super) fn insert(&self, pick: Pick, panics: bool, place: Place) -> Check {
        let Some(one) = self.open(pick) else { return Ok(()) };
        let taken = Arc::new(AtomicU64::new(u64::MAX));
        let number = Arc::clone(&taken);
        let key = self.ask(&one, place, move |pool| {
            pool.insert(|object| {
                number.store(object.begin_use(), SeqCst);
                panic_if(panics);
            })
        })?;
        let number = taken.load(SeqCst);
        let got = if number == u64::MAX { Got::Panicked } else { Got::One(number) };
        let index = key.map(|key| self.new_key(one.index, number, key)).transpose()?;
        one.judge(|model, events| {
            model.take(place, How::Get, got, events)?;
            match index {
                Some(index) => model.keep(place, number, index, events),
                None if got == Got::Panicked => Ok(()),
                None => model.returns(place, number, events),
            }
        })
    }

    pub(super) fn remove(&self, pick: Pick, place: Place) -> Check {
        let Some((index, one, key)) = self.key(pick) else { return Ok(()) };
        let object = self.ask(&one, place, move |pool| pool.remove(key))?.flatten();
        let got = object.as_ref().map(|object| object.number);
        one.judge(|model, _| {
            let (_, expected) = model.take_back(index);
            hold(got == expected, || format!("removed {got:?} instead of {expected:?}"))
        })?;
        object.into_iter().for_each(|object| self.new_guard(&one, object));
        Ok(())
    }

    pub(super) fn with(&self, using: &Using) -> Check {
        let Some((index, one, key)) = self.key(using.key) else { return Ok(()) };
        let number = self.keys.borrow()[index].number;
        let asked = using.stranger.and_then(|pick| self.open(pick)).unwrap_or_else(|| Rc::clone(&one));
        let Some(pool) = asked.handle() else { return Ok(()) };
        self.begin(&one, Place::Main);
        let expected = match one.model.borrow().state(number) {
            Some(State::Kept { key, used, doomed: false }) if key == index && asked.index == one.index => {
                if used {
                    Err(KeyError::InUse)
                } else {
                    Ok(())
                }
            }
            _ => Err(KeyError::Stale),
        };

        let inside = Cell::new(None);
        let user = |object: &mut Object| {
            let check = hold(object.number == number, || format!("the key of {number} finds {}", object.number));
            let check = check.and_then(|()| one.model.borrow_mut().begin_use(number, index));
            inside.set(Some(check.and_then(|()| self.script(&using.script))));
            panic_if(using.panics);
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            if using.strict { pool.with(key, user).ok_or(KeyError::Stale) } else { pool.try_with(key, user) }
        }));
        if let Some(check) = inside.take() {
            check?;
            self.begin(&one, Place::Main);
            one.judge(|model, events| model.end_use(Place::Main, number, events))?;
        }
        let is_expected = match (expected, &result) {
            (Ok(()), Ok(Ok(()))) => !using.panics,
            (Ok(()), Err(payload)) => using.panics && is_planned(&**payload),
            (Err(KeyError::InUse), Err(payload)) => using.strict && text(&**payload).starts_with(IN_USE),
            (Err(expected), Ok(Err(error))) => expected == *error && !(using.strict && expected == KeyError::InUse),
            _ => false,
        };
        let what = match expected {
            Ok(()) => "used",
            Err(KeyError::InUse) => "in use",
            Err(_) if asked.index != one.index => "a stranger's key",
            Err(_) => "stale",
        };
        *one.model.borrow_mut().tally.entry(what).or_default() += 1;
        hold(is_expected, || format!("{expected:?} was expected, and {result:?} came"))
    }
}
