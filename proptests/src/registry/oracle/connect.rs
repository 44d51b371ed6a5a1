//! Making connections, and taking them in.

use super::OracleRegistry;
use super::calls::{Bond, Meter, Wrapped};
use super::handles::ScopeState;
use super::state::{Due, Group, Record, State};
use crate::bus::Bus;
use crate::oracle::{Oracle, OracleSlot};
use crate::program::Shape;
use crate::registry::program::{Form, What};
use crate::registry::{Cleaning, Connecting, Via};
use pulsebus::{CallStatistics, ConnectError, EndReason};
use std::sync::Arc;

/// A connection that has been found to be possible.
struct Accepted {
    what: What,
    scope: Option<Arc<ScopeState>>,
    groups: Vec<Group>,
    meter: Option<Arc<Meter>>,
}

impl OracleRegistry {
    /// May such a connection be made, limits aside?
    fn check(state: &State, via: &Via<Self>, what: &What) -> Result<Option<Arc<ScopeState>>, ConnectError> {
        if state.closed {
            return Err(ConnectError::ShutDown);
        }
        let scope = match via {
            Via::Service(service) if what.service.is_none() && service.has_stopped() => {
                return Err(ConnectError::ServiceStopped { service: service.name().into() });
            }
            Via::Scope(scope) if what.owner.is_none() => Some(scope.state.clone()),
            _ => None,
        };
        if let Some(scope) = scope.as_ref().filter(|scope| scope.has_ended()) {
            return Err(scope.error());
        }
        let owner = what.owner.or(scope.as_ref().map(|scope| scope.owner));
        match what.name {
            Some(name) if owner.is_none() => Err(ConnectError::NameWithoutOwner { name: name.into() }),
            _ if [what.idle, what.age].into_iter().flatten().any(|time| time.is_zero()) => {
                Err(ConnectError::ZeroTimeout)
            }
            _ => Ok(scope),
        }
    }

    /// Sees to it that there is room.
    fn accept(
        &self,
        state: &mut State,
        (via, what, scope): (&Via<Self>, &What, Option<Arc<ScopeState>>),
        counted: bool,
        due: &mut Due,
    ) -> Result<Accepted, ConnectError> {
        let mut what = what.clone();
        what.owner = what.owner.or(scope.as_ref().map(|scope| scope.owner));
        if let (None, Via::Service(service)) = (what.service, via) {
            what.service = Some(service.name());
        }
        let mut tags: Vec<&'static str> = Vec::new();
        for tag in &what.tags {
            if !tags.contains(tag) {
                tags.push(tag);
            }
        }
        what.tags = tags;
        let mut groups: Vec<_> = what.tags.iter().copied().map(Group::Tag).collect();
        groups.extend(what.owner.map(Group::Owner));
        groups.extend(what.service.map(Group::Service));
        groups.extend(scope.iter().flat_map(|scope| scope.groups()));
        state.coming.push(groups.clone());
        state.make_room(&what, self.0.hand.now(), due).inspect_err(|_| state.expect_none())?;
        let replaced = state.find_name(&what);
        state.replacing.extend(replaced);
        let meter = match state.config.call_statistics {
            _ if !counted => None,
            CallStatistics::Off if what.idle.is_none() => None,
            calls => Some(Meter::new(&self.0.hand, what.idle.is_some() || calls == CallStatistics::Exact)),
        };
        Ok(Accepted { what, scope, groups, meter })
    }

    /// Ends the one whose name it takes, and adds the record.
    fn admit(
        &self,
        state: &mut State,
        accepted: Accepted,
        cleaning: Option<Cleaning>,
        bond: Option<Arc<Bond>>,
        due: &mut Due,
        slot: impl FnOnce(Option<Arc<Meter>>) -> Arc<OracleSlot>,
    ) -> Arc<OracleSlot> {
        let Accepted { what, scope, groups, meter } = accepted;
        if let Some(before) = state.find_name(&what) {
            state.end(&before, EndReason::Replaced, due);
        }
        let slot = slot(meter.clone());
        let scope = scope.map(|scope| scope.path.clone()).filter(|path| !path.is_empty());
        let created = self.0.hand.now();
        state.add(Record { slot: slot.clone(), what, scope, groups, created, bond, meter, cleaning });
        state.coming.remove(0);
        slot
    }

    pub(super) fn connect_all(
        &self,
        batch: Vec<Connecting<Self>>,
    ) -> Result<Vec<Arc<OracleSlot>>, (usize, ConnectError)> {
        let (result, emergency) = self.0.with(|state, due| {
            let mut scopes = Vec::new();
            for (index, one) in batch.iter().enumerate() {
                match Self::check(state, &one.via, &one.what) {
                    Ok(scope) => scopes.push(scope),
                    Err(error) => return (Err((index, error)), None),
                }
            }
            state.look_for_calm();
            let mut accepted = Vec::new();
            for (index, (one, scope)) in batch.iter().zip(scopes).enumerate() {
                match self.accept(state, (&one.via, &one.what, scope), true, due) {
                    Ok(one) => accepted.push(one),
                    Err(error) => return (Err((index, error)), None),
                }
            }
            state.replacing.clear();
            let all = batch.into_iter().zip(accepted).map(|(one, accepted)| {
                let Connecting { signal, form, target, slot, cleaning, .. } = one;
                let bond = target.filter(|_| matches!(form, Form::Weak(_))).map(|target| Bond::new(&target));
                self.admit(state, accepted, cleaning, bond.clone(), due, |meter| {
                    let wrapped = Wrapped { slot, meter, bond: bond.clone() };
                    let shape = if form == Form::Slices { Shape::Slices } else { Shape::Plain };
                    let slot = Oracle::connect(&signal, shape, Box::new(wrapped));
                    bond.iter().for_each(|bond| bond.tie(&slot));
                    slot
                })
            });
            let all = all.collect();
            (Ok(all), state.look_for_emergency())
        });
        self.sound(emergency);
        result
    }

    fn sound(&self, emergency: Option<(usize, usize)>) {
        let alarm = self.0.alarm.lock().expect("nobody panics").clone();
        if let Some(((live, limit), alarm)) = emergency.zip(alarm) {
            self.0.guarded(|| alarm(live, limit));
        }
    }

    /// Takes a connection in.
    pub(super) fn take_in(
        &self,
        connection: &Arc<OracleSlot>,
        what: What,
        cleaning: Option<Cleaning>,
    ) -> Result<(), ConnectError> {
        let (result, emergency) = self.0.with(|state, due| {
            let may = Self::check(state, &Via::Itself, &what).and_then(|_| match () {
                () if what.idle.is_some() => Err(ConnectError::NoCallStatistics),
                () if !Oracle::is_connected(connection) => Err(ConnectError::NotConnected),
                () if state.find(connection).is_some() => Err(ConnectError::AlreadyTracked),
                () => Ok(()),
            });
            if let Err(error) = may {
                return (Err(error), None);
            }
            state.look_for_calm();
            match self.accept(state, (&Via::Itself, &what, None), false, due) {
                Ok(accepted) => {
                    state.replacing.clear();
                    self.admit(state, accepted, cleaning, None, due, |_| connection.clone());
                    (Ok(()), state.look_for_emergency())
                }
                Err(error) => (Err(error), None),
            }
        });
        self.sound(emergency);
        result
    }
}
