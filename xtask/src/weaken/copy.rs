//! The copy of the sources in which weakenings are planted, and its builds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::orderings::{self, Site};
use super::plan::{Step, rust_files};
use crate::error::Error;
use crate::process::Run;
use crate::workspace;

/// What is built once for each step is built quickly; most of the time of a run is loom's own.
const QUICK: [&str; 4] = [
    "--config",
    "profile.release.package.pulsebus.opt-level=1",
    "--config",
    "profile.release.package.loom-tests.opt-level=1",
];

/// A workspace of its own with the library and the models, under `target/weaken/`.
pub struct Copy {
    root: PathBuf,
    /// What was copied, so that a change of the sources meanwhile changes nothing here.
    originals: BTreeMap<PathBuf, String>,
}

impl Copy {
    /// A fresh copy of the sources as they are now.
    pub fn new() -> Result<Self, Error> {
        let mut copy = Self { root: workspace::target_dir().join("weaken/sources"), originals: BTreeMap::new() };
        for tree in ["src", "loom-tests/src", "loom-tests/tests"] {
            let target = copy.root.join(tree);
            if target.exists() {
                fs::remove_dir_all(&target).map_err(Error::file(&target))?;
            }
            for file in rust_files(&workspace::root().join(tree))? {
                copy.take(file.strip_prefix(workspace::root()).expect("it was found under the root"))?;
            }
        }
        for file in ["Cargo.lock", "README.md", "loom-tests/Cargo.toml", "loom-tests/.cargo/config.toml"] {
            copy.take(Path::new(file))?;
        }
        let manifest = read(&workspace::root().join("Cargo.toml"))?;
        copy.write(Path::new("Cargo.toml"), &alone(&manifest)?)?;
        Ok(copy)
    }

    /// Makes every ordering choosable, and builds the models; the path of the program.
    pub fn build_choosable(&self, sites: &[Site]) -> Result<PathBuf, Error> {
        let mut files: Vec<&Path> = sites.iter().map(|site| &*site.file).collect();
        files.dedup();
        for &file in &files {
            self.write(file, &orderings::choosable(file, self.original(file), sites))?;
        }
        self.write(Path::new("src/weakened.rs"), orderings::MODULE)?;
        let library = self.original(Path::new("src/lib.rs"));
        self.write(Path::new("src/lib.rs"), &format!("{library}\nmod weakened;\n"))?;
        let program = self.build("choosable", &QUICK)?;
        for file in files {
            self.restore(file)?;
        }
        self.restore(Path::new("src/lib.rs"))?;
        Ok(program)
    }

    /// Plants a step, builds the models, and takes the step back; the path of the program.
    ///
    /// # Errors
    /// [`Error::Failed`]: what was planted does not compile.
    pub fn build_step(&self, step: &Step) -> Result<PathBuf, Error> {
        self.write(&step.file, &step.applied(self.original(&step.file))?)?;
        let built = self.build("step", &QUICK);
        self.restore(&step.file)?;
        built
    }

    fn build(&self, name: &str, config: &[&str]) -> Result<PathBuf, Error> {
        let output = Run::cargo()
            .args(["test", "--release", "--test", "models", "--no-run", "--message-format", "json-render-diagnostics"])
            .args(config)
            .in_dir(&self.root.join("loom-tests").display().to_string())
            .without_flag_overrides()
            .env("CARGO_TARGET_DIR", workspace::target_dir().join("weaken/build"))
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
            // What it would save in running, it takes in building, many times.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .output()?;
        if !output.status.success() {
            return Err(Error::Failed {
                command: format!("build of the models, weakened ({name})"),
                status: output.status,
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let built = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "models")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .ok_or_else(|| Error::Unexpected {
                what: "cargo's messages".to_owned(),
                expected: "the path of the program `models`".to_owned(),
                found: "none".to_owned(),
            })?;
        // The next build overwrites it.
        let kept = workspace::target_dir().join("weaken").join(name);
        fs::copy(&built, &kept).map_err(Error::file(&built))?;
        Ok(kept)
    }

    /// Copies a file of the workspace.
    fn take(&mut self, file: &Path) -> Result<(), Error> {
        let text = read(&workspace::root().join(file))?;
        self.write(file, &text)?;
        self.originals.insert(file.to_owned(), text);
        Ok(())
    }

    fn original(&self, file: &Path) -> &str {
        self.originals.get(file).expect("every file that is changed was copied")
    }

    fn restore(&self, file: &Path) -> Result<(), Error> {
        self.write(file, self.original(file))
    }

    fn write(&self, file: &Path, text: &str) -> Result<(), Error> {
        let path = self.root.join(file);
        let folder = path.parent().expect("it has a name");
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        fs::write(&path, text).map_err(Error::file(&path))
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file(path))
}

/// The workspace's manifest, with the models as the only other member, and without what is not copied.
fn alone(manifest: &str) -> Result<String, Error> {
    let mut replaced = 0;
    let mut is_left_out = false;
    let lines: Vec<&str> = manifest
        .lines()
        .filter(|line| {
            if line.starts_with('[') {
                is_left_out = line.starts_with("[[");
            }
            !is_left_out
        })
        .map(|line| match line.split('=').next().map(str::trim) {
            Some("members") => {
                replaced += 1;
                "members = [\"loom-tests\"]"
            }
            Some("default-members") => {
                replaced += 1;
                "default-members = [\".\"]"
            }
            _ => line,
        })
        .collect();
    if replaced != 2 {
        return Err(Error::Unexpected {
            what: "Cargo.toml".to_owned(),
            expected: "`members` and `default-members`, each on one line".to_owned(),
            found: format!("{replaced} such lines"),
        });
    }
    Ok(lines.join("\n") + "\n")
}
