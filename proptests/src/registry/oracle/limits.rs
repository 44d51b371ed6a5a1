//! Whether there may be one more connection.

use super::state::{Due, Group, Record, State};
use crate::oracle::OracleSlot;
use crate::registry::program::What;
use pulsebus::{ConnectError, EndReason, LimitPolicy, Who};
use std::sync::Arc;
use std::time::Duration;

impl State {
    /// Makes room for a connection that is about to come, and counted as such already; or says why there is none.
    pub(super) fn make_room(&mut self, what: &What, now: Duration, due: &mut Due) -> Result<(), ConnectError> {
        let config = self.config.clone();
        let mut groups = vec![(Group::All, config.limits.overall)];
        groups.extend(what.service.map(|service| (Group::Service(service), config.limits.per_service)));
        groups.extend(what.owner.map(|owner| (Group::Owner(owner), config.limits.per_owner)));
        for (group, limit) in &groups {
            if !self.is_near(group, *limit) {
                self.next_sweep_in.remove(group);
            }
        }
        // Those whose place it takes, or others of its batch do.
        let mut replaced = self.replacing.clone();
        replaced.extend(self.find_name(what).filter(|slot| !is_one_of(slot, &self.replacing)));
        let mut over = false;
        for (group, limit) in groups {
            if self.sweep_is_due(&group, limit) {
                self.sweep(&group, true, now, due);
                let left = self.others_in(&group);
                let limit = limit.unwrap_or(usize::MAX);
                let eighth = if left < limit { (limit - left) / 8 } else { left / 8 };
                self.next_sweep_in.insert(group.clone(), left + eighth.max(1));
            }
            let Some(limit) = limit else { continue };
            if self.besides(&group, &replaced) < limit {
                continue;
            }
            if config.limits.policy != LimitPolicy::Warn {
                // What has ended turns nobody away.
                self.sweep(&group, true, now, due);
            }
            let live = self.besides(&group, &replaced);
            if live < limit {
                continue;
            }
            match config.limits.policy {
                LimitPolicy::Reject => {
                    self.totals.rejected += 1;
                    return Err(ConnectError::LimitReached { who: who(&group), limit, live });
                }
                LimitPolicy::EvictOldest => {
                    // One for the one that comes, and one for a limit that was lowered.
                    let first = self.evict(&group, &replaced, due);
                    over |= !first;
                    if first && self.besides(&group, &replaced) >= limit {
                        self.evict(&group, &replaced, due);
                    }
                }
                _ => over = true,
            }
        }
        self.totals.over_limit += u64::from(over);
        Ok(())
    }

    /// Ends the oldest one. Was there one?
    fn evict(&mut self, group: &Group, replaced: &[Arc<OracleSlot>], due: &mut Due) -> bool {
        let may_go = |r: &&Record| r.is_in(group) && !is_one_of(&r.slot, replaced);
        let oldest = self.records.iter().find(may_go).map(|record| record.slot.clone());
        oldest.is_some_and(|oldest| {
            self.end(&oldest, EndReason::Limit, due);
            true
        })
    }

    /// How many there are in a group besides the one that is about to come, and those whose place it takes.
    fn besides(&self, group: &Group, replaced: &[Arc<OracleSlot>]) -> usize {
        let replaced_here = self.records.iter().filter(|r| r.is_in(group) && is_one_of(&r.slot, replaced));
        self.others_in(group) - replaced_here.count()
    }

    /// How many there are in a group besides the one that is about to come.
    fn others_in(&self, group: &Group) -> usize {
        self.count(group) - 1
    }

    fn is_near(&self, group: &Group, limit: Option<usize>) -> bool {
        let live = self.others_in(group);
        live > 0 && limit.is_some_and(|limit| live as f64 >= limit as f64 * self.config.sweep_at)
    }

    /// From a share of the limit on, what is stale is swept: but after a sweep only when an eighth of what it left free is
    /// used up, or beyond the limit, when there are an eighth more, or there were fewer than the limit in between.
    fn sweep_is_due(&mut self, group: &Group, limit: Option<usize>) -> bool {
        let Some(limit) = limit else { return false };
        let live = self.others_in(group);
        let next = self.next_sweep_in.entry(group.clone()).or_default();
        if live < limit {
            // Also if it is not near any more: another group's sweep may have come before.
            *next = limit.min(*next);
        }
        let next = *next;
        self.is_near(group, Some(limit)) && live >= next
    }

    /// Before a connection is made: is an emergency over?
    pub(super) fn look_for_calm(&mut self) {
        self.in_emergency &= self.is_emergency();
    }

    /// After a connection was made: how many there are, and may be, if that is an emergency that was none before.
    pub(super) fn look_for_emergency(&mut self) -> Option<(usize, usize)> {
        let was = self.in_emergency;
        self.in_emergency = self.is_emergency();
        if was || !self.in_emergency {
            return None;
        }
        self.totals.emergencies += 1;
        Some((self.records.len(), self.config.limits.overall?))
    }

    fn is_emergency(&self) -> bool {
        let live = self.records.len();
        self.config
            .limits
            .overall
            .is_some_and(|limit| live > 0 && live as f64 >= limit as f64 * self.config.emergency_at)
    }
}

fn is_one_of(slot: &Arc<OracleSlot>, all: &[Arc<OracleSlot>]) -> bool {
    all.iter().any(|one| Arc::ptr_eq(one, slot))
}

fn who(group: &Group) -> Who {
    match group {
        Group::Owner(owner) => Who::Owner(owner.owner()),
        Group::Service(service) => Who::Service((*service).into()),
        _ => Who::Overall,
    }
}
