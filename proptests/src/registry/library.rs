//! The library: the bus.

use super::program::{Condition, Ending, Form, What, Whose};
use super::{Alarm, Cleaning, Connecting, Farewell, Figures, Hook, Line, Order, Registry, Target, Via};
use crate::bus::{Event, Pulsebus};
use pulsebus::{
    Bus, Config, Connect, ConnectError, Connection, Detail, Domain, Filter, GroupCount, ManualClock, Owner, OwnerScope,
    Service, Signal, Timeout, WeakBus,
};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

/// Uses the bus when it is dropped: which must not happen under the bus's lock.
struct Probe(WeakBus);

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(bus) = self.0.upgrade() {
            bus.len();
        }
    }
}

/// A key of the user's.
struct Player {
    number: u8,
    _probe: Option<Probe>,
}

impl PartialEq for Player {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Player {}

impl Hash for Player {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Player({})", self.number)
    }
}

impl Whose {
    /// As the library has it.
    pub fn owner(self) -> Owner {
        self.probed(None)
    }

    fn probed(self, bus: Option<&Bus>) -> Owner {
        match self {
            Self::Number(number) => number.into(),
            Self::Named(name) => name.into(),
            Self::Player(number) => Owner::key(Player { number, _probe: bus.map(|bus| Probe(bus.downgrade())) }),
        }
    }
}

fn describe<'a, T>(mut connect: Connect<'a, T>, bus: &Bus, what: What, cleaning: Option<Cleaning>) -> Connect<'a, T> {
    if let Some(owner) = what.owner {
        connect = connect.owner(owner.probed(Some(bus)));
    }
    if let Some(service) = what.service {
        connect = connect.service(service);
    }
    if let Some(name) = what.name {
        connect = connect.named(name);
    }
    if let Some(description) = what.description {
        connect = connect.describe(description);
    }
    if let Some(time) = what.idle {
        connect = connect.timeout(Timeout::Idle(time));
    }
    if let Some(time) = what.age {
        connect = connect.timeout(Timeout::Age(time));
    }
    if let Some(Cleaning { callback, .. }) = cleaning {
        let probe = Probe(bus.downgrade());
        connect = connect.on_cleanup(move |reason| {
            let _probe = &probe;
            callback(reason);
        });
    }
    connect.tags(what.tags).kind(what.kind)
}

fn start<'a>(
    bus: &'a Bus,
    via: &'a Via<Bus>,
    signal: &'a Arc<Signal<Event>>,
    what: What,
    cleaning: Option<Cleaning>,
) -> Connect<'a, &'a Signal<Event>> {
    let connect = match via {
        Via::Itself => bus.connect(signal),
        Via::Scope(scope) => scope.connect(signal),
        Via::Service(service) => service.connect(signal),
    };
    describe(connect, bus, what, cleaning)
}

fn line(detail: &Detail) -> Line<Connection> {
    let text = |name: &Option<pulsebus::Name>| name.as_ref().map(ToString::to_string);
    Line {
        connection: detail.connection,
        connected: detail.connected,
        owner: detail.owner.as_ref().map(|owner| format!("{owner:?}")),
        scope: text(&detail.scope),
        service: text(&detail.service),
        tags: detail.tags.iter().map(ToString::to_string).collect(),
        kind: detail.kind.clone(),
        name: text(&detail.name),
        description: text(&detail.description),
        created: detail.created,
        age: detail.age,
        has_timeout: detail.has_timeout,
        calls: detail
            .calls
            .map(|calls| if calls.exact { (calls.count, calls.last) } else { (calls.count.min(1), None) }),
        panics: detail.panics,
    }
}

fn groups<K: fmt::Debug>(counts: &[GroupCount<K>], text: impl Fn(&K) -> String) -> BTreeMap<String, (usize, u64)> {
    assert!(
        counts.is_sorted_by_key(|count| std::cmp::Reverse(count.live)),
        "not those with the most first: {counts:?}"
    );
    let map: BTreeMap<_, _> = counts.iter().map(|count| (text(&count.key), (count.live, count.made))).collect();
    assert_eq!(map.len(), counts.len(), "a group occurs twice: {counts:?}");
    map
}

impl Registry for Bus {
    type Signals = Pulsebus;
    type Scope = OwnerScope;
    type Service = Service;

    fn new(config: Config, hand: &ManualClock, _: Order) -> Self {
        let builder = Bus::builder().config(config).domain(&Domain::new()).clock(hand.clock());
        builder.build().expect("the first configuration is valid")
    }

    fn connect(&self, one: Connecting<Self>) -> Result<Connection, ConnectError> {
        let Connecting { signal, via, what, form, target, slot, cleaning } = one;
        let connect = start(self, &via, &signal, what, cleaning);
        match (form, &target) {
            (Form::Slices, _) => connect.slot_batch(move |events| slot.call(events)),
            (Form::Weak(_), Some(target)) => {
                connect.weak(target, move |_: &Target, event| slot.call(slice::from_ref(event)))
            }
            _ => connect.slot(move |event| slot.call(slice::from_ref(event))),
        }
    }

