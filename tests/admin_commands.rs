//! Admin commands: what each does.
#![cfg(feature = "admin")]

use pulsebus::admin::{Admin, AdminError, Collection, ConnectionEntry, Emergency, Outcome, Policy, Role, Token};
use pulsebus::{Bus, Domain, EndReason, Kind, LimitPolicy, ManualClock, Owner, Pools, Signal, Timeout};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    hand: ManualClock,
    bus: Bus,
    signal: Signal<u32>,
    admin: Admin,
    token: Token,
}

fn world() -> World {
    let hand = ManualClock::new();
    // (Another test's collection must not be in the way of ours.)
    let bus = Bus::builder().clock(hand.clock()).domain(&Domain::new()).build().unwrap();
    let token = Token::generate().unwrap();
    let admin = Admin::without_monitor(&bus, &Pools::new(), Policy::new().token("ann", Role::Admin, &token)).unwrap();
    World { hand, bus, signal: Signal::new(), admin, token }
}

impl World {
    fn run(&self, command: &str) -> Result<Outcome, AdminError> {
        self.admin.run(self.token.expose(), "here", command)
    }

    fn shown(&self, command: &str) -> String {
        self.run(command).unwrap().to_string()
    }

    /// How many connections a cleanup ended.
    fn ended(&self, command: &str) -> usize {
        match self.run(command) {
            Ok(Outcome::Cleanup { count, .. }) => count,
            other => panic!("{command}: {other:?}"),
        }
    }

    /// What was not found, and what is near to it.
    fn not_found(&self, command: &str) -> (&'static str, Option<String>) {
        match self.run(command) {
            Err(AdminError::NotFound { what, nearest, .. }) => (what, nearest),
            other => panic!("{command}: {other:?}"),
        }
    }

    fn connections(&self, filters: &str) -> (usize, Vec<ConnectionEntry>) {
        match self.run(&format!("connections {filters}")) {
            Ok(Outcome::Connections { total, shown }) => (total, shown),
            other => panic!("{filters}: {other:?}"),
        }
    }

