//! Limits: what a connection beyond them has to expect.

use super::{Ended, Id, Registry, Reserved};
use crate::bus::config::{Config, LimitPolicy};
use crate::bus::error::{ConnectError, Who};
use crate::bus::key::{Name, Owner};
use crate::bus::reason::EndReason;

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
    limit: usize,
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
        if live < self.sweep_from {
            *next_sweep = 0;
        }
        live >= self.limit || live >= self.sweep_from && live >= *next_sweep
    }

    /// When the next one is: after a sweep that left `live`, not before an eighth of the rest is used up.
    fn after_sweep(self, live: usize) -> usize {
        live + (self.limit.saturating_sub(live) / 8).max(1)
    }
}

/// Which group a limit is for.
#[derive(Clone, Copy)]
enum Limited {
    Owner(u32),
    Service(u32),
    Overall,
}

impl Registry {
    /// Is there room for the record that `reserved` was counted for? `replaced` is the record that it takes the place of.
    pub(super) fn make_room(
        &mut self,
        reserved: &Reserved,
        replaced: Option<Id>,
        now: u64,
        ended: &mut Ended,
    ) -> Result<(), ConnectError> {
        // The whole bus first: what it sweeps the others need not.
        let scopes = [
            (Some(Limited::Overall), self.rules.overall),
            (reserved.service.map(Limited::Service), self.rules.per_service),
            (reserved.owner.map(Limited::Owner), self.rules.per_owner),
        ];
        let mut over = false;
        for (scope, rule) in scopes {
            let Some(scope) = scope else { continue };
            if self.sweep_is_due(scope, rule) {
                self.sweep_scope(scope, now, ended);
                let live = self.live_in(scope);
                *self.next_sweep(scope) = rule.after_sweep(live);
            }
            let replaces = replaced.is_some_and(|id| self.is_in(scope, id));
            let live = self.live_in(scope) - usize::from(replaces);
            if live < rule.limit {
                continue;
            }
            match self.rules.policy {
                LimitPolicy::Warn => over = true,
                LimitPolicy::Reject => {
                    self.totals.rejected += 1;
                    return Err(ConnectError::LimitReached { who: self.who(scope), limit: rule.limit, live });
                }
                LimitPolicy::EvictOldest => {
                    if let Some(oldest) = self.oldest_in(scope, replaced) {
                        self.end(oldest, EndReason::Limit, ended);
                    }
                }
            }
        }
        self.totals.over_limit += u64::from(over);
        Ok(())
    }

    /// How many records a group has besides the one that is to come.
    fn live_in(&self, scope: Limited) -> usize {
        match scope {
            Limited::Owner(index) => self.owners.live(index) - 1,
            Limited::Service(index) => self.services.live(index) - 1,
            Limited::Overall => self.records.len() + self.reserved - 1,
        }
    }

    fn is_in(&self, scope: Limited, id: Id) -> bool {
        self.records.get(id).is_some_and(|record| match scope {
            Limited::Owner(index) => record.owner == Some(index),
            Limited::Service(index) => record.service == Some(index),
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

    fn oldest_in(&self, scope: Limited, but: Option<Id>) -> Option<Id> {
        let is_there = |id: &Id| Some(*id) != but && self.records.contains(*id);
        match scope {
            Limited::Owner(index) => self.owners.members(index).iter().copied().find(is_there),
            Limited::Service(index) => self.services.members(index).iter().copied().find(is_there),
            Limited::Overall => {
                let all = self.records.iter().filter(|(id, _)| Some(*id) != but);
                all.min_by_key(|(_, record)| record.created).map(|(id, _)| id)
            }
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
