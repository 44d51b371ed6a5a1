//! From text to commands.

use super::command::{CleanupTarget, Command, ConnectionFilter, Consent, OwnerIs};
use super::duration;
use super::error::ParseError;
use super::nearest::nearest;
use super::setting::Setting;
use super::verb::Verb;
use super::words::{Word, words};
use crate::bus::Config;
use std::time::Duration;

/// So many are shown if nothing is said: connections, topics, measurements.
pub(super) const LIMIT: usize = 100;
/// And so many at most.
pub(super) const MOST: usize = 10_000;
/// So many commands does `log` show if nothing is said.
pub(super) const LOG: usize = 20;

/// Parses a command of at most so many bytes.
pub(super) fn command(text: &str, longest: usize) -> Result<Command, ParseError> {
    if text.len() > longest {
        return Err(ParseError::TooLong { length: text.len(), limit: longest });
    }
    let mut words = words(text)?.into_iter();
    let Some(first) = words.next() else { return Err(ParseError::Empty) };
    let Some(verb) = Verb::find(&first.text) else {
        let near = nearest(&first.text, Verb::ALL.map(Verb::name));
        return Err(ParseError::UnknownCommand { word: first.text, nearest: near });
    };
    let mut rest = Arguments { verb, words: words.collect::<Vec<_>>().into_iter() };
    let command = rest.command()?;
    rest.end()?;
    Ok(command)
}

/// A whole number as an owner is numbered, written as numbers print.
pub(super) fn number(text: &str) -> Option<i128> {
    let number: i128 = text.parse().ok()?;
    let is_owner = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number);
    (is_owner && number.to_string() == text).then_some(number)
}

/// What is left of a command.
struct Arguments {
    verb: Verb,
    words: std::vec::IntoIter<Word>,
}

impl Arguments {
    fn command(&mut self) -> Result<Command, ParseError> {
        Ok(match self.verb {
            Verb::Help => Command::Help(self.help()?),
            Verb::Sample => Command::Sample,
            Verb::Report => Command::Report,
            Verb::History => self.history()?,
            Verb::Pools => Command::Pools,
            Verb::Pool => Command::Pool(self.name("NAME", "the name of a pool")?),
            Verb::Connections => Command::Connections(Box::new(self.filter()?)),
            Verb::Topics => {
                let mut limit = None;
                while let Some(word) = self.words.next() {
                    self.limit(&word, &mut limit)?;
                }
                Command::Topics { limit: limit.unwrap_or(LIMIT) }
            }
            Verb::Audit => Command::Audit,
            Verb::Collect => Command::Collect,
            Verb::Cleanup => self.cleanup()?,
            Verb::EmergencyCleanup => Command::EmergencyCleanup(self.consent()?),
            Verb::Config => self.config()?,
            Verb::Alerts => Command::Alerts,
            Verb::Health => Command::Health,
            Verb::Tokens => Command::Tokens,
            Verb::Token => {
                self.one_of("ACTION", &["revoke"])?;
                Command::TokenRevoke(self.name("NAME", "the name of a credential, see tokens")?)
            }
            Verb::Log => {
                let count = self.words.next().map(|word| self.count("N", &word.text));
                Command::Log { limit: count.transpose()?.unwrap_or(LOG) }
            }
        })
    }

    fn help(&mut self) -> Result<Option<Verb>, ParseError> {
        let Some(word) = self.words.next() else { return Ok(None) };
        let verb = Verb::find(&word.text);
        verb.map(Some).ok_or_else(|| {
            let near = nearest(&word.text, Verb::ALL.map(Verb::name));
            ParseError::UnknownCommand { word: word.text, nearest: near }
        })
    }

    fn history(&mut self) -> Result<Command, ParseError> {
        let (mut last, mut limit) = (None, None);
        while let Some(word) = self.words.next() {
            if word.split().is_some() {
                self.limit(&word, &mut limit)?;
            } else {
                let time = self.time("TIME", &word.text)?;
                self.once("TIME", &mut last, time)?;
            }
        }
        Ok(Command::History { last, limit: limit.unwrap_or(LIMIT) })
    }

