//! What `pulsebus replay` does, from its options to its verdict.

use crate::args::{CHECK_BELOW, ReplayArgs};
use crate::check::{self, Difference, Figures};
use crate::error::{self, Error};
use crate::oracle::Oracle;
use crate::outputs::{self, OutputFile};
use crate::plan::{Compiler, Plan};
use crate::progress::Progress;
use crate::recording::{self, ReadFacts, Source};
use crate::replay::{self, Pace, Replay, Settings};
use crate::report;
use crate::summary::{self, Summary, Verdict};
use std::path::Path;

/// The most extra slots over all topics: about a gigabyte.
const MAX_EXTRA_SLOTS: u64 = 10_000_000;

/// How often reading says how far it is, in events.
const SAY_EVERY: u64 = 1 << 14;

/// A recording, read and compiled.
#[derive(Debug)]
pub struct Loaded {
    /// What messages call it.
    pub name: String,
    /// What reading it found.
    pub facts: ReadFacts,
    /// Whether bad lines were skipped.
    pub lenient: bool,
    /// What to do with the bus.
    pub plan: Plan,
    /// How many different owners it names.
    pub owners: usize,
    /// What the oracle expects, if it was asked.
    pub expected: Option<Figures>,
}

/// Runs `pulsebus replay`.
///
/// # Errors
/// When there is nothing to show for it: bad input, or a result that cannot be written.
pub fn replay(args: &ReplayArgs) -> Result<Verdict, Error> {
    let source = Source::from_argument(args.file.as_deref());
    let outputs = Outputs::open(args, &source)?;
    let progress = Progress::new(args.progress, args.quiet);
    let mut loaded = load(args, &source, progress)?;
    let settings = Settings {
        pace: Pace { speed: args.speed, tick_hz: args.tick_hz },
        threads: args.threads.into(),
        extra_slots: args.extra_slots,
        engine: args.engine,
        progress,
    };
    let monitored = args.monitor.then(|| loaded.plan.clone());
    let mut replay = replay::replay(&mut loaded.plan, &settings)?;
    if let Some(mut plan) = monitored {
        replay.watched = Some(replay::watch(&mut plan, args.extra_slots, args.leak, progress));
    }
    let differences = differences(&replay, loaded.expected.as_ref());
    let summary = Summary::new(&loaded, &settings, &replay, differences);
    outputs.write(args, &summary, &loaded.plan, &replay)?;
    let verdict = summary.verdict();
    if let Verdict::Faulty(faults) = &verdict {
        error::print(faults);
    }
    Ok(verdict)
}

/// Reads, compiles and, if that is wanted, asks the oracle, all in one go over the events.
fn load(args: &ReplayArgs, source: &Source, progress: Progress) -> Result<Loaded, Error> {
    let input = source.open()?;
    let name = input.name.clone();
    let mut phase = progress.phase("reading", "events", None);
    let mut compiler = Compiler::default();
    let mut oracle = args.check().unwrap_or(true).then(Oracle::default);
    let mut events = 0;
    let facts = recording::read(input, args.lenient, |event| {
        events += 1;
        if events % SAY_EVERY == 0 {
            phase.at(events);
        }
        if args.check().is_none() && events >= CHECK_BELOW {
            oracle = None;
        }
        if let Some(oracle) = &mut oracle {
            oracle.push(event);
        }
        compiler.push(event).is_some()
    })?;
    phase.finish(facts.events);
    if let Some((line, error)) = facts.first_skipped.as_ref().filter(|_| !args.quiet) {
        let skipped = summary::count(facts.skipped);
        error::warn(&format!("{name}: {skipped} bad lines skipped; the first, {name}:{line}: {error}"));
    }
    let owners = compiler.owner_names();
    let plan = compiler.finish();
    let (topics, extra_slots) = (plan.topics.len(), args.extra_slots);
    if topics as u64 * u64::from(extra_slots) > MAX_EXTRA_SLOTS {
        return Err(Error::TooManySlots { extra_slots, topics, limit: MAX_EXTRA_SLOTS });
    }
    let expected = oracle.map(|oracle| oracle.finish(extra_slots.into()));
    Ok(Loaded { name, facts, lenient: args.lenient, plan, owners, expected })
}

/// Every pass against the oracle, or, without one, against the first pass; and the bus's own count against all of them.
fn differences(replay: &Replay, expected: Option<&Figures>) -> Vec<Difference> {
    let expected = expected.or(replay.passes.first().map(|(_, figures)| figures));
    let passes = replay.passes.iter().zip(expected.into_iter().cycle());
    let disconnects = replay.passes.iter().map(|(_, figures)| figures.disconnects).sum();
    let tracked = replay
        .tracked
        .iter()
        .flat_map(|tracked| check::tracked_differences(&tracked.at_end, replay.bus.slots_connected, disconnects));
    passes.flat_map(|((pass, found), expected)| check::differences(pass, expected, found)).chain(tracked).collect()
}

/// Where results go, besides the terminal.
struct Outputs {
    report: Option<OutputFile>,
    json: Option<OutputFile>,
}

