//! Admin commands: any text is a command or an error that can be shown, and any command is read as it is written.

use proptest::prelude::*;
use pulsebus::admin::{
    CleanupTarget, Command, ConnectionFilter, Consent, MAX_COMMAND, OwnerIs, ParseError, Setting, Verb,
};
use pulsebus_proptests::config::config;
use std::time::Duration;

const ADMIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/admin.txt");

/// Names with everything in them that might be taken for something else.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z.:=_-]{1,8}",
        2 => "[ \"\\\\=a-c{}u0-9-]{1,12}",
        1 => "(key:|--|owner=|#)[a-z\" ]{0,5}",
        1 => "-?[0-9]{1,22}",
        2 => any::<String>().prop_filter("not empty", |text| !text.is_empty()),
        1 => "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200b}-\u{202e}a]{1,6}",
    ]
}

fn owner() -> impl Strategy<Value = OwnerIs> {
    prop_oneof![
        any::<u64>().prop_map(|number| OwnerIs::Number(number.into())),
        any::<i64>().prop_map(|number| OwnerIs::Number(number.into())),
        name().prop_map(OwnerIs::Name),
        prop_oneof![Just(String::new()), name()].prop_map(OwnerIs::Key),
    ]
}

fn time() -> impl Strategy<Value = Duration> {
    // Up to a hundred years.
    prop_oneof![0..1_000_u64, 0..3_153_600_000_000_000_000_u64].prop_map(Duration::from_nanos)
}

fn filter() -> impl Strategy<Value = ConnectionFilter> {
    let texts = prop::array::uniform6(prop::option::weighted(0.3, name()));
    let rest = (any::<bool>(), 1..=10_000_usize);
    (prop::option::of(owner()), texts, prop::option::of(time()), rest).prop_map(|(owner, texts, older, rest)| {
        let mut filter = ConnectionFilter::default();
        [filter.service, filter.tag, filter.kind, filter.name, filter.topic, filter.place] = texts;
        (filter.owner, filter.older) = (owner, older);
        (filter.stale, filter.limit) = rest;
        filter
    })
}

fn setting() -> impl Strategy<Value = (Setting, String)> {
    let limit = || prop_oneof![Just("none".to_string()), any::<u32>().prop_map(|limit| limit.to_string())];
    prop_oneof![
        limit().prop_map(|value| (Setting::PerOwner, value)),
        limit().prop_map(|value| (Setting::Overall, value)),
        any::<f64>().prop_map(|share| (Setting::SweepAt, share.to_string())),
        prop_oneof!["warn", "reject", "evict_oldest"].prop_map(|policy| (Setting::Policy, policy)),
        (0..1_000_u32).prop_map(|seconds| (Setting::StaleSweepEvery, format!("{seconds}s"))),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    use Command as C;
    let target = prop_oneof![
        4 => owner().prop_map(CleanupTarget::Owner),
        1 => name().prop_map(CleanupTarget::Service),
        1 => name().prop_map(CleanupTarget::Tag),
        1 => name().prop_map(CleanupTarget::Kind),
        1 => Just(CleanupTarget::Stale),
    ];
    let plain = prop_oneof![
        Just(C::Sample),
        Just(C::Report),
        Just(C::Pools),
        Just(C::Audit),
        Just(C::Collect),
        Just(C::Alerts),
        Just(C::Health),
        Just(C::Tokens),
        Just(C::EmergencyCleanup(Consent::Yes)),
        Just(C::EmergencyCleanup(Consent::DryRun)),
        Just(C::EmergencyCleanup(Consent::Missing)),
    ];
    let limit = || 1..=10_000_usize;
    prop_oneof![
        1 => plain,
        1 => prop::option::of(prop::sample::select(Verb::ALL.to_vec())).prop_map(C::Help),
        1 => (prop::option::of(time()), limit()).prop_map(|(last, limit)| C::History { last, limit }),
        2 => name().prop_map(C::Pool),
        6 => filter().prop_map(|filter| C::Connections(Box::new(filter))),
        1 => limit().prop_map(|limit| C::Topics { limit }),
        4 => (target, any::<bool>()).prop_map(|(target, dry_run)| C::Cleanup { target, dry_run }),
        1 => prop::option::of(prop::sample::select(Setting::ALL.to_vec())).prop_map(C::ConfigGet),
        1 => setting().prop_map(|(setting, value)| C::ConfigSet { setting, value }),
        1 => name().prop_map(C::TokenRevoke),
        1 => limit().prop_map(|limit| C::Log { limit }),
    ]
}

/// Texts that are nearly commands.
fn nearly() -> impl Strategy<Value = String> {
    let verb = prop::sample::select(Verb::ALL.to_vec()).prop_map(|verb| verb.name().to_string());
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "owner", "service", "tag", "kind", "stale", "--dry-run", "--yes", "get", "set", "revoke", "sweep_at", "30s", "7",
            "owner=", "owner=7", "limit=", "limit=3", "older=5m", "tag=\"a b\"", "key:", "\"", "\t", "\u{202e}", "--yes --yes", "tag=a tag=b", "\\", "\"\\u{", "=",
        ])
        .prop_map(str::to_string),
        1 => any::<String>(),
        1 => "[a-z\"\\\\ ={}:-]{0,10}",
    ];
    (verb, prop::collection::vec(word, 0..5))
        .prop_map(|(verb, words)| words.into_iter().fold(verb, |text, word| format!("{text} {word}")))
}

