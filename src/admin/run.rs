//! From commands to what they result in.

use super::Inner;
use super::command::{CleanupTarget, Command, Consent, OwnerIs};
use super::emergency;
use super::error::AdminError;
use super::listing;
use super::nearest::{COMPARED, nearest};
use super::outcome::{HelpEntry, Outcome, SettingEntry, TokenEntry};
use super::setting::Setting;
use super::show::printed;
use super::verb::Verb;
use super::watch::Watched;
use crate::bus::{Bus, Filter, Kind, Owner, TopicCount};
use crate::sync::lock;
use std::cmp::Reverse;
use std::time::Duration;

impl Inner {
    /// Runs a command that its giver may give. The user's own code may run in it, and panic: no lock is held while it does.
    pub(super) fn execute(&self, command: &Command) -> Result<Outcome, AdminError> {
        let bus = || self.bus.upgrade().ok_or(AdminError::BusGone);
        let watched = || self.watched.as_deref().ok_or(AdminError::NoMonitor { command: command.verb() });
        Ok(match command {
            Command::Help(of) => help(*of),
            Command::Sample => Outcome::Sample(Box::new(watched()?.sample())),
            Command::Report => Outcome::Report(Box::new(watched()?.report())),
            Command::History { last, limit } => Outcome::History(Box::new(watched()?.history(*last, *limit))),
            Command::Alerts => Outcome::Alerts(Box::new(watched()?.alerts())),
            Command::Health => Outcome::Health(Box::new(watched()?.health())),
            Command::Pools => Outcome::Pools(self.pools().figures()),
            Command::Pool(name) => self.pool(name)?,
            Command::Connections(filter) => listing::connections(&bus()?, filter)?,
            Command::Topics { limit } => topics(&bus()?, *limit),
            Command::Audit => Outcome::Audit(Box::new(bus()?.audit())),
            Command::Collect => Outcome::Collected(emergency::collect(&bus()?)),
            Command::Cleanup { target, dry_run } => cleanup(&bus()?, target, *dry_run)?,
            Command::EmergencyCleanup(Consent::Yes) => Outcome::Emergency(emergency::cleanup(&bus()?, &self.pools())),
            Command::EmergencyCleanup(consent) => match (emergency::plan(&bus()?, &self.pools()), consent) {
                (plan, Consent::DryRun) => Outcome::Emergency(plan),
                (plan, _) => return Err(AdminError::NeedsYes(Box::new(plan))),
            },
            Command::ConfigGet(setting) => config(&bus()?, *setting),
            Command::ConfigSet { setting, value } => self.configure(&bus()?, *setting, value)?,
            Command::Tokens => Outcome::Tokens(self.tokens()),
            Command::TokenRevoke(name) => self.revoke_by_command(name)?,
            Command::Log { limit } => {
                let mut records = lock(&self.ring).records();
                records.drain(..records.len().saturating_sub(*limit));
                Outcome::Log(records)
            }
        })
    }

    fn pool(&self, name: &str) -> Result<Outcome, AdminError> {
        let pools = self.pools();
        let figures = pools.find(name);
        if figures.is_empty() {
            let names: Vec<_> = pools.figures().into_iter().map(|figures| figures.name).collect();
            let near = nearest(name, names.iter().map(|name| &**name));
            return Err(AdminError::not_found("pool", name, near));
        }
        // Those that the pool itself would call leaks are counted in its figures; here is what is out, the most first.
        let leaks = pools.leaks(Duration::ZERO).into_iter().filter(|leak| *leak.pool == *name).collect();
        Ok(Outcome::Pool { figures, leaks })
    }

    fn configure(&self, bus: &Bus, setting: Setting, value: &str) -> Result<Outcome, AdminError> {
        // Of two commands at once none undoes the other's change.
        let _one = lock(&self.configuring);
        let mut config = bus.config().as_ref().clone();
        let before = setting.of(&config);
        // (The parser has tried the same.)
        setting.set(&mut config, value).ok_or_else(|| super::error::ParseError::BadArgument {
            command: Verb::Config,
            argument: setting.name(),
            value: value.to_string(),
            expected: setting.expected(),
            nearest: None,
        })?;
        let after = setting.of(&config);
        bus.configure(config).map_err(|error| AdminError::OutOfRange { setting, error })?;
        Ok(Outcome::ConfigChanged { setting, before, after })
    }

    fn tokens(&self) -> Vec<TokenEntry> {
        let gate = lock(&self.gate);
        gate.credentials.list().map(|(name, role)| TokenEntry { name: name.clone(), role }).collect()
    }

    fn revoke_by_command(&self, name: &str) -> Result<Outcome, AdminError> {
        let mut gate = lock(&self.gate);
        let credentials = &mut gate.credentials;
        let Some(id) = credentials.list().map(|(id, _)| id.clone()).find(|id| *id == *name) else {
            let near = nearest(name, credentials.list().map(|(id, _)| id.as_str())).map(str::to_string);
            return Err(AdminError::not_found("credential", name, near.as_deref()));
        };
        if credentials.is_last_admin(name) {
            return Err(AdminError::LastAdmin { name: name.to_string() });
        }
        credentials.revoke(name);
        Ok(Outcome::Revoked(id))
    }

