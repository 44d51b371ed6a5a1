//! The model's sizes: what is made and dropped for nobody in particular, and what the pool says of itself.

use super::model::{Check, Events, Item, Model, State, WINDOW, hold};
use super::object::Event;
use super::program::{Place, Settings};
use pulsebus::PoolFigures;
use std::time::Duration;

impl Model {
    /// A resize is told of, if it is one.
    fn tell(&mut self, from: usize, by: usize) {
        if by > 0 {
            self.seen = self.len();
            self.resizes += u64::from(from != self.len());
        }
    }

    /// And one that has come about by and by, if there are more objects than at the last one.
    fn tell_demand(&mut self) {
        self.tell(self.seen, self.len().saturating_sub(self.seen));
    }

    /// Idle objects are made until there are so many; how many.
    fn fill(&mut self, count: usize, events: &mut Events) -> Check<usize> {
        let mut made = 0;
        while self.len() < count.min(self.settings.max) {
            match events.pop_front() {
                Some(Event::Made(number)) => self.made(number, State::Idle)?,
                Some(Event::NotMade) => {
                    self.panics += 1;
                    self.count("the constructor panicked");
                    break;
                }
                other => return Err(format!("{count} objects should be there, not {}: {other:?}", self.len())),
            }
            made += 1;
        }
        Ok(made)
    }

    /// Idle objects are dropped until so many are left; how many.
    fn drain(&mut self, count: usize, events: &mut Events) -> Check<usize> {
        let expected = self.idle().min(self.len().saturating_sub(count));
        for dropped in 0..expected {
            let Some(&Event::Dropped { number, .. }) = events.front() else {
                return Err(format!("{expected} objects should be dropped, not {dropped}: {events:?}"));
            };
            let state = self.state(number);
            hold(state == Some(State::Idle), || format!("{number} is {state:?}, and was dropped"))?;
            self.dropped(number, events)?;
        }
        Ok(expected)
    }

    /// The pool has been made, or could not be; how many of its objects could.
    pub fn built(&mut self, events: &mut Events) -> Check<usize> {
        let made = self.fill(self.settings.initial.max(self.settings.min), events)?;
        self.seen = made;
        Ok(made)
    }

    /// The last handle is dropped there.
    pub fn close(&mut self, place: Place, events: &mut Events) -> Check {
        self.is_open = false;
        self.count(if self.out() > 0 { "closed with objects out" } else { "closed" });
        let (_, mut taken) = self.take_all_back();
        // Whoever returns one may drop those that are idle, too: in whatever order.
        while let Some(Event::Resetting(number) | Event::Dropped { number, .. }) = events.front() {
            let number = *number;
            if taken.remove(&number) {
                self.returns(place, number, events)?;
            } else {
                let state = self.state(number);
                hold(state == Some(State::Idle), || format!("{number} is {state:?}, and was dropped"))?;
                self.dropped(number, events)?;
            }
        }
        hold(taken.is_empty() && self.idle() == 0, || {
            format!("closed, but {taken:?} and {} idle are left", self.idle())
        })
    }

    /// `shrink_to_fit` has dropped so many.
    pub fn shrink(&mut self, answer: usize, events: &mut Events) -> Check {
        self.tell_demand();
        let before = self.len();
        let dropped = self.drain(self.settings.min, events)?;
        self.tell(before, dropped);
        hold(answer == dropped, || format!("dropped {dropped}, and says {answer}"))
    }

    /// `warm` has made so many.
    pub fn warm(&mut self, idle: usize, answer: usize, events: &mut Events) -> Check {
        self.tell_demand();
        let before = self.len();
        let made = self.fill(self.out() + idle, events)?;
        self.tell(before, made);
        hold(answer == made, || format!("made {made}, and says {answer}"))
    }

    /// `maintain` has made or dropped so many, by that peak of the window.
    pub fn maintain(&mut self, peak: usize, answer: usize, events: &mut Events) -> Check {
        let (before, Settings { min, max, .. }) = (self.len(), self.settings);
        self.tell_demand();
        self.leaks_suspected = self.settings.leak_after.map_or(0, |age| self.leaks(age));
        let fit = (peak + peak.div_ceil(4)).clamp(min, max);
        let changed = if before < (peak + peak / 8).clamp(min, max) {
            let made = self.fill(fit, events)?;
            self.tell(before, made);
            self.count("grown by need");
            made
        } else if before > fit.saturating_mul(2) && !events.is_empty() {
            let (fewest, _) = self.of_late();
            let is_calm = fewest > fit * 2 || !self.is_alone();
            hold(is_calm, || format!("shrunk to {fit}, and not long ago it had {fewest}"))?;
            let dropped = self.drain(fit, events)?;
            self.tell(before, dropped);
            self.count("shrunk by need");
            dropped
        } else {
            0
        };
        hold(answer == changed, || format!("{before} objects, peak {peak}: changed {changed}, and says {answer}"))
    }

    // --- looking -----------------------------------------------------------------------------------------------------

    /// How many are out for longer than that.
    pub fn leaks(&self, age: Duration) -> usize {
        let is_late = |item: &&Item| item.state != State::Idle && self.now.saturating_sub(item.since) > age;
        if self.settings.leak_after.is_some() { self.objects.values().filter(is_late).count() } else { 0 }
    }

    /// Compares with what the pool says of itself.
    pub fn look(&self, figures: &PoolFigures) -> Check {
        let kept = self.objects.values().filter(|item| matches!(item.state, State::Kept { .. })).count();
        let ours = (self.gets, self.misses, self.out(), kept, self.idle());
        let theirs = (figures.gets, figures.misses, figures.outstanding, figures.kept, figures.idle);
        hold(ours == theirs, || format!("gets, misses, out, kept, idle: {theirs:?} instead of {ours:?}"))?;
        let ours = (self.exhausted, self.panics, self.resizes, self.leaks_suspected);
        let theirs = (figures.exhausted, figures.panics, figures.resizes, figures.leaks_suspected);
        hold(ours == theirs, || format!("exhausted, panics, resizes, leaks: {theirs:?} instead of {ours:?}"))?;
        let (peak, late) = (figures.peak, figures.peak_window);
        // Of one thread it is exact; of others, what they have at hand is between.
        let is_alone = self.is_alone();
        let (least, most) = if is_alone { (self.peak, self.peak) } else { (self.out(), self.most) };
        let is_good = (least..=most.max(self.nearly)).contains(&peak);
        hold(is_good, || format!("peak {peak}, not {} (of {} objects, alone: {is_alone})", self.peak, self.most))?;
        // (Of those that were lost meanwhile, nobody may have taken note.)
        let has_lost = self.lost.is_some_and(|lost| lost + WINDOW > self.now);
        let least = if is_alone && !has_lost { self.of_late().1 } else { self.out() };
        hold((least..=peak).contains(&late), || format!("peak {late} of late, at least {least}; ever {peak}"))
    }
}
