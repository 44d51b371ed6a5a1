//! Texts that are no commands: what each is told, and what would be right.
#![cfg(feature = "admin")]

use pulsebus::admin::{
    Admin, AdminError, CleanupTarget, Command, ConnectionFilter, Consent, MAX_COMMAND, OwnerIs, ParseError, Policy,
    Role, Setting, Token, Verb,
};
use pulsebus::{Bus, Pools};
use std::time::Duration;

fn error(text: &str) -> ParseError {
    Command::parse(text).expect_err(text)
}

#[test]
fn every_command_is_read() {
    let owner = |owner| Command::Cleanup { target: CleanupTarget::Owner(owner), dry_run: false };
    for (text, expected) in [
        ("help", Command::Help(None)),
        ("help emergency-cleanup", Command::Help(Some(Verb::EmergencyCleanup))),
        ("sample", Command::Sample),
        ("report", Command::Report),
        ("history", Command::History { last: None, limit: 100 }),
        ("history limit=5 1h30m", Command::History { last: Some(Duration::from_secs(5_400)), limit: 5 }),
        ("pools", Command::Pools),
        ("pool \"two words\"", Command::Pool("two words".into())),
        ("connections", Command::Connections(Box::default())),
        ("topics", Command::Topics { limit: 100 }),
        ("audit", Command::Audit),
        ("collect", Command::Collect),
        ("cleanup owner 7", owner(OwnerIs::Number(7))),
        ("cleanup owner 18446744073709551615", owner(OwnerIs::Number(i128::from(u64::MAX)))),
        ("cleanup owner 18446744073709551616", owner(OwnerIs::Name("18446744073709551616".into()))),
        ("cleanup owner 007", owner(OwnerIs::Name("007".into()))),
        ("cleanup owner \"7\"", owner(OwnerIs::Name("7".into()))),
        ("cleanup owner \"--dry-run\"", owner(OwnerIs::Name("--dry-run".into()))),
        ("cleanup owner key:\"E { i: 1 }\"", owner(OwnerIs::Key("E { i: 1 }".into()))),
        ("cleanup --dry-run stale", Command::Cleanup { target: CleanupTarget::Stale, dry_run: true }),
        ("emergency-cleanup", Command::EmergencyCleanup(Consent::Missing)),
        ("emergency-cleanup --yes", Command::EmergencyCleanup(Consent::Yes)),
        ("config get", Command::ConfigGet(None)),
        ("config set sweep_at 0.5", Command::ConfigSet { setting: Setting::SweepAt, value: "0.5".into() }),
        ("alerts", Command::Alerts),
        ("health", Command::Health),
        ("tokens", Command::Tokens),
        ("token revoke ann", Command::TokenRevoke("ann".into())),
        ("log", Command::Log { limit: 20 }),
        ("  log   5 ", Command::Log { limit: 5 }),
    ] {
        let command: Command = text.parse().unwrap();
        assert_eq!(command, expected, "{text}");
        assert_eq!(Command::parse(&command.to_string()), Ok(command));
    }
    let Ok(Command::Connections(filter)) = Command::parse("connections owner=a kind=timer older=30s stale limit=5")
    else {
        panic!("connections")
    };
    let mut expected = ConnectionFilter::default();
    (expected.owner, expected.kind) = (Some(OwnerIs::Name("a".into())), Some("timer".into()));
    (expected.older, expected.stale, expected.limit) = (Some(Duration::from_secs(30)), true, 5);
    assert_eq!(*filter, expected);
}