impl Outputs {
    fn open(args: &ReplayArgs, source: &Source) -> Result<Self, Error> {
        let mut taken: Vec<(&'static str, &Path)> = Vec::new();
        if let Source::File(path) = source {
            taken.push(("the recording", path));
        }
        let mut open = |option, path| {
            let file = OutputFile::open(option, path, &taken)?;
            taken.push((option, path));
            Ok::<_, Error>(file)
        };
        let report = args.report.as_deref().map(|path| open("--report", path)).transpose()?;
        let json = args.json.as_deref().filter(|path| !is_stdout(path));
        let json = json.map(|path| open("--json", path)).transpose()?;
        Ok(Self { report, json })
    }

    fn write(self, args: &ReplayArgs, summary: &Summary, plan: &Plan, replay: &Replay) -> Result<(), Error> {
        let json = || serde_json::to_string_pretty(summary).expect("plain numbers and strings") + "\n";
        if let Some(file) = self.report {
            file.write(&report::html(summary, &plan.times, replay))?;
        }
        if let Some(file) = self.json {
            file.write(&json())?;
        }
        let json_to_stdout = args.json.as_deref().is_some_and(is_stdout);
        if json_to_stdout {
            outputs::print(&json())?;
        }
        match (args.quiet, json_to_stdout) {
            (true, _) => Ok(()),
            (false, true) => outputs::print_aside(&summary::text(summary)),
            (false, false) => outputs::print(&summary::text(summary)),
        }
    }
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;
    use crate::recording::{Event, Op};

    const EVENTS: [(&str, Op<'static>); 7] = [
        ("ann", Op::Join("a")),
        ("bob", Op::Join("a")),
        ("ann", Op::Join("b")),
        ("ann", Op::Leave("b")),
        ("ann", Op::Message { topic: "b", bytes: 2 }),
        ("ann", Op::Message { topic: "a", bytes: 3 }),
        ("ann", Op::Quit),
    ];

    /// What becomes of the events, after `damage` to their plan.
    fn summary(engine: bool, damage: impl FnOnce(&mut Plan)) -> Summary {
        let (mut compiler, mut oracle) = (Compiler::default(), Oracle::default());
        for (t_ms, (owner, op)) in (0..).zip(EVENTS) {
            let event = Event { t_ms, owner, op };
            oracle.push(&event);
            compiler.push(&event).expect("few events");
        }
        let facts = ReadFacts { events: EVENTS.len() as u64, ..ReadFacts::default() };
        let (owners, mut plan) = (compiler.owner_names(), compiler.finish());
        damage(&mut plan);
        let expected = Some(oracle.finish(0));
        let mut loaded = Loaded { name: "test".to_owned(), facts, lenient: false, plan, owners, expected };
        let settings =
            Settings { pace: Pace::default(), threads: 2, extra_slots: 0, engine, progress: Progress::Silent };
        let replay = replay::replay(&mut loaded.plan, &settings).expect("two threads");
        let differences = differences(&replay, loaded.expected.as_ref());
        Summary::new(&loaded, &settings, &replay, differences)
    }

    #[test]
    fn a_faithful_replay_is_sound() {
        for engine in [false, true] {
            let verdict = summary(engine, |_| ()).verdict();
            assert_eq!((&verdict, verdict.exit_code()), (&Verdict::Sound, 0));
        }
    }

    #[test]
    fn every_step_that_goes_missing_is_noticed() {
        let steps = {
            let mut steps = 0;
            summary(false, |plan| steps = plan.steps.len());
            steps
        };
        assert_eq!(steps, EVENTS.len());
        for (step, engine) in (0..steps).flat_map(|step| [(step, false), (step, true)]) {
            let summary = summary(engine, |plan| drop(plan.steps.drain(step..=step)));
            let verdict = summary.verdict();
            assert!(matches!(verdict, Verdict::Faulty(_)), "step {step}");
            assert_eq!((verdict.exit_code(), summary.check.passed), (1, false), "step {step}");
        }
    }

    #[test]
    fn a_wrong_sender_is_noticed_and_named() {
        let summary = summary(false, |plan| {
            for step in &mut plan.steps {
                if let plan::Op::Message { sender, .. } = &mut step.op {
                    *sender = plan::NOBODY;
                }
            }
        });
        let Verdict::Faulty(faults) = summary.verdict() else { panic!("a sender has heard itself") };
        let lines: Vec<&str> = faults.lines().collect();
        assert_eq!(lines.len(), 1 + 3 * 3, "three counts in three passes: {faults}");
        assert_eq!(lines[0], "check failed: 9 counts differ from the oracle's");
        assert_eq!(lines[1], "  deliveries: expected 1, found 2 (warm-up pass)");
        assert_eq!(lines[3], "  deliveries of topic \"a\": expected 1, found 2 (warm-up pass)");
    }

    #[test]
    fn a_leak_and_a_panic_are_faults_of_their_own() {
        let mut summary = summary(false, |_| ());
        summary.connections.leaks = 2;
        let Verdict::Faulty(faults) = summary.verdict() else { panic!("2 leaks") };
        assert!(faults.starts_with("leak: 2 captures"), "{faults}");
        summary.connections.leaks = 0;
        summary.bus.slot_panics = 1;
        assert_eq!(summary.verdict().exit_code(), 1);
    }
}
