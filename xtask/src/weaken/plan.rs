//! What is planted: every ordering that the sources name, made weaker, and the steps of `weakenings.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::orderings::{self, Site};
use crate::error::Error;
use crate::workspace;

/// The document that argues for what no model can tell.
pub const ARGUMENTS: &str = "docs/ORDERINGS.md";
const STEPS: &str = include_str!("weakenings.toml");

/// Where orderings are looked for.
const SCANNED: [&str; 15] = [
    "src/epoch",
    "src/list",
    "src/pool",
    "src/domain",
    "src/connection.rs",
    "src/signal.rs",
    "src/bus/topics/entry.rs",
    "src/objects/cell.rs",
    "src/objects/magazine.rs",
    "src/state/gate.rs",
    "src/delivery/bell.rs",
    "src/delivery/bell/late.rs",
    "src/delivery/channel",
    "src/delivery/queue",
    "src/delivery/ring",
];

/// One weakening.
pub struct Weakening {
    /// What it is called, on the command line too; the same from run to run.
    pub name: String,
    pub kind: Kind,
    /// Where in [`ARGUMENTS`] it is argued to change nothing that a model could tell.
    pub argued: Option<String>,
}

pub enum Kind {
    /// An ordering of the build that can weaken any of them: its site's number, and what it becomes.
    Ordering { site: usize, becomes: &'static str },
    /// A change of the sources, with a build of its own.
    Step(Step),
}

/// A step of a protocol, changed.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Step {
    name: String,
    pub file: PathBuf,
    pub breaks: String,
    edit: Vec<Edit>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Edit {
    old: String,
    new: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    step: Vec<Step>,
    #[serde(default)]
    argued: Vec<Argued>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Argued {
    weakening: String,
    anchor: String,
}

impl Step {
    /// The text of its file with the edits made.
    pub fn applied(&self, text: &str) -> Result<String, Error> {
        self.edit.iter().try_fold(text.to_owned(), |text, edit| {
            let found = text.matches(&edit.old).count();
            if found != 1 {
                return Err(Error::Unexpected {
                    what: format!("weakening `{}`, in {}", self.name, self.file.display()),
                    expected: format!("exactly once the text\n{}", edit.old),
                    found: format!("it {found} times: bring weakenings.toml up to date"),
                });
            }
            Ok(text.replacen(&edit.old, &edit.new, 1))
        })
    }
}

/// Every weakening there is, and the sites of orderings that they refer to.
pub fn all() -> Result<(Vec<Weakening>, Vec<Site>), Error> {
    let file: File = toml::from_str(STEPS).map_err(|error| Error::Unexpected {
        what: "xtask/src/weaken/weakenings.toml".to_owned(),
        expected: "steps and arguments".to_owned(),
        found: error.to_string(),
    })?;
    let mut sites = Vec::new();
    for place in SCANNED {
        for path in rust_files(&workspace::root().join(place))? {
            let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
            let name = path.strip_prefix(workspace::root()).expect("it was found under the root");
            sites.extend(orderings::sites(name, &text));
        }
    }
    let mut weakenings: Vec<Weakening> = sites
        .iter()
        .enumerate()
        .flat_map(|(number, site)| {
            site.weaker().iter().map(move |becomes| Weakening {
                name: format!("{} → {becomes}", site.name),
                kind: Kind::Ordering { site: number, becomes },
                argued: None,
            })
        })
        .collect();
    for step in file.step {
        let path = workspace::root().join(&step.file);
        step.applied(&fs::read_to_string(&path).map_err(Error::file(&path))?)?;
        weakenings.push(Weakening { name: step.name.clone(), kind: Kind::Step(step), argued: None });
    }
    argue(&mut weakenings, file.argued)?;
    Ok((weakenings, sites))
}

/// Attaches the arguments to what they argue for.
fn argue(weakenings: &mut [Weakening], arguments: Vec<Argued>) -> Result<(), Error> {
    if arguments.is_empty() {
        return Ok(());
    }
    let path = workspace::root().join(ARGUMENTS);
    let document = fs::read_to_string(&path).map_err(Error::file(&path))?;
    for argued in arguments {
        if !document.contains(&format!("id=\"{}\"", argued.anchor)) {
            return Err(Error::Unexpected {
                what: ARGUMENTS.to_owned(),
                expected: format!("an anchor <a id=\"{}\"></a>, which argues for {}", argued.anchor, argued.weakening),
                found: "none".to_owned(),
            });
        }
        let weakening = weakenings.iter_mut().find(|weakening| weakening.name == argued.weakening);
        let weakening = weakening.ok_or_else(|| Error::Unexpected {
            what: "xtask/src/weaken/weakenings.toml".to_owned(),
            expected: format!("a weakening named `{}`", argued.weakening),
            found: "none: `cargo xtask weaken --list` names them".to_owned(),
        })?;
        weakening.argued = Some(argued.anchor);
    }
    Ok(())
}

/// The Rust files at or under a path, in order.
pub fn rust_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(Error::file(path))?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    paths.iter_mut().for_each(|paths| paths.sort());
    let mut files = Vec::new();
    for path in paths.map_err(Error::file(path))? {
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
