//! Running the models against one weakening, until one fails.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::orderings::VARIABLE;
use super::plan::Kind;
use crate::error::Error;

/// How a weakening ended.
pub enum Fate {
    /// By this model, after so long.
    Killed { model: String, after: Duration },
    /// All models passed.
    Survived,
    /// The time was over before a model failed.
    Undecided,
    /// What was planted does not compile: this is what the compiler says.
    Unbuildable(String),
}

/// The models, the quickest first, and what each has killed so far.
pub struct Models {
    names: Vec<String>,
    /// How often a model has killed a weakening of a file.
    kills: HashMap<(String, String), usize>,
}

impl Models {
    /// Runs every model of an unweakened program once, or those whose names contain one of the patterns.
    ///
    /// # Errors
    /// One of them fails without any weakening.
    pub fn try_out(program: &Path, patterns: &[String], jobs: usize) -> Result<Self, Error> {
        let listed = Command::new(program).args(["--list", "--format", "terse"]).output();
        let listed = listed.map_err(Error::file(program))?.stdout;
        let mut names: Vec<String> = String::from_utf8_lossy(&listed)
            .lines()
            .filter_map(|line| line.strip_suffix(": test").map(str::to_owned))
            .filter(|name| patterns.is_empty() || patterns.iter().any(|pattern| name.contains(pattern)))
            .collect();
        let mut times = HashMap::new();
        let failed = run(program, &names, jobs, &[], None, |name, time| {
            times.insert(name.to_owned(), time);
        })?;
        if let Fate::Killed { model, .. } = failed {
            return Err(Error::Missed(format!("the model `{model}` fails without any weakening")));
        }
        names.sort_by_key(|name| times.get(name).copied());
        Ok(Self { names, kills: HashMap::new() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Tries a weakening of `file`: first the models that have killed others there.
    pub fn judge(
        &mut self,
        program: &Path,
        kind: &Kind,
        file: &str,
        jobs: usize,
        limit: Duration,
    ) -> Result<Fate, Error> {
        let mut names = self.names.clone();
        // Stable: those of equal merit stay in the order of their times.
        names.sort_by_key(|name| {
            std::cmp::Reverse(self.kills.get(&(file.to_owned(), name.clone())).copied().unwrap_or_default())
        });
        let choice = match kind {
            Kind::Ordering { site, becomes } => vec![(VARIABLE, format!("{site}:{becomes}"))],
            Kind::Step(_) => Vec::new(),
        };
        let fate = run(program, &names, jobs, &choice, Some(limit), |_, _| {})?;
        if let Fate::Killed { model, .. } = &fate {
            *self.kills.entry((file.to_owned(), model.clone())).or_default() += 1;
        }
        Ok(fate)
    }
}

/// A model that is running.
struct Running {
    name: String,
    child: Child,
    since: Instant,
}

/// Runs models, some at a time, each in a process of its own (a failure inside loom may end the process), until one fails
/// or the time is over.
fn run(
    program: &Path,
    names: &[String],
    jobs: usize,
    environment: &[(&str, String)],
    limit: Option<Duration>,
    mut passed: impl FnMut(&str, Duration),
) -> Result<Fate, Error> {
    let begin = Instant::now();
    let mut waiting = names.iter();
    let mut running: Vec<Running> = Vec::new();
    let fate = loop {
        while running.len() < jobs {
            let Some(name) = waiting.next() else { break };
            let child = Command::new(program)
                .args(["--exact", name])
                .env("LOOM_MAX_PREEMPTIONS", "2")
                .envs(environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .map_err(Error::file(program))?;
            running.push(Running { name: name.clone(), child, since: Instant::now() });
        }
        if running.is_empty() {
            break Fate::Survived;
        }
        if limit.is_some_and(|limit| begin.elapsed() >= limit) {
            break Fate::Undecided;
        }
        let mut killed = None;
        for index in (0..running.len()).rev() {
            if let Some(status) = running[index].child.try_wait().map_err(Error::file(program))? {
                let ended = running.swap_remove(index);
                if status.success() {
                    passed(&ended.name, ended.since.elapsed());
                } else {
                    killed = Some(ended.name);
                }
            }
        }
        if let Some(model) = killed {
            break Fate::Killed { model, after: begin.elapsed() };
        }
        thread::sleep(Duration::from_millis(5));
    };
    for mut left in running {
        // It may have ended by itself meanwhile.
        let _ = left.child.kill();
        left.child.wait().map_err(Error::file(program))?;
    }
    Ok(fate)
}
