//! Commands for operators: text in, structured results out; authorised, slowed down when wrong, and audited.
//!
//! [`Admin::run`] takes a credential, where it comes from, and a command. Nothing here listens to a network: what does, hands
//! on what it gets. `help` lists the commands, [`Role`] says who may give which.
//!
//! - Credentials are [tokens](Token), kept as hashes, and compared without telling by the time it takes how near one came. There
//!   is no default one: without one in the [`Policy`] there is no [`Admin`].
//! - Wrong ones are [slowed down](SlowDown), and counted.
//! - Every command, and every refused attempt, is in the [audit ring](Admin::audit_ring), from before it is run.
//! - What is not a valid command gets a [`ParseError`] that says what would be.
//!
//! ```
//! use pulsebus::admin::{Admin, AdminError, Outcome, Policy, Role, Token};
//! use pulsebus::{Bus, Pools, Signal};
//!
//! let (bus, signal) = (Bus::new(), Signal::<u32>::new());
//! bus.connect(&signal).owner(7).slot(|_| {})?;
//!
//! let token = Token::generate()?; // show it once, to whoever will use it
//! let admin = Admin::without_monitor(&bus, &Pools::new(), Policy::new().token("ann", Role::Operator, &token))?;
//!
//! let outcome = admin.run(token.expose(), "10.0.0.7", "cleanup owner 7")?;
//! assert!(matches!(outcome, Outcome::Cleanup { count: 1, .. }));
//! assert_eq!(outcome.to_string(), "owner 7: ended 1 connection\n");
//!
//! let error = admin.run("guess", "10.0.0.66", "cleanup stale").unwrap_err();
//! assert!(matches!(error, AdminError::WrongCredential { .. }));
//! assert_eq!(admin.audit_ring().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod command;
mod credentials;
mod duration;
mod emergency;
mod error;
mod gate;
mod listing;
mod nearest;
mod outcome;
mod parse;
mod policy;
mod policy_error;
mod ring;
mod role;
mod run;
mod setting;
mod show;
mod throttle;
mod token;
mod verb;
mod watch;
mod words;

pub use command::{CleanupTarget, Command, ConnectionFilter, Consent, OwnerIs};
pub use error::{AdminError, ParseError};
pub use gate::Attempts;
pub use outcome::{Collection, ConnectionEntry, Emergency, HelpEntry, Outcome, SettingEntry, TokenEntry};
pub use policy::{MAX_COMMAND, Policy, SlowDown};
pub use policy_error::PolicyError;
pub use ring::AuditRecord;
pub use role::{Role, UnknownRole};
pub use setting::Setting;
pub use token::{Token, TokenId};
pub use verb::Verb;
pub use watch::{Alerts, Health, History, SeriesValues};

use crate::bus::{Bus, WeakBus};
use crate::monitor::Monitor;
use crate::objects::Pools;
use crate::panics::drop_quietly;
use crate::sync::lock;
use crate::time::Clock;
use gate::Gate;
use policy::{Given, Secret};
use ring::Ring;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use watch::Watched;

/// Runs the commands of operators. A handle; clones are the same. It does not keep the bus.
#[derive(Clone)]
pub struct Admin {
    inner: Arc<Inner>,
}

struct Inner {
    bus: WeakBus,
    /// Without a monitor, which has its own.
    pools: Pools,
    watched: Option<Arc<dyn Watched>>,
    clock: Clock,
    max_command: usize,
    gate: Mutex<Gate>,
    ring: Mutex<Ring>,
    /// Held from reading the configuration until it is replaced.
    configuring: Mutex<()>,
}

impl Admin {
    /// For a program without a monitor: the commands that need one (`sample`, `report`, `history`, `alerts`, `health`) say so.
    ///
    /// # Errors
    /// If the policy has no credential, or something in it is not as it has to be.
    pub fn without_monitor(bus: &Bus, pools: &Pools, policy: Policy) -> Result<Self, PolicyError> {
        Self::make(bus, pools.clone(), None, &policy)
    }

