//! Admin commands: who is let in, and what each may do.
#![cfg(feature = "admin")]

use pulsebus::admin::{Admin, AdminError, Command, Outcome, Policy, PolicyError, Role, Token};
use pulsebus::{Bus, Pools, Signal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const HERE: &str = "10.0.0.7";

fn token() -> Token {
    Token::generate().unwrap()
}

fn admin(bus: &Bus, policy: Policy) -> Admin {
    Admin::without_monitor(bus, &Pools::new(), policy).unwrap()
}

fn refusal(policy: Policy) -> PolicyError {
    Admin::without_monitor(&Bus::new(), &Pools::new(), policy).unwrap_err()
}

fn is_wrong(result: &Result<Outcome, AdminError>) -> bool {
    matches!(result, Err(AdminError::WrongCredential { .. }))
}

/// One of each command, with the least role that may give it.
fn all_commands() -> Vec<(&'static str, Role)> {
    use Role::{Admin, Operator, Viewer};
    vec![
        ("help", Viewer),
        ("help cleanup", Viewer),
        ("sample", Viewer),
        ("report", Viewer),
        ("history 5m", Viewer),
        ("pools", Viewer),
        ("pool bullets", Viewer),
        ("connections owner=7", Viewer),
        ("topics", Viewer),
        ("audit", Viewer),
        ("config get", Viewer),
        ("config get sweep_at", Viewer),
        ("alerts", Viewer),
        ("health", Viewer),
        ("collect", Operator),
        ("cleanup owner 7", Operator),
        ("cleanup service Quest", Operator),
        ("cleanup tag hud", Operator),
        ("cleanup kind timer", Operator),
        ("cleanup stale", Operator),
        ("cleanup stale --dry-run", Operator),
        ("config set sweep_at 0.5", Admin),
        ("emergency-cleanup --yes", Admin),
        ("emergency-cleanup --dry-run", Admin),
        ("emergency-cleanup", Admin),
        ("tokens", Admin),
        ("token revoke nobody", Admin),
        ("log 5", Admin),
    ]
}

#[test]
fn without_a_credential_it_refuses_to_start() {
    assert_eq!(refusal(Policy::new()), PolicyError::NoCredential);
    assert_eq!(refusal(Policy::default()), PolicyError::NoCredential);
}

#[test]
fn a_policy_with_something_wrong_in_it_refuses_to_start() {
    let (one, two) = (token(), token());
    let named = |name: &str| refusal(Policy::new().token(name, Role::Admin, &one));
    for name in ["", "two words", "a\nb", "ä", &"x".repeat(65)] {
        assert!(matches!(named(name), PolicyError::BadName { .. }), "{name}");
    }
    assert!(!named("a\nb").to_string().contains('\n'));
    let twice = Policy::new().token("ann", Role::Viewer, &one);
    assert_eq!(refusal(twice.clone().token("ann", Role::Admin, &two)), PolicyError::NameTaken { name: "ann".into() });
    assert_eq!(refusal(twice.token("bob", Role::Admin, &one)), PolicyError::SecretTaken { name: "bob".into() });
    for hash in ["", "secret", "sha256:", "sha256:xyz", &one.hash()[..70]] {
        let error = refusal(Policy::new().token("ok", Role::Admin, &two).token_hash("ann", Role::Viewer, hash));
        assert_eq!(error, PolicyError::BadHash { name: "ann".into() });
    }
    let good = || Policy::new().token("ann", Role::Admin, &one);
    for policy in [good().max_command(15), good().max_command(65_537), good().audit_capacity(0)] {
        assert!(matches!(refusal(policy), PolicyError::OutOfRange { .. }));
    }
}

#[test]
fn secrets_that_can_be_guessed_are_refused() {
    assert!(matches!(Token::from_secret("hunter2"), Err(PolicyError::SecretTooShort { length: 7 })));
    assert!(matches!(Token::from_secret("abc".repeat(20)), Err(PolicyError::SecretTooPlain { different: 3 })));
    assert!(matches!(Token::from_secret("0123456789abc".repeat(100)), Err(PolicyError::SecretTooLong { .. })));
    assert!(Token::from_secret("0123456789abcdef0123456789abcdef").is_ok());
}

#[test]
fn a_token_and_its_hash_let_the_same_bearer_in() {
    let (ann, bob) = (token(), Token::from_secret("a secret that bob has made for himself").unwrap());
    let policy = Policy::new().token("ann", Role::Viewer, &ann).token_hash("bob", Role::Viewer, &bob.hash());
    let bus = Bus::new();
    let admin = admin(&bus, policy);
    for secret in [ann.expose(), bob.expose()] {
        assert!(admin.run(secret, HERE, "help").is_ok());
    }
    let names: Vec<String> = admin.audit_ring().iter().map(|record| record.who.clone().unwrap().to_string()).collect();
    assert_eq!(names, ["ann", "bob"]);
}

#[test]
fn whoever_has_no_credential_learns_nothing_about_commands() {
    let (bus, ann) = (Bus::new(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann));
    let hash = ann.hash();
    let wrong = ["", "ann", "pb_", &hash, &hash[7..], &ann.expose()[3..], &format!(" {}", ann.expose())];
    for (number, credential) in wrong.into_iter().enumerate() {
        for (round, command) in ["help", "no such command", "\0", ""].into_iter().enumerate() {
            let source = format!("{number}.{round}");
            assert!(is_wrong(&admin.run(credential, &source, command)), "{credential}");
        }
    }
    assert!(is_wrong(&admin.run_bytes(&[0xff; 2_000], "bytes", b"help")));
    assert_eq!((admin.attempts().wrong, admin.attempts().right), (29, 0));
}

#[test]
fn each_role_may_do_what_the_table_says_and_no_more() {
    for (text, least) in all_commands() {
        assert_eq!(Command::parse(text).unwrap().role(), least, "{text}");
        for role in Role::ALL {
            let (bus, it) = (Bus::new(), token());
            let admin = admin(&bus, Policy::new().token("it", role, &it));
            let result = admin.run(it.expose(), HERE, text);
            let is_forbidden = matches!(result, Err(AdminError::Forbidden { .. }));
            assert_eq!(is_forbidden, role < least, "{text} by {role}: {result:?}");
            if let Err(AdminError::Forbidden { needs, has, command }) = result {
                assert_eq!((needs, has), (least, role));
                assert!(text.starts_with(command.name()));
            }
        }
    }
}

#[test]
fn what_is_forbidden_does_nothing() {
    let (bus, signal, viewer) = (Bus::new(), Signal::<u32>::new(), token());
    let admin = admin(&bus, Policy::new().token("viewer", Role::Viewer, &viewer));
    bus.connect(&signal).owner(7).slot(|_| {}).unwrap();
    let before = bus.config();
    for (text, _) in all_commands().into_iter().filter(|(_, least)| *least > Role::Viewer) {
        assert!(admin.run(viewer.expose(), HERE, text).is_err());
    }
    assert_eq!((bus.len(), signal.len()), (1, 1));
    assert_eq!(bus.config(), before);
}

#[test]
fn a_revoked_token_is_a_wrong_one_from_the_next_command_on() {
    let (bus, ann, bob) = (Bus::new(), token(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann).token("bob", Role::Viewer, &bob));
    assert!(admin.run(bob.expose(), HERE, "topics").is_ok());
    assert!(matches!(admin.run(ann.expose(), HERE, "token revoke bob"), Ok(Outcome::Revoked(name)) if name == "bob"));
    assert!(is_wrong(&admin.run(bob.expose(), HERE, "topics")));
    assert!(!admin.revoke("bob"));
    // The name is free again, for another secret.
    let other = token();
    admin.add_token("bob", Role::Operator, &other).unwrap();
    assert!(admin.run(other.expose(), HERE, "cleanup stale").is_ok());
    assert!(is_wrong(&admin.run(bob.expose(), HERE, "topics")));
    assert!(matches!(admin.add_token("bob", Role::Viewer, &bob), Err(PolicyError::NameTaken { .. })));
    assert!(matches!(admin.add_token("eve", Role::Viewer, &ann), Err(PolicyError::SecretTaken { .. })));
}

#[test]
fn the_last_admin_is_not_revoked_by_a_command() {
    let (bus, ann, bob) = (Bus::new(), token(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann).token("bob", Role::Viewer, &bob));
    let error = admin.run(ann.expose(), HERE, "token revoke ann").unwrap_err();
    assert_eq!(error, AdminError::LastAdmin { name: "ann".into() });
    assert!(admin.run(ann.expose(), HERE, "tokens").is_ok());
    let eve = token();
    admin.add_token("eve", Role::Admin, &eve).unwrap();
    assert!(admin.run(ann.expose(), HERE, "token revoke ann").is_ok());
    assert!(is_wrong(&admin.run(ann.expose(), HERE, "tokens")));
    // The program itself may.
    assert!(admin.revoke("eve"));
    assert!(is_wrong(&admin.run(eve.expose(), HERE, "tokens")));
}

#[test]
fn a_mistyped_name_revokes_nobody() {
    let (bus, ann) = (Bus::new(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann).token("robert", Role::Viewer, &token()));
    let error = admin.run(ann.expose(), HERE, "token revoke robret").unwrap_err();
    assert!(matches!(&error, AdminError::NotFound { nearest: Some(near), .. } if near == "robert"), "{error}");
    let Ok(Outcome::Tokens(tokens)) = admin.run(ann.expose(), HERE, "tokens") else { panic!("tokens") };
    let shown: Vec<_> = tokens.iter().map(|token| (token.name.as_str(), token.role)).collect();
    assert_eq!(shown, [("ann", Role::Admin), ("robert", Role::Viewer)]);
}

#[test]
fn a_token_revoked_on_another_thread_is_wrong_when_that_has_returned() {
    let (bus, ann, eve) = (Bus::new(), token(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann).token("eve", Role::Operator, &eve));
    let (running, revoked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    std::thread::scope(|scope| {
        let (admin, eve) = (&admin, &eve);
        let (is_running, is_revoked) = (Arc::clone(&running), Arc::clone(&revoked));
        let theirs = scope.spawn(move || {
            let mut ran = 0_u64;
            loop {
                let was_revoked = is_revoked.load(SeqCst);
                match admin.run(eve.expose(), HERE, "help") {
                    Ok(_) => {
                        assert!(!was_revoked, "a command was begun with it");
                        ran += 1;
                        is_running.store(true, SeqCst);
                    }
                    Err(error) => {
                        assert!(matches!(error, AdminError::WrongCredential { .. }), "{error}");
                        return ran;
                    }
                }
            }
        });
        while !running.load(SeqCst) {
            std::thread::yield_now();
        }
        let was_there = admin.revoke("eve");
        revoked.store(true, SeqCst);
        assert!(was_there);
        assert!(theirs.join().unwrap() > 0);
    });
}

#[test]
fn no_secret_is_shown_by_what_can_be_printed() {
    let (bus, ann) = (Bus::new(), token());
    let policy = Policy::new().token("ann", Role::Admin, &ann);
    let policy_text = format!("{policy:?}");
    let admin = admin(&bus, policy);
    let _ = admin.run(ann.expose(), HERE, &format!("pool {}", ann.expose()));
    let _ = admin.run(ann.expose(), HERE, ann.expose());
    let _ = admin.run("wrong", HERE, ann.expose());
    let shown = [policy_text, format!("{admin:?}"), format!("{ann:?}"), format!("{:?}", admin.audit_ring())].concat();
    let tokens = admin.run(ann.expose(), HERE, "tokens").unwrap();
    let log = admin.run(ann.expose(), HERE, "log").unwrap();
    let shown = shown + &format!("{tokens} {tokens:?} {log} {log:?}");
    let hash = ann.hash();
    for secret in [&ann.expose()[3..], &hash["sha256:".len()..]] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("pool [hidden]"));
}

#[test]
fn it_does_not_keep_the_bus() {
    let (bus, ann) = (Bus::new(), token());
    let admin = admin(&bus, Policy::new().token("ann", Role::Admin, &ann));
    let weak = bus.downgrade();
    drop(bus);
    assert!(weak.upgrade().is_none());
    assert_eq!(admin.run(ann.expose(), HERE, "cleanup stale").unwrap_err(), AdminError::BusGone);
    assert!(admin.run(ann.expose(), HERE, "help").is_ok());
}
