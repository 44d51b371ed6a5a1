//! Running other programs: echoed as they start, with one clear error when they fail.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use crate::error::Error;
use crate::workspace;

/// Environment variables that would replace the compiler flags of a `.cargo/config.toml`.
const FLAG_OVERRIDES: [&str; 4] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "RUSTDOCFLAGS"];

/// A program to run from the workspace's root; a thin builder over [`std::process::Command`].
pub struct Run {
    command: Command,
    /// Assignments shown in front of the echoed command line.
    shown_env: Vec<String>,
}

impl Run {
    /// Any program found on `PATH`.
    pub fn program(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(workspace::root());
        Self { command, shown_env: Vec::new() }
    }

    /// The cargo that runs this xtask.
    pub fn cargo() -> Self {
        Self::program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// The cargo of another installed toolchain, `nightly` for instance.
    pub fn cargo_of(toolchain: &str) -> Self {
        Self::program("rustup").args(["run", toolchain, "cargo"])
    }

    pub fn args<I: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable for this run, and shows it in the echoed line.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        self.shown_env.push(format!("{name}={:?}", value.to_string_lossy()));
        self.command.env(name, value);
        self
    }

    /// Drops every inherited variable that overrides configured compiler flags. Needed wherever
    /// the flags of a config file or of [`Run::env`] must win.
    pub fn without_flag_overrides(mut self) -> Self {
        for name in FLAG_OVERRIDES {
            self.command.env_remove(name);
        }
        self
    }

    /// Runs in a folder relative to the workspace's root.
    pub fn in_dir(mut self, dir: &str) -> Self {
        self.command.current_dir(workspace::root().join(dir));
        self
    }

    /// Echoes the command, shows its output as it comes, and fails unless it succeeds.
    pub fn run(mut self) -> Result<(), Error> {
        let shown = self.shown();
        echo(&shown);
        let status = self.command.status().map_err(cannot_start(&shown))?;
        if status.success() { Ok(()) } else { Err(Error::Failed { command: shown, status, output: String::new() }) }
    }

    /// Echoes the command and returns what it printed; a failure's error carries its stderr.
    pub fn capture(self) -> Result<Captured, Error> {
        let shown = self.shown();
        let output = self.output()?;
        if !output.status.success() {
            return Err(Error::Failed {
                command: shown,
                status: output.status,
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        Ok(Captured {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs silently and returns everything, success or not: for commands whose failure is an answer.
    pub fn output(mut self) -> Result<Output, Error> {
        let shown = self.shown();
        self.command.stdin(Stdio::null()).output().map_err(cannot_start(&shown))
    }

    /// Runs silently with its output on the terminal's stderr, and returns its stdout: for
    /// programs that report progress while they compute an answer.
    pub fn stdout(mut self) -> Result<String, Error> {
        let shown = self.shown();
        echo(&shown);
        let output =
            self.command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(cannot_start(&shown))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(Error::Failed { command: shown, status: output.status, output: String::new() })
        }
    }

    fn shown(&self) -> String {
        let words = std::iter::once(self.command.get_program())
            .chain(self.command.get_args())
            .map(|word| word.to_string_lossy().into_owned());
        self.shown_env.iter().cloned().chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// What a captured program printed.
pub struct Captured {
    pub stdout: String,
    pub stderr: String,
}

/// Whether a program answers `--version`, that is: is installed and starts.
pub fn is_installed(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether rustup is here and has the named toolchain.
pub fn has_toolchain(name: &str) -> bool {
    Run::program("rustup")
        .args(["run", name, "rustc", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn echo(shown: &str) {
    // On stderr, so that a command's own stdout (tables, JSON) can be piped.
    let _ = writeln!(io::stderr(), "$ {shown}");
}

fn cannot_start(shown: &str) -> impl FnOnce(io::Error) -> Error {
    let command = shown.to_owned();
    move |source| Error::Start { command, source }
}