/// Whatever it is: it is read or refused, and both can be shown in a line.
fn check(text: &str) -> Result<(), TestCaseError> {
    match Command::parse(text) {
        Ok(command) => {
            let written = command.to_string();
            prop_assert!(!written.chars().any(char::is_control), "{written:?}");
            if written.len() <= MAX_COMMAND {
                prop_assert_eq!(Command::parse(&written), Ok(command), "{}", written);
            }
        }
        Err(error) => {
            let shown = error.to_string();
            prop_assert!(shown.len() < 2_000 && !shown.chars().any(char::is_control), "{shown:?}");
            if let Some(near) = error.nearest() {
                prop_assert!(shown.contains(near), "{shown}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(ADMIN, 6_000))]

    #[test]
    fn any_text_is_a_command_or_an_error_that_can_be_shown(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_text_that_is_nearly_a_command_too(text in nearly()) {
        check(&text)?;
    }

    #[test]
    fn any_command_is_read_as_it_is_written(command in command()) {
        let text = command.to_string();
        prop_assert_eq!(text.parse::<Command>(), Ok(command), "{}", text);
    }

    #[test]
    fn a_command_that_is_cut_anywhere_is_no_reason_to_panic(command in command(), at in any::<prop::sample::Index>()) {
        let text = command.to_string();
        let at = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        check(&text[..at])?;
    }
}

proptest! {
    #![proptest_config(config(ADMIN, 200))]

    #[test]
    fn whatever_is_too_long_is_refused_for_that(text in "\\PC{1,20}", times in 1..5_000_usize) {
        let text = text.repeat(MAX_COMMAND / text.len() + times);
        let expected = ParseError::TooLong { length: text.len(), limit: MAX_COMMAND };
        if text.len() > MAX_COMMAND {
            prop_assert_eq!(Command::parse(&text), Err(expected));
        }
        check(&text)?;
    }
}

#[test]
fn the_texts_are_worth_reading() {
    // Over a fixed set of them, each kind of error occurs, and commands do too.
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    for _ in 0..20_000 {
        let text = nearly().new_tree(&mut runner).expect("nothing is filtered").current();
        let kind = Command::parse(&text).map_or_else(|error| error.kind(), |_| "ok");
        *kinds.entry(kind).or_default() += 1;
    }
    let expected = [
        "bad_argument",
        "bad_escape",
        "control_character",
        "missing_argument",
        "ok",
        "open_quote",
        "said_twice",
        "unexpected_argument",
        "unknown_command",
    ];
    for kind in expected {
        assert!(kinds.get(kind).is_some_and(|count| *count > 10), "{kind}: {kinds:?}");
    }
}