    fn pools(&self) -> crate::Pools {
        self.watched.as_ref().map_or_else(|| self.pools.clone(), |watched| Watched::pools(&**watched))
    }
}

fn help(of: Option<Verb>) -> Outcome {
    let entry = |verb: Verb| HelpEntry { name: verb.name(), usage: verb.usage(), about: verb.about() };
    Outcome::Help(of.map_or_else(|| Verb::ALL.map(entry).to_vec(), |verb| vec![entry(verb)]))
}

fn config(bus: &Bus, setting: Option<Setting>) -> Outcome {
    let config = bus.config();
    let entry = |setting: Setting| SettingEntry { setting, value: setting.of(&config), expected: setting.expected() };
    Outcome::Config(setting.map_or_else(|| Setting::ALL.map(entry).to_vec(), |setting| vec![entry(setting)]))
}

fn topics(bus: &Bus, limit: usize) -> Outcome {
    let mut shown: Vec<TopicCount> = bus.topic_counts().into_iter().map(|(_, topic)| topic).collect();
    let total = shown.len();
    shown.sort_by(|a, b| (Reverse(a.live), &a.label).cmp(&(Reverse(b.live), &b.label)));
    shown.truncate(limit);
    Outcome::Topics { total, shown }
}

fn cleanup(bus: &Bus, target: &CleanupTarget, dry_run: bool) -> Result<Outcome, AdminError> {
    let found = match target {
        CleanupTarget::Owner(OwnerIs::Key(text)) => {
            let sum = |owners: Vec<Owner>, f: &dyn Fn(Owner) -> usize| owners.into_iter().map(f).sum();
            let owners = owners_printed(bus, text);
            if dry_run {
                sum(owners, &|owner| bus.count_of(owner))
            } else {
                sum(owners, &|owner| bus.cleanup_owner(owner))
            }
        }
        CleanupTarget::Owner(owner) => match owner.owner() {
            Some(owner) if dry_run => bus.count_of(owner),
            Some(owner) => bus.cleanup_owner(owner),
            None => 0,
        },
        CleanupTarget::Service(name) if dry_run => connected(bus, &Filter::new().service(name.clone())),
        CleanupTarget::Service(name) => bus.cleanup_service(name.clone()),
        CleanupTarget::Tag(name) if dry_run => connected(bus, &Filter::new().tag(name.clone())),
        CleanupTarget::Tag(name) => bus.cleanup_tag(name.clone()),
        CleanupTarget::Kind(name) if dry_run => connected(bus, &Filter::new().kind(Kind::called(name))),
        CleanupTarget::Kind(name) => bus.cleanup_kind(&Kind::called(name)),
        CleanupTarget::Stale if dry_run => bus.endable().stale,
        CleanupTarget::Stale => bus.cleanup_stale(),
    };
    match (found, target) {
        (0, CleanupTarget::Owner(_) | CleanupTarget::Service(_) | CleanupTarget::Tag(_) | CleanupTarget::Kind(_)) => {
            Err(nothing_of(bus, target))
        }
        _ => Ok(Outcome::Cleanup { target: target.to_string(), count: found, dry_run }),
    }
}

/// The owners of some type of the user's that print so.
fn owners_printed(bus: &Bus, text: &str) -> Vec<Owner> {
    let owners = bus.statistics().owners.into_iter().map(|count| count.key);
    owners.filter(|owner| owner.is_key() && printed(owner) == *text).collect()
}

fn connected(bus: &Bus, filter: &Filter) -> usize {
    let mut count = 0;
    bus.each_detail(filter, |detail| count += usize::from(detail.connected));
    count
}

/// There is no connection of that owner, service, tag or kind: was another one meant?
fn nothing_of(bus: &Bus, target: &CleanupTarget) -> AdminError {
    let statistics = bus.statistics();
    let near = |name: &str, names: Vec<String>| {
        nearest(name, names.iter().take(COMPARED).map(String::as_str)).map(str::to_string)
    };
    let (what, name, near) = match target {
        CleanupTarget::Owner(owner) => {
            let name = match owner {
                OwnerIs::Name(name) | OwnerIs::Key(name) => name.clone(),
                OwnerIs::Number(number) => number.to_string(),
            };
            let is_key = matches!(owner, OwnerIs::Key(_));
            let owners = statistics.owners.iter().map(|count| &count.key).filter(|owner| owner.is_key() == is_key);
            // A number is not near to another one.
            let names = owners.take(COMPARED).map(printed);
            let names = names.filter(|name| is_key || super::parse::number(name).is_none()).collect();
            let near = if matches!(owner, OwnerIs::Number(_)) { None } else { near(&name, names) };
            ("owner", name, near)
        }
        CleanupTarget::Service(name) => {
            let names = statistics.services.iter().map(|count| count.key.to_string()).collect();
            ("service", name.clone(), near(name, names))
        }
        CleanupTarget::Tag(name) => {
            let names = statistics.tags.iter().map(|count| count.key.to_string()).collect();
            ("tag", name.clone(), near(name, names))
        }
        CleanupTarget::Kind(name) => {
            let names = statistics.kinds.keys().map(ToString::to_string).collect();
            ("kind", name.clone(), near(name, names))
        }
        CleanupTarget::Stale => ("connection", "stale".to_string(), None),
    };
    AdminError::not_found(what, &name, near.as_deref())
}
