//! Admin commands under a hostile reading: nothing runs unseen, no secret is kept, no policy makes it panic.
#![cfg(feature = "admin")]

use pulsebus::admin::{Admin, AdminError, Command, Outcome, Policy, Role, SlowDown, Token};
use pulsebus::{Bus, ManualClock, Pool, Pools, Signal};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

const HERE: &str = "10.0.0.7";
const PHRASE: &str = "correct horse battery staple, twice";

fn token() -> Token {
    Token::generate().unwrap()
}

fn admin(bus: &Bus, policy: Policy) -> Admin {
    Admin::without_monitor(bus, &Pools::new(), policy).unwrap()
}

#[test]
fn a_policy_under_which_every_wrong_one_is_free_slows_nobody_down() {
    let mut slow_down = SlowDown::default();
    (slow_down.free, slow_down.crowd) = (u32::MAX, u32::MAX);
    let ann = token();
    let admin = admin(&Bus::new(), Policy::new().token("ann", Role::Admin, &ann).slow_down(slow_down));
    for _ in 0..50 {
        let error = admin.run("wrong", HERE, "help").unwrap_err();
        assert!(matches!(error, AdminError::WrongCredential { retry_after: Duration::ZERO }), "{error}");
    }
    assert!(admin.run(ann.expose(), HERE, "help").is_ok());
    assert_eq!(admin.audit_ring().len(), 51);
}

#[test]
fn a_secret_of_several_words_is_not_kept_either() {
    let phrase = Token::from_secret(PHRASE).unwrap();
    let admin = admin(&Bus::new(), Policy::new().token("ann", Role::Admin, &phrase));
    for command in [
        PHRASE.to_string(),
        format!("pool \"{PHRASE}\""),
        format!("connections owner=\"{PHRASE}\" limit=1"),
        format!("connections owner=key:\"{PHRASE}\""),
    ] {
        let _ = admin.run(PHRASE, HERE, &command);
        // Given in the wrong order, by who is let in or not.
        let _ = admin.run("help", "10.0.0.8", &command);
    }
    for record in admin.audit_ring() {
        assert!(!record.what.contains("battery") && record.what.contains("[hidden]"), "{record}");
    }
}

#[test]
fn what_is_no_secret_is_kept() {
    let ann = token();
    let admin = admin(&Bus::new(), Policy::new().token("ann", Role::Admin, &ann));
    let long = "connections owner=\"somebody with a long name, longer than a secret\" limit=1";
    for command in ["help", long, "cleanup service \"Two words\" --dry-run"] {
        let _ = admin.run(ann.expose(), HERE, command);
        assert_eq!(admin.audit_ring().last().unwrap().what, command);
    }
    let _ = admin.run("wrong", HERE, "cleanup service \"Two words\" --dry-run");
    assert_eq!(admin.audit_ring().last().unwrap().what, "cleanup service \"Two words\" --dry-run");
}

#[test]
fn when_a_credential_is_revoked_no_command_of_it_is_noted_any_more() {
    // Long to be noted: there is much in it that could be a secret.
    let word = "a-word-that-is-as-long-as-a-secret ";
    let command = format!("pool {}", word.repeat(110));
    for _ in 0..20 {
        let (bus, ann, eve) = (Bus::new(), token(), token());
        let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann).token("eve", Role::Operator, &eve));
        let running = AtomicBool::new(false);
        let of_eve =
            || admin.audit_ring().iter().filter(|record| record.who.as_ref().is_some_and(|who| *who == "eve")).count();
        std::thread::scope(|scope| {
            let theirs = scope.spawn(|| {
                loop {
                    let result = admin.run(eve.expose(), HERE, &command);
                    running.store(true, SeqCst);
                    if matches!(result, Err(AdminError::WrongCredential { .. })) {
                        return;
                    }
                }
            });
            while !running.load(SeqCst) {
                std::thread::yield_now();
            }
            assert!(admin.revoke("eve"));
            let noted = of_eve();
            theirs.join().unwrap();
            assert_eq!(of_eve(), noted, "a command was begun with it");
        });
    }
}

#[test]
fn each_command_that_prints_is_read_as_itself() {
    let hostile = [
        "7",
        "-1",
        "+7",
        "007",
        "key:a",
        "key:\"a\"",
        "--yes",
        "a=b",
        "owner=7",
        "\\",
        "\"",
        " ",
        "a\"b c\"",
        "\u{202e}",
        "\n",
    ];
    for text in hostile {
        let quoted: String = text
            .chars()
            .map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if c.is_control() || c == '\u{202e}' => c.escape_unicode().to_string(),
                c => c.to_string(),
            })
            .collect();
        for written in [
            format!("cleanup owner \"{quoted}\""),
            format!("cleanup owner key:\"{quoted}\" --dry-run"),
            format!("cleanup tag \"{quoted}\""),
            format!("connections owner=\"{quoted}\" name=\"{quoted}\" place=\"{quoted}\" stale"),
            format!("pool \"{quoted}\""),
            format!("token revoke \"{quoted}\""),
        ] {
            let command = Command::parse(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(Command::parse(&command.to_string()).as_ref(), Ok(&command), "{written} -> {command}");
        }
    }
}

#[test]
fn values_that_are_no_numbers_change_nothing() {
    let (bus, ann) = (Bus::new(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann));
    let before = bus.config().as_ref().clone();
    for command in [
        "config set sweep_at nan",
        "config set emergency_at -nan",
        "config set sweep_at inf",
        "config set sweep_at -0.1",
        "config set limits.overall 0",
        "config set limits.overall 99999999999999999999",
        "config set stale_sweep_every 0s",
        "config set audit_history 1",
        "config set audit_history 18446744073709551615",
    ] {
        assert!(admin.run(ann.expose(), HERE, command).is_err(), "{command}");
        assert_eq!(*bus.config().as_ref(), before, "{command}");
    }
}

#[test]
fn an_emergency_cleanup_does_what_it_counted_and_leaves_what_pools_must_have() {
    let hand = ManualClock::new();
    let bus = Bus::builder().clock(hand.clock()).build().unwrap();
    let pools = Pools::new();
    let pool = Pool::builder(|| 0_u64).name("bullets").min(5).initial(40).registry(&pools).build().unwrap();
    let signal = Signal::<u32>::new();
    bus.connect(&signal).slot(|_| {}).unwrap();
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    bus.connect(&signal).service("Quest").slot(|_| {}).unwrap();
    let ann = token();
    let admin = Admin::without_monitor(&bus, &pools, Policy::new().token("ann", Role::Admin, &ann)).unwrap();
    let run = |command: &str| admin.run(ann.expose(), HERE, command);
    let Ok(Outcome::Emergency(plan)) = run("emergency-cleanup --dry-run") else { panic!() };
    let Err(AdminError::NeedsYes(told)) = run("emergency-cleanup") else { panic!() };
    assert_eq!(*told, plan);
    assert_eq!((signal.len(), pool.figures().idle), (3, 40));
    let Ok(Outcome::Emergency(done)) = run("emergency-cleanup --yes") else { panic!() };
    assert_eq!((done.stale, done.unmanaged), (plan.stale, plan.unmanaged));
    assert_eq!((done.unmanaged, signal.len()), (1, 2));
    assert!(pool.figures().objects() >= 5 && done.pool_objects == plan.pool_objects, "{done:?} {plan:?}");
}