    fn connect_batch(&self, batch: Vec<Connecting<Self>>) -> Result<Vec<Connection>, (usize, ConnectError)> {
        let (ways, parts): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|one| ((one.via, one.signal), (one.what, one.cleaning, one.slot))).unzip();
        let prepared = ways.iter().zip(parts).map(|((via, signal), (what, cleaning, slot))| {
            start(self, via, signal, what, cleaning).prepare(move |event| slot.call(slice::from_ref(event)))
        });
        Bus::connect_batch(self, prepared).map_err(|error| (error.index, error.error))
    }

    fn track(&self, connection: &Connection, what: What, cleaning: Option<Cleaning>) -> Result<(), ConnectError> {
        let tracked = describe(Bus::track(self, *connection), self, what, cleaning).finish()?;
        assert_eq!(tracked, *connection);
        Ok(())
    }

    fn end(&self, which: &Ending) -> usize {
        match which {
            Ending::Owner(owner) => self.cleanup_owner(owner.owner()),
            Ending::Service(service) => self.cleanup_service(*service),
            Ending::Tag(tag) => self.cleanup_tag(*tag),
            Ending::Kind(kind) => self.cleanup_kind(kind),
            Ending::Named(owner, name) => usize::from(self.unregister(owner.owner(), *name)),
            Ending::Where(condition) => self.cleanup_where(|detail| {
                // It runs outside of all locks.
                self.len();
                condition.holds(&line(detail))
            }),
            Ending::Stale => self.cleanup_stale(),
            Ending::Everything => self.emergency_cleanup(),
        }
    }

    fn disconnect(&self, connection: &Connection) -> bool {
        // By number, if it has one: that is the same.
        match Bus::detail(self, *connection) {
            Some(detail) if detail.tags.is_empty() => self.disconnect_id(detail.id),
            _ => Bus::disconnect(self, *connection),
        }
    }

    fn maintain(&self) -> usize {
        Bus::maintain(self, Duration::MAX).stale
    }

    fn shutdown(&self) -> Option<Farewell> {
        let report = Bus::shutdown(self, Duration::MAX).ok()?;
        let services = report.services.iter().map(|(name, count)| (name.to_string(), *count)).collect();
        let (left, owned) = (report.left.iter().map(|left| left.count), report.left.iter().map(|left| left.owned));
        Some(Farewell { services, left: left.sum(), owned: owned.sum(), errors: report.errors })
    }

    fn scope(&self, owner: Whose) -> OwnerScope {
        self.owner(owner.probed(Some(self)))
    }

    fn child(scope: &OwnerScope, name: &'static str) -> OwnerScope {
        scope.child(name)
    }

    fn reset(scope: &OwnerScope) -> usize {
        scope.reset()
    }

    fn leave(scope: OwnerScope) -> usize {
        scope.leave()
    }

    fn release(scope: OwnerScope) {
        scope.release();
    }

    fn scope_len(scope: &OwnerScope) -> usize {
        let length = scope.len();
        assert_eq!(scope.is_empty(), length == 0);
        length
    }

    fn service(&self, name: &'static str) -> Service {
        Bus::service(self, name)
    }

    fn stop(service: &Service) -> usize {
        service.stop()
    }

    fn service_cleanup(service: &Service) -> usize {
        service.cleanup()
    }

    fn service_len(service: &Service) -> usize {
        service.len()
    }

    fn on_shutdown(service: &Service, hook: Hook) {
        service.on_shutdown(hook);
    }

    fn configure(&self, config: Config) -> bool {
        let is_valid = Bus::configure(self, config.clone()).is_ok();
        assert!(!is_valid || *self.config() == config);
        is_valid
    }

    fn on_emergency(&self, alarm: Alarm) {
        Bus::on_emergency(self, move |emergency| alarm(emergency.live, emergency.limit));
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn count_of(&self, owner: Whose) -> usize {
        Bus::count_of(self, owner.owner())
    }

    fn figures(&self) -> Figures {
        let statistics = self.statistics();
        let limits = statistics.limits;
        Figures {
            live: statistics.live,
            peak: statistics.peak,
            made: statistics.made,
            ended: statistics.ended,
            rejected: statistics.rejected,
            over_limit: statistics.over_limit,
            emergencies: statistics.emergencies,
            cleanup_errors: statistics.cleanup_errors,
            panics: statistics.panics,
            owners: groups(&statistics.owners, |owner| format!("{owner:?}")),
            services: groups(&statistics.services, ToString::to_string),
            tags: groups(&statistics.tags, ToString::to_string),
            kinds: statistics.kinds,
            limits: (limits.per_owner, limits.per_service, limits.overall, limits.policy),
        }
    }

    fn details(&self, filter: &Condition) -> Vec<Line<Connection>> {
        let asked = match filter {
            Condition::Owner(owner) => Filter::new().owner(owner.owner()),
            Condition::Service(service) => Filter::new().service(*service),
            Condition::Tag(tag) => Filter::new().tag(*tag),
            Condition::Kind(kind) => Filter::new().kind(kind.clone()),
            others => {
                let all = Bus::details(self, &Filter::new());
                return all.iter().map(line).filter(|line| others.holds(line)).collect();
            }
        };
        Bus::details(self, &asked).iter().map(line).collect()
    }

    fn detail(&self, connection: &Connection) -> Option<Line<Connection>> {
        Bus::detail(self, *connection).as_ref().map(line)
    }

    fn same(a: &Connection, b: &Connection) -> bool {
        a == b
    }
}