    /// For a bus, and what watches it. It keeps the monitor.
    ///
    /// # Errors
    /// If the policy has no credential, or something in it is not as it has to be.
    ///
    /// ```
    /// use pulsebus::admin::{Admin, Policy, Role, Token};
    /// use pulsebus::{Bus, Monitor};
    ///
    /// let bus = Bus::new();
    /// let monitor = Monitor::builder().bus(&bus).budget(500_000_000).build()?;
    /// let token = Token::generate()?;
    /// let admin = Admin::new(&bus, &monitor, Policy::new().token("ann", Role::Viewer, &token))?;
    /// println!("{}", admin.run(token.expose(), "console", "health")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(bus: &Bus, monitor: &Monitor, policy: Policy) -> Result<Self, PolicyError> {
        Self::make(bus, Pools::new(), Some(Arc::new(monitor.clone())), &policy)
    }

    fn make(bus: &Bus, pools: Pools, watched: Option<Arc<dyn Watched>>, policy: &Policy) -> Result<Self, PolicyError> {
        policy.check()?;
        let inner = Inner {
            bus: bus.downgrade(),
            pools,
            watched,
            clock: bus.clock().clone(),
            max_command: policy.max_command,
            gate: Mutex::new(Gate::new(policy)?),
            ring: Mutex::new(Ring::new(policy.audit_capacity)),
            configuring: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs a command of whoever has that credential, if it allows that. `source` says where it comes from, for
    /// [slowing down](SlowDown) and for the audit ring: its first 64 characters count.
    ///
    /// The credential is looked at first: who has none learns nothing about commands. A command that has begun goes on, also
    /// if its credential is revoked meanwhile.
    ///
    /// # Errors
    /// Why it was not run.
    pub fn run(&self, credential: &str, source: &str, command: &str) -> Result<Outcome, AdminError> {
        self.run_bytes(credential.as_bytes(), source, command.as_bytes())
    }

    /// The same for what comes from a network, which may be anything.
    ///
    /// # Errors
    /// Why it was not run.
    pub fn run_bytes(&self, credential: &[u8], source: &str, command: &[u8]) -> Result<Outcome, AdminError> {
        self.inner.run(credential, source, command)
    }

    /// Listens to one more token, from now on.
    ///
    /// # Errors
    /// If the name cannot be one, or name or secret are taken.
    pub fn add_token(&self, name: &str, role: Role, token: &Token) -> Result<TokenId, PolicyError> {
        lock(&self.inner.gate).add(&Given { name: name.into(), role, hash: Some(Secret(token.digest())) })
    }

    /// Takes a credential's rights away: when this has returned, no command is begun with it. Was there one of that name?
    pub fn revoke(&self, name: &str) -> bool {
        lock(&self.inner.gate).credentials.revoke(name)
    }

    /// Forgets the wrong credentials that came from a source. Were there any?
    pub fn forgive(&self, source: &str) -> bool {
        lock(&self.inner.gate).forgive(&ring::shown_source(source))
    }

    /// How often credentials were presented, by what came of it.
    pub fn attempts(&self) -> Attempts {
        lock(&self.inner.gate).attempts()
    }

    /// The commands that were given of late, and the attempts that were refused, the oldest first.
    pub fn audit_ring(&self) -> Vec<AuditRecord> {
        lock(&self.inner.ring).records()
    }
}

impl Inner {
    fn run(&self, credential: &[u8], source: &str, command: &[u8]) -> Result<Outcome, AdminError> {
        let (at, source) = (self.clock.now(), ring::shown_source(source));
        // (A statement of its own, so that the lock is released.)
        let entered = lock(&self.gate).enter(credential, &source, at);
        let (who, role) = match entered {
            Ok(entered) => entered,
            Err(error) => return Err(self.refuse(source, command, error, at)),
        };
        let record = AuditRecord {
            number: 0,
            at,
            who: Some(who.clone()),
            role: Some(role),
            source: source.clone(),
            what: ring::shown_text(&beginning(command), |word| lock(&self.gate).credentials.knows(word)),
            outcome: "running",
            took: Duration::ZERO,
            times: 1,
        };
        let Some(number) = self.begin(credential, &(who, role), record) else {
            let error = AdminError::WrongCredential { retry_after: Duration::ZERO };
            return Err(self.refuse(source, command, error, at));
        };
        let result = self.parse(command).and_then(|command| {
            if command.role() > role { Err(AdminError::forbidden(&command, role)) } else { self.guarded(&command) }
        });
        let outcome = result.as_ref().map_or_else(AdminError::kind, |_| "ok");
        lock(&self.ring).finish(number, outcome, self.clock.now().saturating_sub(at));
        result
    }

    /// Notes that a command begins, unless its credential was revoked meanwhile: when that has returned, none does any more.
    fn begin(&self, credential: &[u8], entered: &(TokenId, Role), record: AuditRecord) -> Option<u64> {
        let gate = lock(&self.gate);
        gate.credentials.check(credential).filter(|again| again == entered)?;
        Some(lock(&self.ring).begin(record))
    }

    fn parse(&self, command: &[u8]) -> Result<Command, AdminError> {
        // Before all that takes time in proportion.
        if command.len() > self.max_command {
            return Err(ParseError::TooLong { length: command.len(), limit: self.max_command }.into());
        }
        let text = std::str::from_utf8(command).map_err(|error| ParseError::NotUtf8 { at: error.valid_up_to() })?;
        Ok(parse::command(text, self.max_command)?)
    }

    /// Runs it. What panics is the user's.
    fn guarded(&self, command: &Command) -> Result<Outcome, AdminError> {
        catch_unwind(AssertUnwindSafe(|| self.execute(command))).unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<&'static str>().map(ToString::to_string);
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            let _ = drop_quietly(payload);
            let message = text.map_or("no message".to_string(), |text| show::escaped(&text, 200));
            Err(AdminError::Panicked { message })
        })
    }

    /// Notes an attempt that is refused.
    fn refuse(&self, source: String, command: &[u8], error: AdminError, at: Duration) -> AdminError {
        let mut ring = lock(&self.ring);
        if matches!(error, AdminError::SlowDown { .. }) && ring.repeat(&source) {
            return error;
        }
        // Whatever may be a secret is hidden, and not compared with those that are: that would be a second way to guess. The
        // whole text is none if it begins as a command does.
        let text = beginning(command);
        let whole = text.trim();
        let is_command = whole.split(' ').next().is_some_and(|word| Verb::find(word).is_some());
        let what = ring::shown_text(&text, |word| word != whole || !is_command);
        let (who, role, took) = (None, None, Duration::ZERO);
        ring.refuse(AuditRecord { number: 0, at, who, role, source, what, outcome: error.kind(), took, times: 1 });
        error
    }
}

/// As much of a command as the audit ring may show, and more.
fn beginning(command: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&command[..command.len().min(MAX_COMMAND)])
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens: Vec<String> =
            lock(&self.inner.gate).credentials.list().map(|(name, role)| format!("{name} ({role})")).collect();
        f.debug_struct("Admin").field("tokens", &tokens).finish_non_exhaustive()
    }
}
