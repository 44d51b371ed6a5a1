//! Runs a program on the library, and compares with the model step by step.

use super::model::{Check, Events, Got, Model, WINDOW, hold};
use super::object::{Event, Foreign, Object, is_planned};
use super::program::{Action, Fuse, How, Pick, Place, Settings, Step};
use super::threads::Threads;
use pulsebus::{Key, ManualClock, Pool, PoolError, Pooled};
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::Duration;

/// Programs make no more pools than that.
const POOLS: usize = 4;
/// No program has more guards than that.
const GUARDS: usize = 400;

/// Where a program runs.
#[derive(Default)]
pub struct World {
    hand: ManualClock,
    pools: RefCell<Vec<Rc<One>>>,
    guards: RefCell<Vec<Guard>>,
    pub(super) keys: RefCell<Vec<KeyOf>>,
    /// By pool.
    forgotten: RefCell<BTreeSet<(usize, u64)>>,
    threads: Threads,
}

/// A pool, and what should be true of it.
pub(super) struct One {
    pub(super) index: usize,
    foreign: Arc<Foreign>,
    pub(super) model: RefCell<Model>,
    /// Empty when it has closed.
    handles: RefCell<Vec<Arc<Pool<Object>>>>,
}

struct Guard {
    pool: usize,
    number: u64,
    object: Pooled<Object>,
}

pub(super) struct KeyOf {
    pub(super) pool: usize,
    pub(super) number: u64,
    pub(super) key: Key,
}

impl One {
    pub(super) fn handle(&self) -> Option<Arc<Pool<Object>>> {
        self.handles.borrow().first().cloned()
    }

    /// What its constructors, resets and destructors have written down.
    pub(super) fn events(&self) -> Check<Events> {
        let events = self.foreign.take_events();
        let dirty = events.iter().find(|event| matches!(event, Event::Dirty(_)));
        hold(dirty.is_none(), || format!("{dirty:?}: it was not reset, or has two owners"))?;
        Ok(events)
    }

    /// Has the model take it all in.
    pub(super) fn judge<R>(&self, f: impl FnOnce(&mut Model, &mut Events) -> Check<R>) -> Check<R> {
        let mut events = self.events()?;
        let result = f(&mut self.model.borrow_mut(), &mut events)?;
        hold(events.is_empty(), || format!("this should not have happened: {events:?}"))?;
        Ok(result)
    }
}

/// A panic was to be; or an error.
fn planned<R>(result: thread::Result<R>) -> Check<Option<R>> {
    match result {
        Ok(result) => Ok(Some(result)),
        Err(payload) if is_planned(&*payload) => Ok(None),
        Err(payload) => Err(format!("panicked: {}", text(&*payload))),
    }
}

pub(super) fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

pub(super) const IN_USE: &str = "pulsebus: the object is in use";

/// Keeps the one panic of the library that programs provoke off the terminal.
fn be_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_known = info.payload().downcast_ref::<String>().is_some_and(|text| text.starts_with(IN_USE));
            if !is_known {
                others(info);
            }
        }));
    });
}

impl World {
    pub(super) fn open(&self, pick: Pick) -> Option<Rc<One>> {
        let pools = self.pools.borrow();
        let open: Vec<_> = pools.iter().filter(|one| !one.handles.borrow().is_empty()).collect();
        pick.of(open.len()).map(|at| Rc::clone(open[at]))
    }

    pub(super) fn pool(&self, index: usize) -> Rc<One> {
        Rc::clone(&self.pools.borrow()[index])
    }

    pub(super) fn begin(&self, one: &One, place: Place) {
        one.model.borrow_mut().begin(place, self.hand.now());
    }