    fn filter(&mut self) -> Result<ConnectionFilter, ParseError> {
        const KEYS: [&str; 10] =
            ["owner=", "service=", "tag=", "kind=", "name=", "topic=", "place=", "older=", "limit=", "stale"];
        let (mut filter, mut limit, mut stale) = (ConnectionFilter::default(), None, None);
        while let Some(word) = self.words.next() {
            if word.is_bare() && word.text == "stale" {
                self.once("stale", &mut stale, ())?;
                continue;
            }
            let Some((key, value)) = word.split() else { return Err(self.unexpected(&word, &KEYS)) };
            let text = match key {
                "owner" => {
                    let owner = self.owner("owner=", &value)?;
                    self.once("owner=", &mut filter.owner, owner)?;
                    continue;
                }
                "older" => {
                    let time = self.time("older=", &value.text)?;
                    self.once("older=", &mut filter.older, time)?;
                    continue;
                }
                "limit" => {
                    self.limit(&word, &mut limit)?;
                    continue;
                }
                "service" => ("service=", &mut filter.service),
                "tag" => ("tag=", &mut filter.tag),
                "kind" => ("kind=", &mut filter.kind),
                "name" => ("name=", &mut filter.name),
                "topic" => ("topic=", &mut filter.topic),
                "place" => ("place=", &mut filter.place),
                _ => return Err(self.unexpected(&word, &KEYS)),
            };
            if value.text.is_empty() {
                return Err(self.bad(text.0, "", "a text that is not empty", None));
            }
            self.once(text.0, text.1, value.text)?;
        }
        filter.stale = stale.is_some();
        filter.limit = limit.unwrap_or(LIMIT);
        Ok(filter)
    }

    fn cleanup(&mut self) -> Result<Command, ParseError> {
        let mut dry_run = None;
        let mut others = Vec::new();
        for word in std::mem::take(&mut self.words) {
            match word.text.as_str() {
                "--dry-run" if word.is_flag() => self.once("--dry-run", &mut dry_run, ())?,
                _ if word.is_flag() => return Err(self.unexpected(&word, &["--dry-run"])),
                _ => others.push(word),
            }
        }
        self.words = others.into_iter();
        let target = match self.one_of("WHAT", &["owner", "service", "tag", "kind", "stale"])? {
            "owner" => {
                let word = self.next("NAME", "an owner: a number, a name, or key:TEXT")?;
                CleanupTarget::Owner(self.owner("NAME", &word)?)
            }
            "service" => CleanupTarget::Service(self.name("NAME", "the name of a service")?),
            "tag" => CleanupTarget::Tag(self.name("NAME", "a tag")?),
            "kind" => CleanupTarget::Kind(self.name("NAME", "a kind, such as timer")?),
            _ => CleanupTarget::Stale,
        };
        Ok(Command::Cleanup { target, dry_run: dry_run.is_some() })
    }

    fn consent(&mut self) -> Result<Consent, ParseError> {
        let mut said = Consent::Missing;
        for word in std::mem::take(&mut self.words) {
            let consent = match word.text.as_str() {
                "--yes" if word.is_flag() => Consent::Yes,
                "--dry-run" if word.is_flag() => Consent::DryRun,
                _ => return Err(self.unexpected(&word, &["--yes", "--dry-run"])),
            };
            if said != Consent::Missing {
                return Err(ParseError::Twice { command: self.verb, argument: "--yes or --dry-run" });
            }
            said = consent;
        }
        Ok(said)
    }

    fn config(&mut self) -> Result<Command, ParseError> {
        let action = self.one_of("ACTION", &["get", "set"])?;
        if action == "get" {
            let setting = self.words.next().map(|word| self.setting(&word));
            return Ok(Command::ConfigGet(setting.transpose()?));
        }
        let word = self.next("KEY", "the name of a value, see config get")?;
        let setting = self.setting(&word)?;
        let value = self.next("VALUE", setting.expected())?.text;
        if setting.set(&mut Config::default(), &value).is_none() {
            let near = nearest(&value, setting.words());
            return Err(self.bad(setting.name(), &value, setting.expected(), near));
        }
        Ok(Command::ConfigSet { setting, value })
    }

