//! Limits: what a connection beyond them has to expect.

use super::record::{Memberships, Record};
use super::slab::{PAGE, Slab};
use super::{Ended, Id, Registry};
use crate::bus::config::{Config, LimitPolicy};
use crate::bus::error::{ConnectError, Who};
use crate::bus::key::{Name, Owner};
use crate::bus::reason::EndReason;
use crate::bus::track::Track;
use smallvec::SmallVec;

/// The part of the [`Config`] that each connect looks at.
pub(super) struct Rules {
    pub(super) per_owner: Rule,
    pub(super) per_service: Rule,
    pub(super) overall: Rule,
    pub(super) policy: LimitPolicy,
    /// So many connections are an emergency.
    pub(super) emergency: usize,
}

/// One limit.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) limit: usize,
    /// From so many on, what is stale is swept first.
    sweep_from: usize,
}

impl Rules {
    pub(super) fn new(config: &Config) -> Self {
        let share = |limit: usize, share: f64| (limit as f64 * share).ceil() as usize;
        let rule = |limit: Option<usize>| {
            let none = Rule { limit: usize::MAX, sweep_from: usize::MAX };
            limit.map_or(none, |limit| Rule { limit, sweep_from: share(limit, config.sweep_at).max(1) })
        };
        let limits = &config.limits;
        Self {
            per_owner: rule(limits.per_owner),
            per_service: rule(limits.per_service),
            overall: rule(limits.overall),
            policy: limits.policy,
            emergency: limits.overall.map_or(usize::MAX, |limit| share(limit, config.emergency_at).max(1)),
        }
    }
}

impl Rule {
    /// Is a sweep due before one more connection joins `live` others?
    fn sweep_is_due(self, live: usize, next_sweep: &mut usize) -> bool {
        if live < self.limit {
            *next_sweep = self.limit.min(*next_sweep);
        }
        live >= self.sweep_from && live >= *next_sweep
    }

    /// When the next one is: after a sweep that left `live`, not before an eighth of the rest is used up, or beyond the limit,
    /// an eighth of what there is.
    fn after_sweep(self, live: usize) -> usize {
        let eighth = if live < self.limit { (self.limit - live) / 8 } else { live / 8 };
        live + eighth.max(1)
    }
}

/// So many records of a full group are looked at by a connect, for one that has ended: all of them, where limits are usual.
const LOOK: usize = 1024;

/// Which group a limit is for.
#[derive(Clone, Copy)]
enum Limited {
    Owner(u32),
    Service(u32),
    Overall,
}

impl Registry {
    /// Is any limit near, for a record that is counted in these groups already? Where none is, the next approach begins with
    /// a sweep.
    #[inline]
    pub(super) fn is_tight(&mut self, groups: &Memberships) -> bool {
        let Rules { overall, per_owner, per_service, .. } = self.rules;
        let mut near = |scope, rule: Rule| {
            let is_near = self.live_in(scope) >= rule.sweep_from;
            if !is_near {
                *self.next_sweep(scope) = 0;
            }
            is_near
        };
        let owner = groups.owner.is_some_and(|index| near(Limited::Owner(index), per_owner));
        let service = groups.service.is_some_and(|index| near(Limited::Service(index), per_service));
        near(Limited::Overall, overall) | owner | service
    }

    /// Says that a record of the batch that is being reserved takes the place of one that is there.
    pub(in crate::bus) fn note_replacing(&mut self, track: &Track) {
        let replaced = self.replaced_by(track.owner.as_ref().and_then(|owner| self.owners.find(owner)), track);
        self.replacing.extend(replaced.filter(|id| !self.replacing.contains(id)));
    }

    /// The batch is made or given up.
    pub(in crate::bus) fn forget_replacing(&mut self) {
        self.replacing = Vec::new();
    }

    fn replaced_by(&self, owner: Option<u32>, track: &Track) -> Option<Id> {
        let name = track.rare.as_ref().and_then(|rare| rare.name.as_ref());
        owner.zip(name).and_then(|key| self.find_name(key))
    }

    /// Sweeps where a limit is near, and sees to it that there is room for a record that is counted in these groups already.
    /// Is it beyond a limit nevertheless?
    #[cold]
    #[inline(never)]
    pub(super) fn make_room(
        &mut self,
        groups: &Memberships,
        track: &Track,
        ended: &mut Ended,
    ) -> Result<bool, ConnectError> {
        let now = self.now();
        // The record whose place it takes, if the batch has not taken it already.
        let replaced = self.replaced_by(groups.owner, track).filter(|id| !self.replacing.contains(id));
        // The whole bus first: what it sweeps the others need not.
        let scopes = [
            (Some(Limited::Overall), self.rules.overall),
            (groups.service.map(Limited::Service), self.rules.per_service),
            (groups.owner.map(Limited::Owner), self.rules.per_owner),
        ];
        let mut over = false;
        for (scope, rule) in scopes {
            let Some(scope) = scope else { continue };
            if self.sweep_is_due(scope, rule) {
                self.sweep_scope(scope, now, ended);
                let live = self.live_in(scope);
                *self.next_sweep(scope) = rule.after_sweep(live);
            }
            if self.live_besides(scope, replaced) < rule.limit {
                continue;
            }
            if self.rules.policy != LimitPolicy::Warn {
                // What has ended turns nobody away.
                self.look_for_ended(scope, now, ended);
            }
            let live = self.live_besides(scope, replaced);
            if live < rule.limit {
                continue;
            }
            match self.rules.policy {
                LimitPolicy::Warn => over = true,
                LimitPolicy::EvictOldest if !track.is_branch => over |= !self.evict(scope, rule.limit, replaced, ended),
                LimitPolicy::Reject | LimitPolicy::EvictOldest => {
                    self.totals.rejected += 1;
                    return Err(ConnectError::LimitReached { who: self.who(scope), limit: rule.limit, live });
                }
            }
        }
        self.totals.over_limit += u64::from(over);
        Ok(over)
    }