    fn owned(&self, owner: impl Into<Owner>) {
        self.bus.connect(&self.signal).owner(owner).slot(|_| {}).unwrap();
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Entity {
    index: u32,
}

#[test]
fn help_lists_the_commands_and_explains_one() {
    let world = world();
    let Ok(Outcome::Help(all)) = world.run("help") else { panic!("help") };
    assert_eq!(all.len(), 18);
    let text = world.shown("help");
    for entry in &all {
        assert!(text.contains(entry.usage), "{}", entry.name);
        let Ok(Outcome::Help(one)) = world.run(&format!("help {}", entry.name)) else { panic!("{}", entry.name) };
        assert_eq!(one, std::slice::from_ref(entry));
    }
    assert!(world.shown("help pool").starts_with("pool NAME\n"));
}

#[test]
fn without_a_monitor_what_needs_one_says_so() {
    let world = world();
    for command in ["sample", "report", "history 5m", "alerts", "health"] {
        let error = world.run(command).unwrap_err();
        assert!(matches!(error, AdminError::NoMonitor { .. }), "{error}");
        assert!(error.to_string().starts_with(command.split(' ').next().unwrap()));
    }
    assert_eq!(world.shown("pools"), "no pools\n");
    assert_eq!(world.not_found("pool bullets"), ("pool", None));
}

#[test]
fn connections_are_found_by_each_filter_alone_and_together() {
    let world = world();
    let World { hand, bus, signal, .. } = &world;
    let chat = bus.topic::<String>("room.lobby").unwrap();
    bus.connect(&chat).owner(7).service("Chat").tag("hud").tag("ui").named("lobby").slot(|_| {}).unwrap();
    hand.advance(60 * SECOND);
    bus.connect(signal).owner("7").kind(Kind::Remote).describe("watches").slot(|_| {}).unwrap();
    let line = line!() + 1;
    bus.connect(signal).owner(Owner::key(Entity { index: 1 })).kind(Kind::custom("boss")).slot(|_| {}).unwrap();
    bus.connect(signal).owner(-1).timeout(Timeout::Age(5 * SECOND)).slot(|_| {}).unwrap();
    bus.connect(signal).owner("gone").slot(|_| {}).unwrap().disconnect();
    hand.advance(5 * SECOND);
    let place = format!("place=admin_commands.rs:{line}:");
    for (filters, owners) in [
        ("", &["7", "7", "Entity { index: 1 }", "-1"][..]),
        ("owner=7 name=lobby", &["7"]),
        ("owner=7", &["7"]),
        ("owner=\"7\" kind=remote", &["7"]),
        ("owner=-1", &["-1"]),
        ("owner=\"-1\"", &[]),
        ("owner=key:\"Entity { index: 1 }\"", &["Entity { index: 1 }"]),
        ("owner=\"Entity { index: 1 }\"", &[]),
        ("owner=gone", &[]),
        ("service=Chat", &["7"]),
        ("tag=ui", &["7"]),
        ("tag=ui service=Other", &[]),
        ("kind=boss", &["Entity { index: 1 }"]),
        ("kind=timer", &[]),
        ("topic=room.lobby", &["7"]),
        ("older=65s", &["7"]),
        ("older=1m5s1ms", &[]),
        ("stale", &["-1"]),
        ("stale owner=7", &[]),
        (place.as_str(), &["Entity { index: 1 }"]),
        ("limit=2", &["7", "7"]),
    ] {
        let (total, shown) = world.connections(filters);
        let found: Vec<_> = shown.iter().map(|entry| entry.owner.as_deref().unwrap()).collect();
        assert_eq!(found, owners, "{filters}");
        assert_eq!(total, if filters == "limit=2" { 4 } else { owners.len() }, "{filters}");
    }
    let (_, shown) = world.connections("owner=7");
    let entry = &shown[0];
    assert_eq!((entry.service.as_deref(), entry.name.as_deref()), (Some("Chat"), Some("lobby")));
    assert_eq!((entry.topic.as_deref(), entry.age, entry.kind.as_str()), (Some("room.lobby"), 65 * SECOND, "signal"));
    assert_eq!(entry.tags, ["hud", "ui"]);
    let text = world.shown("connections owner=7");
    let start = format!("{} signal owner=7 service=Chat name=lobby topic=room.lobby tag=hud tag=ui, 0 calls", entry.id);
    assert!(text.starts_with(&start) && text.ends_with("\n1 connection\n"), "{text}");
    assert!(world.shown("connections limit=1").ends_with("and 3 more, 4 connections in all (limit=N shows more)\n"));
    assert_eq!(world.not_found("connections topic=room.loby"), ("topic", Some("room.lobby".into())));
}

#[test]
fn topics_are_listed_the_fullest_first() {
    let world = world();
    let (lobby, garden) = (world.bus.topic::<u32>("room.lobby"), world.bus.topic::<u32>("room.garden"));
    let _second = (lobby.as_ref().unwrap().connect(|_| {}), lobby.unwrap().connect(|_| {}));
    garden.unwrap().connect(|_| {});
    assert_eq!(
        world.shown("topics limit=1"),
        "room.lobby of u32: 2 slots\nand 1 more, 2 topics in all (limit=N shows more)\n"
    );
    let Ok(Outcome::Topics { total, shown }) = world.run("topics") else { panic!("topics") };
    assert_eq!((total, shown[1].label.as_str(), shown[1].live), (2, "room.garden", 1));
}

#[test]
fn audit_shows_what_belongs_to_nobody() {
    let world = world();
    world.bus.connect(&world.signal).slot(|_| {}).unwrap();
    let Ok(Outcome::Audit(audit)) = world.run("audit") else { panic!("audit") };
    assert_eq!(audit.entries()[0].unmanaged, 1);
    assert!(world.shown("audit").starts_with("warning: 1 connection belongs to nobody\n"));
}

#[test]
fn collect_drops_what_ended_slots_captured_and_forgets_unused_topics() {
    let world = world();
    let captured = Arc::new(());
    let theirs = Arc::clone(&captured);
    world.bus.topic::<u32>("unused").unwrap();
    let lobby = world.bus.topic::<u32>("lobby").unwrap();
    lobby.connect(move |_| drop(Arc::clone(&theirs))).disconnect();
    let Ok(Outcome::Collected(Collection { topics, .. })) = world.run("collect") else { panic!("collect") };
    assert_eq!((topics, Arc::strong_count(&captured)), (1, 1));
    assert!(world.shown("collect").starts_with("dropped what "));
}

#[test]
fn cleanups_end_what_they_name_and_a_dry_run_only_counts() {
    let world = world();
    let fill = || {
        let connect = || world.bus.connect(&world.signal);
        (0..3).for_each(|_| world.owned(7));
        world.owned("7");
        world.owned("ann lee");
        world.owned(Owner::key(Entity { index: 1 }));
        world.owned(Owner::key(Entity { index: 2 }));
        connect().service("Quest").slot(|_| {}).unwrap();
        connect().owner("t").tag("hud").slot(|_| {}).unwrap();
        connect().owner("k").kind(Kind::Tween).slot(|_| {}).unwrap();
        connect().owner("c").kind(Kind::custom("boss")).slot(|_| {}).unwrap();
        connect().owner("s").timeout(Timeout::Age(SECOND)).slot(|_| {}).unwrap();
        world.hand.advance(SECOND);
    };
    for (target, count) in [
        ("owner 7", 3),
        ("owner \"7\"", 1),
        ("owner \"ann lee\"", 1),
        ("owner key:\"Entity { index: 2 }\"", 1),
        ("service Quest", 1),
        ("tag hud", 1),
        ("kind tween", 1),
        ("kind boss", 1),
        ("stale", 1),
    ] {
        world.bus.emergency_cleanup();
        fill();
        assert_eq!(world.ended(&format!("cleanup {target} --dry-run")), count, "{target}");
        assert_eq!(world.bus.len(), 12);
        assert_eq!(world.ended(&format!("cleanup --dry-run {target}")), count, "{target}");
        assert_eq!(world.ended(&format!("cleanup {target}")), count, "{target}");
        assert_eq!((world.bus.len(), world.signal.len()), (12 - count, 12 - count), "{target}");
    }
    assert_eq!(world.shown("cleanup stale"), "stale: ended 0 connections\n");
    assert_eq!(world.shown("cleanup owner 7 --dry-run"), "owner 7: would end 3 connections\n");
}

#[test]
fn a_cleanup_of_what_is_not_there_says_what_is() {
    let world = world();
    world.owned("anneliese");
    world.owned(7);
    let connect = || world.bus.connect(&world.signal);
    connect().service("Quest").tag("inventory").kind(Kind::Remote).slot(|_| {}).unwrap();
    for dry_run in ["", " --dry-run"] {
        let not_found = |target: &str| world.not_found(&format!("cleanup {target}{dry_run}"));
        let near = |name: &str| Some(name.to_string());
        assert_eq!(not_found("owner annelise"), ("owner", near("anneliese")));
        assert_eq!(not_found("owner 8"), ("owner", None));
        assert_eq!(not_found("service quest"), ("service", near("Quest")));
        assert_eq!(not_found("tag inventroy"), ("tag", near("inventory")));
        assert_eq!(not_found("kind remot"), ("kind", near("remote")));
        assert_eq!(not_found("owner key:\"Entity { index: 1 }\""), ("owner", None));
    }
    assert_eq!(world.bus.len(), 3);
}

#[test]
fn an_emergency_cleanup_ends_what_is_stale_or_nobodys_and_nothing_else() {
    let world = world();
    let connect = || world.bus.connect(&world.signal);
    let (reasons, target) = (Arc::new(Mutex::new(Vec::new())), Arc::new(()));
    let note = || {
        let reasons = Arc::clone(&reasons);
        move |reason| reasons.lock().unwrap().push(reason)
    };
    world.owned("player");
    connect().service("Quest").slot(|_| {}).unwrap();
    connect().timeout(Timeout::Age(100 * SECOND)).slot(|_| {}).unwrap();
    let _guard = connect().scoped(|_| {}).unwrap();
    let alive = Arc::new(());
    connect().weak(&alive, |(), _| {}).unwrap();
    world.bus.after(100 * SECOND).slot(|_| {}).unwrap();
    connect().owner("player").timeout(Timeout::Age(SECOND)).on_cleanup(note()).slot(|_| {}).unwrap();
    connect().on_cleanup(note()).weak(&target, |(), _| {}).unwrap();
    connect().on_cleanup(note()).slot(|_| {}).unwrap();
    drop(target);
    world.hand.advance(SECOND);

    let Err(AdminError::NeedsYes(plan)) = world.run("emergency-cleanup") else { panic!("needs --yes") };
    let Emergency { done, stale, unmanaged, pool_objects, collected, .. } = &*plan;
    assert_eq!((*done, *stale, *unmanaged, *pool_objects, collected.is_none()), (false, 2, 1, 0, true));
    let text = AdminError::NeedsYes(plan.clone()).to_string();
    assert_eq!(
        text,
        "expected emergency-cleanup --yes; it would: end 2 stale connections and 1 that belongs to nobody, drop 0 idle \
         objects of pools, forget topics that nobody uses, collect"
    );
    let Ok(Outcome::Emergency(dry)) = world.run("emergency-cleanup --dry-run") else { panic!("dry run") };
    assert_eq!((&dry, world.bus.len()), (&*plan, 9));
    assert!(world.shown("emergency-cleanup --dry-run").starts_with("would: end 2 stale"));

    let Ok(Outcome::Emergency(done)) = world.run("emergency-cleanup --yes") else { panic!("done") };
    assert_eq!((done.done, done.stale, done.unmanaged), (true, 2, 1));
    assert!(done.collected.is_some() && done.to_string().starts_with("ended 2 stale connections and 1 that belongs"));
    assert_eq!(world.bus.len(), 6);
    let reasons = reasons.lock().unwrap().clone();
    assert_eq!(reasons, [EndReason::Stale, EndReason::Stale, EndReason::Emergency]);
}

#[test]
fn callbacks_that_panic_stop_no_cleanup() {
    let world = world();
    for _ in 0..3 {
        world.bus.connect(&world.signal).owner(7).on_cleanup(|_| panic!("no")).slot(|_| {}).unwrap();
    }
    assert_eq!(world.ended("cleanup owner 7"), 3);
    assert_eq!(world.bus.statistics().cleanup_errors, 3);
}

#[test]
fn an_owner_that_cannot_be_printed_fails_nothing() {
    #[derive(PartialEq, Eq, Hash)]
    struct Shy;
    impl fmt::Debug for Shy {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("shy\u{1b}")
        }
    }
    let world = world();
    world.owned(Owner::key(Shy));
    world.owned(7);
    let (_, shown) = world.connections("");
    let owners: Vec<_> = shown.iter().map(|entry| entry.owner.as_deref().unwrap()).collect();
    assert_eq!(owners, ["(an owner whose Debug panics)", "7"]);
    assert_eq!(world.connections("owner=key:shy").0, 0);
    assert_eq!(world.not_found("cleanup owner ann"), ("owner", None));
    assert_eq!(world.connections("owner=7").0, 1);
    assert_eq!(world.ended("cleanup owner 7"), 1);
}

#[test]
fn what_the_programs_own_names_have_in_them_steers_no_terminal() {
    let world = world();
    let name = "\u{1b}[2J\nroot\u{202e}";
    world.bus.connect(&world.signal).owner(name).service(name).tag(name).describe(name).slot(|_| {}).unwrap();
    let text = world.shown("connections");
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
    // And can be named all the same.
    assert_eq!(world.connections(r#"owner="\u{1b}[2J\u{a}root\u{202e}""#).0, 1);
    assert_eq!(world.ended(r#"cleanup owner "\u{1b}[2J\u{a}root\u{202e}""#), 1);
}

#[test]
fn the_configuration_is_read_and_changed_by_its_names() {
    let world = world();
    let Ok(Outcome::Config(all)) = world.run("config get") else { panic!("config get") };
    assert_eq!(all.len(), 9);
    assert_eq!(
        world.shown("config get limits.per_owner"),
        "limits.per_owner = 500 (a number of connections from 1 on, or none)\n"
    );
    for (key, value, before) in [
        ("limits.per_owner", "none", "500"),
        ("limits.overall", "50000", "none"),
        ("limits.policy", "evict_oldest", "warn"),
        ("sweep_at", "0.5", "0.8"),
        ("stale_sweep_every", "1m30s", "30s"),
        ("call_statistics", "exact", "sampled"),
        ("audit_history", "7", "20"),
    ] {
        let shown = world.shown(&format!("config set {key} {value}"));
        assert_eq!(shown, format!("{key} = {value}, was {before}\n"));
    }
    let config = world.bus.config();
    assert_eq!((config.limits.per_owner, config.limits.policy), (None, LimitPolicy::EvictOldest));
    assert_eq!((config.stale_sweep_every, config.audit_history), (90 * SECOND, 7));
}

#[test]
fn a_value_out_of_its_range_changes_nothing() {
    let world = world();
    let before = world.bus.config();
    for (command, range) in [
        ("config set sweep_at 1.5", "from 0 to 1"),
        ("config set sweep_at NaN", "from 0 to 1"),
        ("config set limits.per_owner 0", "from 1 to"),
        ("config set stale_sweep_every 0s", "from 0.001 to 86400 seconds"),
        ("config set audit_history 1", "from 2 to 10000"),
    ] {
        let error = world.run(command).unwrap_err();
        assert!(matches!(error, AdminError::OutOfRange { .. }), "{error}");
        assert!(error.to_string().contains(range), "{error}");
    }
    assert_eq!(world.bus.config(), before);
}

#[test]
fn of_many_changes_at_once_none_is_lost() {
    let world = world();
    std::thread::scope(|scope| {
        for key in ["limits.overall", "limits.per_owner", "limits.per_service", "audit_history"] {
            let world = &world;
            scope.spawn(move || {
                for value in 2..3_000 {
                    world.run(&format!("config set {key} {value}")).unwrap();
                    let shown = world.shown(&format!("config get {key}"));
                    assert!(shown.starts_with(&format!("{key} = {value} ")), "set to {value}: {shown}");
                }
            });
        }
    });
}

#[test]
fn a_bus_that_was_shut_down_is_looked_at_all_the_same() {
    let world = world();
    world.owned(7);
    world.bus.shutdown(SECOND).unwrap();
    for command in
        ["connections", "topics", "audit", "collect", "cleanup stale", "emergency-cleanup --yes", "config get"]
    {
        assert!(world.run(command).is_ok(), "{command}");
    }
}