    fn setting(&self, word: &Word) -> Result<Setting, ParseError> {
        let names = Setting::ALL.map(Setting::name);
        // `per_owner` is as good as `limits.per_owner`, to find what was meant.
        let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
        Setting::find(&word.text).ok_or_else(|| {
            let by_last = || {
                let near = nearest(&word.text, names.map(last))?;
                names.into_iter().find(|name| last(name) == near)
            };
            let near = nearest(&word.text, names).or_else(by_last);
            self.bad("KEY", &word.text, "the name of a value, see config get", near)
        })
    }

    fn next(&mut self, argument: &'static str, expected: &'static str) -> Result<Word, ParseError> {
        match self.words.next() {
            Some(word) if word.is_flag() => Err(self.unexpected(&word, &[])),
            Some(word) => Ok(word),
            None => Err(ParseError::Missing { command: self.verb, argument, expected }),
        }
    }

    /// A text that is not empty.
    fn name(&mut self, argument: &'static str, expected: &'static str) -> Result<String, ParseError> {
        let word = self.next(argument, expected)?;
        if word.text.is_empty() { Err(self.bad(argument, "", expected, None)) } else { Ok(word.text) }
    }

    fn one_of(&mut self, argument: &'static str, words: &[&'static str]) -> Result<&'static str, ParseError> {
        let expected = match words.len() {
            1 => "revoke",
            2 => "get or set",
            _ => "owner, service, tag, kind or stale",
        };
        let word = self.next(argument, expected)?;
        words.iter().find(|known| **known == word.text).copied().ok_or_else(|| {
            let near = nearest(&word.text, words.iter().copied());
            self.bad(argument, &word.text, expected, near)
        })
    }

    fn owner(&self, argument: &'static str, word: &Word) -> Result<OwnerIs, ParseError> {
        match (number(&word.text), word.after("key:")) {
            (Some(number), _) if word.is_bare() => Ok(OwnerIs::Number(number)),
            (_, Some(key)) => Ok(OwnerIs::Key(key.to_string())),
            _ if word.text.is_empty() => Err(self.bad(argument, "", "an owner: a number, a name, or key:TEXT", None)),
            _ => Ok(OwnerIs::Name(word.text.clone())),
        }
    }

    fn time(&self, argument: &'static str, text: &str) -> Result<Duration, ParseError> {
        duration::parse(text).ok_or_else(|| self.bad(argument, text, duration::EXPECTED, None))
    }

    fn count(&self, argument: &'static str, text: &str) -> Result<usize, ParseError> {
        let count = text.parse().ok().filter(|count| (1..=MOST).contains(count));
        count.ok_or_else(|| self.bad(argument, text, "a number from 1 to 10000", None))
    }

    fn limit(&self, word: &Word, limit: &mut Option<usize>) -> Result<(), ParseError> {
        match word.split() {
            Some(("limit", value)) => self.once("limit=", limit, self.count("limit=", &value.text)?),
            _ => Err(self.unexpected(word, &["limit="])),
        }
    }

    fn once<T>(&self, argument: &'static str, place: &mut Option<T>, value: T) -> Result<(), ParseError> {
        match place.replace(value) {
            Some(_) => Err(ParseError::Twice { command: self.verb, argument }),
            None => Ok(()),
        }
    }

    fn unexpected(&self, word: &Word, known: &[&'static str]) -> ParseError {
        // A key is compared with keys, without what it says.
        let start = word.split().map_or(word.text.clone(), |(key, _)| format!("{key}="));
        ParseError::Unexpected {
            command: self.verb,
            word: word.text.clone(),
            nearest: nearest(&start, known.iter().copied()),
        }
    }

    fn bad(
        &self,
        argument: &'static str,
        value: &str,
        expected: &'static str,
        near: Option<&'static str>,
    ) -> ParseError {
        ParseError::BadArgument { command: self.verb, argument, value: value.to_string(), expected, nearest: near }
    }

    /// Nothing may be left.
    fn end(&mut self) -> Result<(), ParseError> {
        self.words.next().map_or(Ok(()), |word| Err(self.unexpected(&word, &[])))
    }
}