    /// Asks a pool for something there.
    pub(super) fn ask<R: Send + 'static>(
        &self,
        one: &One,
        place: Place,
        f: impl FnOnce(&Pool<Object>) -> R + Send + 'static,
    ) -> Check<Option<R>> {
        self.begin(one, place);
        let Some(pool) = one.handle() else { return Err("asked a pool that is gone".to_owned()) };
        planned(self.threads.run(place, move || f(&pool)))
    }

    /// Does everything, and ends it all.
    ///
    /// # Errors
    /// What must not have happened.
    pub fn run(program: &[Step]) -> Check<BTreeMap<&'static str, usize>> {
        be_quiet();
        let world = Self::default();
        for (index, step) in program.iter().enumerate() {
            let done = world.perform(&step.action).and_then(|()| if step.look { world.look() } else { Ok(()) });
            if let Err(error) = done {
                return Err(format!("step {index}, {:?}: {error}", step.action));
            }
        }
        world.look()?;
        world.end()?;
        let mut tally = BTreeMap::new();
        for one in world.pools.borrow().iter() {
            one.model.borrow().tally.iter().for_each(|(what, times)| *tally.entry(*what).or_default() += times);
        }
        Ok(tally)
    }

    pub(super) fn script(&self, script: &[Action]) -> Check {
        script.iter().try_for_each(|action| self.perform(action))
    }

    fn perform(&self, action: &Action) -> Check {
        match *action {
            Action::NewPool(settings) => self.new_pool(settings),
            Action::CloneHandle(pick) => {
                let Some(one) = self.open(pick) else { return Ok(()) };
                let another = one.handle().map(|pool| Arc::new(Pool::clone(&pool)));
                one.handles.borrow_mut().extend(another);
                Ok(())
            }
            Action::DropHandle(pick, place) => self.open(pick).map_or(Ok(()), |one| self.drop_handle(&one, place)),
            Action::Arm(pick, fuse, after) => {
                self.open(pick).into_iter().for_each(|one| one.foreign.arm(fuse, after));
                Ok(())
            }
            Action::Get(pick, how, place) => self.get(pick, how, place),
            Action::GetMany(pick, count, place) => self.get_many(pick, count, place),
            Action::Drop(pick, count, place) => {
                let mut guards = self.guards.borrow_mut();
                let Some(at) = pick.of(guards.len()) else { return Ok(()) };
                let end = guards.len().min(at + count);
                let dropped = guards.drain(at..end).collect();
                drop(guards);
                self.drop_guards(dropped, place)
            }
            Action::DropLast(count) => {
                let mut guards = self.guards.borrow_mut();
                let start = guards.len().saturating_sub(count);
                let dropped = guards.drain(start..).rev().collect();
                drop(guards);
                self.drop_guards(dropped, Place::Main)
            }
            Action::Detach(pick) => self.guard(pick).map_or(Ok(()), |guard| self.detach(guard)),
            Action::Forget(pick) => {
                let Some(Guard { pool, number, object }) = self.guard(pick) else { return Ok(()) };
                self.forgotten.borrow_mut().insert((pool, number));
                // As good as forgotten, without a leak for those who look for some.
                static KEPT: Mutex<Vec<Pooled<Object>>> = Mutex::new(Vec::new());
                KEPT.lock().map_err(|_| "a push panicked".to_owned())?.push(object);
                Ok(())
            }
            Action::Insert(pick, panics, place) => self.insert(pick, panics, place),
            Action::Keep(pick, place) => {
                let Some(Guard { pool, number, object }) = self.guard(pick) else { return Ok(()) };
                let one = self.pool(pool);
                self.begin(&one, place);
                let key = planned(self.threads.run(place, move || Pooled::keep(object)))?;
                let key = key.ok_or_else(|| "keeping panicked".to_owned())?;
                let index = self.new_key(pool, number, key)?;
                one.judge(|model, events| model.keep(place, number, index, events))
            }
            Action::With(ref using) => self.with(using),
            Action::Remove(pick, place) => self.remove(pick, place),
            Action::Release(pick, place) => {
                let Some((index, one, key)) = self.key(pick) else { return Ok(()) };
                let answer = self.ask(&one, place, move |pool| pool.release(key))?;
                one.judge(|model, events| {
                    let (expected, number) = model.take_back(index);
                    hold(answer == Some(expected), || format!("released: {answer:?} instead of {expected}"))?;
                    number.map_or(Ok(()), |number| model.returns(place, number, events))
                })
            }
            Action::ReturnAll(pick, place) => {
                let Some(one) = self.open(pick) else { return Ok(()) };
                let answer = self.ask(&one, place, Pool::return_all)?;
                one.judge(|model, events| {
                    let (expected, numbers) = model.take_all_back();
                    hold(answer == Some(expected), || format!("returned {answer:?} instead of {expected}"))?;
                    model.all_return(place, numbers, events)
                })
            }
            Action::ForEach(pick, at, ref script) => self.visit(pick, None, at, script),
            Action::Retain(pick, mask, at, ref script) => self.visit(pick, Some(mask), at, script),
            Action::Shrink(pick, place) => {
                let Some(one) = self.open(pick) else { return Ok(()) };
                let answer = self.ask(&one, place, Pool::shrink_to_fit)?.unwrap_or(usize::MAX);
                one.judge(|model, events| model.shrink(answer, events))
            }
            Action::Warm(pick, idle, place) => {
                let Some(one) = self.open(pick) else { return Ok(()) };
                let answer = self.ask(&one, place, move |pool| pool.warm(idle))?.unwrap_or(usize::MAX);
                one.judge(|model, events| model.warm(idle, answer, events))
            }
            Action::Maintain(pick, place) => {
                let Some(one) = self.open(pick) else { return Ok(()) };
                let answer = self.ask(&one, place, |pool| (pool.maintain(), pool.figures().peak_window))?;
                let (answer, peak) = answer.unwrap_or_default();
                one.judge(|model, events| model.maintain(peak, answer, events))
            }
            Action::Advance(time) => {
                self.hand.advance(time);
                Ok(())
            }
            Action::Leaks(pick, age) => {
                let Some(one) = self.open(pick) else { return Ok(()) };
                self.begin(&one, Place::Main);
                let found = one.handle().map(|pool| pool.leaks(age).iter().map(|leak| leak.count).sum());
                let expected = one.model.borrow().leaks(age);
                hold(found == Some(expected), || format!("{found:?} leaks instead of {expected}"))
            }
        }
    }

    fn new_pool(&self, settings: Settings) -> Check {
        let index = self.pools.borrow().len();
        if index == POOLS {
            return Ok(());
        }
        let foreign = Arc::new(Foreign::default());
        foreign.arm(Fuse::Constructor, settings.fails);
        let Settings { min, max, initial, leak_after, .. } = settings;
        let builder = foreign.builder(WINDOW, &self.hand).min(min).max(max).initial(initial);
        let builder = leak_after.into_iter().fold(builder, |builder, age| builder.leak_after(age));
        let built = builder.build();
        let model = RefCell::new(Model::new(settings, self.hand.now()));
        let one = Rc::new(One { index, foreign, model, handles: RefCell::default() });
        self.pools.borrow_mut().push(Rc::clone(&one));
        match built {
            Ok(pool) => {
                let pool = Arc::new(pool);
                one.foreign.set_pool(&pool);
                one.handles.borrow_mut().push(pool);
                let made = one.judge(Model::built)?;
                hold(made == initial.max(min), || format!("only {made} objects were made for a start"))
            }
            Err(PoolError::ConstructorPanicked { made }) => one.judge(|model, events| {
                let expected = model.built(events)?;
                hold(made == expected, || format!("{expected} objects were made, and it says {made}"))?;
                model.close(Place::Main, events)
            }),
            Err(other) => Err(format!("no pool: {other}")),
        }
    }

    fn drop_handle(&self, one: &One, place: Place) -> Check {
        // The first one, which is the one that resets take from.
        let pool = one.handles.borrow_mut().remove(0);
        let is_last = one.handles.borrow().is_empty();
        self.begin(one, place);
        planned(self.threads.run(place, move || drop(pool)))?;
        one.judge(|model, events| if is_last { model.close(place, events) } else { Ok(()) })
    }

    // --- guards ------------------------------------------------------------------------------------------------------

    fn guard(&self, pick: Pick) -> Option<Guard> {
        let mut guards = self.guards.borrow_mut();
        pick.of(guards.len()).map(|at| guards.remove(at))
    }

    pub(super) fn new_guard(&self, one: &One, object: Pooled<Object>) {
        let guard = Guard { pool: one.index, number: object.number, object };
        self.guards.borrow_mut().push(guard);
    }

    fn get(&self, pick: Pick, how: How, place: Place) -> Check {
        let Some(one) = self.open(pick) else { return Ok(()) };
        let result = self.ask(&one, place, move |pool| {
            let got = match how {
                How::Get => Ok(pool.get()),
                How::Try => pool.try_get(),
                How::Wait => pool.get_or_wait(Duration::ZERO),
            };
            got.inspect_err(|_| ()).map(|mut object| {
                object.begin_use();
                object
            })
        })?;
        let max = one.model.borrow().settings.max;
        let none = match how {
            How::Wait => PoolError::TimedOut { after: Duration::ZERO, max },
            How::Get | How::Try => PoolError::Exhausted { max },
        };
        let got = match &result {
            None => Got::Panicked,
            Some(Ok(object)) => Got::One(object.number),
            Some(Err(error)) if *error == none => Got::None,
            Some(Err(error)) => return Err(format!("{how:?} says {error:?}")),
        };
        one.judge(|model, events| model.take(place, how, got, events))?;
        result.and_then(Result::ok).into_iter().for_each(|object| self.new_guard(&one, object));
        Ok(())
    }

    fn get_many(&self, pick: Pick, count: usize, place: Place) -> Check {
        let Some(one) = self.open(pick) else { return Ok(()) };
        if self.guards.borrow().len() + count > GUARDS {
            return Ok(());
        }
        // Else nobody could tell which objects it had before.
        one.foreign.arm(Fuse::Constructor, 0);
        let objects = self.ask(&one, place, move |pool| {
            let mut objects = pool.get_many(count);
            for object in &mut objects {
                object.begin_use();
            }
            objects
        })?;
        let objects = objects.ok_or("a get panicked")?;
        hold(objects.len() == count, || format!("got {} of {count}", objects.len()))?;
        one.judge(|model, events| {
            objects.iter().try_for_each(|object| model.take(place, How::Get, Got::One(object.number), events))
        })?;
        objects.into_iter().for_each(|object| self.new_guard(&one, object));
        Ok(())
    }

    fn drop_guards(&self, guards: Vec<Guard>, place: Place) -> Check {
        let returned: Vec<_> = guards.iter().map(|guard| (guard.pool, guard.number)).collect();
        let involved: BTreeSet<_> = returned.iter().map(|(pool, _)| *pool).collect();
        involved.iter().for_each(|pool| self.begin(&self.pool(*pool), place));
        let objects: Vec<_> = guards.into_iter().map(|guard| guard.object).collect();
        let done = planned(self.threads.run(place, move || objects.into_iter().for_each(drop)))?;
        hold(done.is_some(), || "returning an object panicked".to_owned())?;
        involved.into_iter().try_for_each(|pool| {
            let mut numbers = returned.iter().filter(|(other, _)| *other == pool);
            self.pool(pool).judge(|model, events| numbers.try_for_each(|(_, n)| model.returns(place, *n, events)))
        })
    }

    fn detach(&self, Guard { pool, number, object }: Guard) -> Check {
        let one = self.pool(pool);
        let object = Pooled::detach(object);
        hold(object.number == number, || format!("detached {} instead of {number}", object.number))?;
        let nothing = one.events()?;
        hold(nothing.is_empty(), || format!("detaching {number} did {nothing:?}"))?;
        planned(catch_unwind(AssertUnwindSafe(|| drop(object))))?;
        one.judge(|model, events| model.detached(number, events))
    }

    // --- looking -----------------------------------------------------------------------------------------------------

    fn look(&self) -> Check {
        for one in self.pools.borrow().iter() {
            let Some(pool) = one.handle() else { continue };
            let mut model = one.model.borrow_mut();
            model.at(self.hand.now());
            let figures = pool.figures();
            hold((figures.min, figures.max) == (model.settings.min, model.settings.max), || format!("{figures:?}"))?;
            model.look(&figures)?;
            let kept: BTreeSet<_> = model.kept().into_iter().map(|(key, ..)| key).collect();
            for (index, KeyOf { key, .. }) in self.keys.borrow().iter().enumerate() {
                let (found, expected) = (pool.contains(*key), kept.contains(&index));
                hold(found == expected, || format!("pool {} contains {key:?}: {found}", one.index))?;
            }
        }
        Ok(())
    }

    /// Ends everything.
    fn end(&self) -> Check {
        let guards = self.guards.take();
        self.drop_guards(guards, Place::Main)?;
        for one in self.pools.borrow().iter() {
            while !one.handles.borrow().is_empty() {
                self.drop_handle(one, Place::Main)?;
            }
            let forgotten = self.forgotten.borrow().iter().filter(|(pool, _)| *pool == one.index).count();
            let left = one.model.borrow().len();
            hold(left == forgotten, || format!("{left} objects are left, {forgotten} were forgotten"))?;
            // Its closures are gone, and with them all of it.
            let users = Arc::strong_count(&one.foreign) - 1;
            hold(forgotten > 0 || users == 0, || format!("{users} users are left of a pool that is gone"))?;
        }
        Ok(())
    }
}