    /// Ends the oldest until there is room; two at the most, so that a limit that was lowered is reached step by step. Was
    /// there any to end? (If not, all of the others are of the same batch.)
    fn evict(&mut self, scope: Limited, limit: usize, replaced: Option<Id>, ended: &mut Ended) -> bool {
        for evicted in 0..2 {
            if self.live_besides(scope, replaced) < limit {
                break;
            }
            match self.oldest_in(scope, replaced) {
                Some(oldest) => drop(self.end(oldest, EndReason::Limit, ended)),
                None => return evicted > 0,
            }
        }
        true
    }

    /// Removes what has ended, and ends what is stale, of a group that is full: of [`LOOK`] records, and the next time of those
    /// that follow.
    fn look_for_ended(&mut self, scope: Limited, now: u64, ended: &mut Ended) {
        let is_due = |record: &Record| !record.connection.is_connected() || record.is_stale(now);
        let due_of = |(members, start): (&[Id], usize), records: &Slab<Record>| {
            let (after, before) = (members.iter().skip(start), members.iter().take(start));
            let looked_at = after.chain(before).copied().filter(|id| records.contains(*id)).take(LOOK);
            looked_at.filter(|id| records.get(*id).is_some_and(is_due)).collect::<SmallVec<[Id; 16]>>()
        };
        let due = match scope {
            Limited::Owner(index) => due_of(self.owners.next_members(index, LOOK), &self.records),
            Limited::Service(index) => due_of(self.services.next_members(index, LOOK), &self.records),
            Limited::Overall => {
                for _ in 0..LOOK / PAGE {
                    self.look_page = if self.look_page < self.pages() { self.look_page } else { 0 };
                    self.sweep_page(self.look_page, true, ended);
                    self.look_page += 1;
                }
                return;
            }
        };
        for id in due {
            self.sweep_record(id, now, ended);
        }
    }

    /// How many records a group has besides the one that is to come and those whose place it, or its batch, takes.
    fn live_besides(&self, scope: Limited, replaced: Option<Id>) -> usize {
        let replaced_here = self.replacing.iter().copied().chain(replaced).filter(|id| self.is_in(scope, *id));
        self.live_in(scope) - replaced_here.count()
    }

    /// How many records a group has besides the one that is to come.
    #[inline]
    fn live_in(&self, scope: Limited) -> usize {
        match scope {
            Limited::Owner(index) => self.owners.live(index) - 1,
            Limited::Service(index) => self.services.live(index) - 1,
            Limited::Overall => self.records.len() + self.reserved - 1,
        }
    }

    fn is_in(&self, scope: Limited, id: Id) -> bool {
        self.records.get(id).is_some_and(|record| match scope {
            Limited::Owner(index) => record.groups.owner == Some(index),
            Limited::Service(index) => record.groups.service == Some(index),
            Limited::Overall => true,
        })
    }

    fn next_sweep(&mut self, scope: Limited) -> &mut usize {
        match scope {
            Limited::Owner(index) => &mut self.owners.get_mut(index).next_sweep,
            Limited::Service(index) => &mut self.services.get_mut(index).next_sweep,
            Limited::Overall => &mut self.next_sweep,
        }
    }

    fn sweep_is_due(&mut self, scope: Limited, rule: Rule) -> bool {
        let live = self.live_in(scope);
        rule.sweep_is_due(live, self.next_sweep(scope))
    }

    fn sweep_scope(&mut self, scope: Limited, now: u64, ended: &mut Ended) {
        let members = match scope {
            Limited::Owner(index) => self.owners.members(index).to_vec(),
            Limited::Service(index) => self.services.members(index).to_vec(),
            Limited::Overall => self.records.iter().map(|(id, _)| id).collect(),
        };
        for id in members {
            self.sweep_record(id, now, ended);
        }
    }

    fn oldest_in(&mut self, scope: Limited, but: Option<Id>) -> Option<Id> {
        let replacing = &self.replacing;
        let stays = |id: &Id| Some(*id) != but && !replacing.contains(id);
        let is_there = |id: &Id| stays(id) && self.records.contains(*id);
        match scope {
            Limited::Owner(index) => self.owners.members(index).iter().copied().find(is_there),
            Limited::Service(index) => self.services.members(index).iter().copied().find(is_there),
            Limited::Overall => self.arrivals.oldest(&self.records, |id| stays(&id)),
        }
    }

    fn who(&self, scope: Limited) -> Who {
        let owner = |index| self.owners.key(index).cloned().unwrap_or_else(|| Owner::from("?"));
        let service = |index| self.services.key(index).cloned().unwrap_or_else(|| Name::from("?"));
        match scope {
            Limited::Owner(index) => Who::Owner(owner(index)),
            Limited::Service(index) => Who::Service(service(index)),
            Limited::Overall => Who::Overall,
        }
    }
}