#[test]
fn an_error_says_what_was_expected_and_what_is_near() {
    for (text, kind, expected) in [
        ("", "empty", "expected a command; help lists them"),
        ("   ", "empty", "expected a command; help lists them"),
        (
            "conections",
            "unknown_command",
            "expected a command, found \"conections\"; did you mean connections? (usage: connections [owner=O]",
        ),
        ("HELP", "unknown_command", "expected a command, found \"HELP\"; did you mean help? (usage: help [COMMAND])"),
        ("emergency_cleanup", "unknown_command", "did you mean emergency-cleanup?"),
        ("teapot", "unknown_command", "expected a command, found \"teapot\"; help lists them"),
        ("help clean", "unknown_command", "did you mean cleanup?"),
        ("pool", "missing_argument", "pool: expected NAME, the name of a pool, found nothing (usage: pool NAME)"),
        ("pool \"\"", "bad_argument", "pool: expected NAME to be the name of a pool, found \"\""),
        ("pool a b", "unexpected_argument", "pool: expected nothing like \"b\" (usage: pool NAME)"),
        ("sample now", "unexpected_argument", "sample: expected nothing like \"now\""),
        ("pool --all", "unexpected_argument", "expected nothing like \"--all\""),
        (
            "history 30",
            "bad_argument",
            "history: expected TIME to be a time such as 500ms, 30s, 5m, 1h30m or 2d, found",
        ),
        ("history 5m 6m", "said_twice", "history: expected TIME once"),
        ("history limt=5", "unexpected_argument", "did you mean limit=?"),
        ("topics limit=0", "bad_argument", "topics: expected limit= to be a number from 1 to 10000, found \"0\""),
        ("topics limit=-1", "bad_argument", "a number from 1 to 10000"),
        ("log 99999999999999999999", "bad_argument", "a number from 1 to 10000"),
        ("connections onwer=7", "unexpected_argument", "did you mean owner=?"),
        ("connections stael", "unexpected_argument", "did you mean stale?"),
        ("connections owner=", "bad_argument", "expected owner= to be an owner: a number, a name, or key:TEXT"),
        ("connections tag=", "bad_argument", "expected tag= to be a text that is not empty"),
        ("connections tag=a tag=b", "said_twice", "connections: expected tag= once"),
        ("connections older=soon", "bad_argument", "a time such as"),
        ("cleanup", "missing_argument", "cleanup: expected WHAT, owner, service, tag, kind or stale, found nothing"),
        ("cleanup ovner 7", "bad_argument", "did you mean owner?"),
        ("cleanup owner", "missing_argument", "an owner: a number, a name, or key:TEXT"),
        ("cleanup owner 7 8", "unexpected_argument", "expected nothing like \"8\""),
        ("cleanup stale --dryrun", "unexpected_argument", "did you mean --dry-run?"),
        ("cleanup stale --dry-run --dry-run", "said_twice", "expected --dry-run once"),
        ("emergency-cleanup --yse", "unexpected_argument", "did you mean --yes?"),
        ("emergency-cleanup yes", "unexpected_argument", "expected nothing like \"yes\""),
        ("emergency-cleanup \"--yes\"", "unexpected_argument", "expected nothing like \"--yes\""),
        ("emergency-cleanup --yes --dry-run", "said_twice", "expected --yes or --dry-run once"),
        ("config", "missing_argument", "config: expected ACTION, get or set, found nothing"),
        ("config gett", "bad_argument", "did you mean get?"),
        ("config get sweepat", "bad_argument", "did you mean sweep_at?"),
        ("config get per_owner", "bad_argument", "did you mean limits.per_owner?"),
        ("config set sweep_at", "missing_argument", "expected VALUE, a share from 0 to 1, found nothing"),
        ("config set sweep_at high", "bad_argument", "expected sweep_at to be a share from 0 to 1, found \"high\""),
        ("config set limits.policy evict-oldest", "bad_argument", "did you mean evict_oldest?"),
        ("token", "missing_argument", "token: expected ACTION, revoke, found nothing"),
        ("token add", "bad_argument", "expected ACTION to be revoke"),
        ("token revoke", "missing_argument", "the name of a credential, see tokens"),
        ("pool \"a", "open_quote", "expected a closing quote to the one at byte 5"),
        ("pool \"\\n\"", "bad_escape", "in quotes, found something else at byte 6"),
        ("pool\ta", "control_character", "found \\u{9} at byte 4: write it \"\\u{9}\", in quotes"),
        ("pool \u{202e}", "control_character", "found \\u{202e} at byte 5"),
    ] {
        let error = error(text);
        let shown = error.to_string();
        assert_eq!(error.kind(), kind, "{text}: {shown}");
        assert!(shown.contains(expected), "{text}: {shown}");
    }
}

#[test]
fn what_is_near_is_itself_valid() {
    for text in ["conections", "help colect", "cleanup sttale", "config get sweep", "topics limmit=4", "confg"] {
        let error = error(text);
        let near = error.nearest().unwrap_or_else(|| panic!("{text}: {error}"));
        assert!(error.usage().unwrap().contains(near) || error.to_string().contains(near), "{text}");
    }
}

#[test]
fn a_command_may_be_as_long_as_the_policy_says_and_no_longer() {
    let fits = format!("pool {}", "x".repeat(MAX_COMMAND - 5));
    assert!(Command::parse(&fits).is_ok());
    assert_eq!(error(&format!("{fits}x")), ParseError::TooLong { length: MAX_COMMAND + 1, limit: MAX_COMMAND });
    let (bus, token) = (Bus::new(), Token::generate().unwrap());
    for (policy, limit) in [(Policy::new().max_command(16), 16), (Policy::new().max_command(65_536), 65_536)] {
        let policy = policy.token("ann", Role::Admin, &token);
        let admin = Admin::without_monitor(&bus, &Pools::new(), policy).unwrap();
        let run = |length: usize| admin.run(token.expose(), "here", &format!("pool {}", "x".repeat(length - 5)));
        assert!(matches!(run(limit), Err(AdminError::NotFound { .. })));
        assert_eq!(run(limit + 1).unwrap_err(), ParseError::TooLong { length: limit + 1, limit }.into());
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let (bus, token) = (Bus::new(), Token::generate().unwrap());
    let policy = Policy::new().token("ann", Role::Admin, &token);
    let admin = Admin::without_monitor(&bus, &Pools::new(), policy).unwrap();
    let run = |bytes: &[u8]| admin.run_bytes(token.expose().as_bytes(), "here", bytes);
    assert!(run(b"topics").is_ok());
    assert_eq!(run(b"topics\xff").unwrap_err(), ParseError::NotUtf8 { at: 6 }.into());
    // Of a text that is too long, nothing else is looked at.
    assert!(matches!(run(&[0xff; 5_000]), Err(AdminError::Parse(ParseError::TooLong { .. }))));
}
