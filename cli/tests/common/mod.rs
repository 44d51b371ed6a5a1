//! Running the program, and recordings to run it on.

#![allow(dead_code)] // each test file uses its share of this one

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The first line of every recording.
pub const HEADER: &str = "t_ms,op,owner,topic,bytes\n";

/// What the program did.
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

impl Ran {
    /// Holds that it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Holds that it failed as bad input does: exit code 2, one line that ends in `message`, and nothing that looks like a
    /// result.
    #[track_caller]
    pub fn refused(self, message: &str) {
        assert_eq!(self.code, 2, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        assert_eq!(self.out, "");
        let error = self.err.strip_prefix("error: ").unwrap_or_else(|| panic!("{}", self.err));
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.trim_end().ends_with(message), "expected: {message}\nfound: {error}");
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}", self.out))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program ends by itself"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// `pulsebus replay`, with nothing of the environment that changes what it shows.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulsebus"));
    command.arg("replay").args(args).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env_remove("CLICOLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// Runs `pulsebus replay` with these arguments, without progress.
pub fn replay(args: &[&str]) -> Ran {
    command(args).args(["--progress", "none"]).output().expect("the program starts").into()
}

/// The same, with something on standard input.
pub fn replay_stdin(args: &[&str], input: &[u8]) -> Ran {
    let mut command = command(args);
    command.args(["--progress", "none"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A program that refuses its input early closes the pipe.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    child.wait_with_output().expect("the program ends").into()
}

/// A folder with files, gone after the test.
pub struct Folder(TempDir);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for temporary files"))
    }

    /// The path of a file in it, which need not exist.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same, for an argument.
    pub fn arg(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file, and gives its path for an argument.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).expect("a temporary file");
        self.arg(name)
    }

    /// The content of a text file in it.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("the file is there")
    }
}

/// A recording of these lines.
pub fn recording(lines: &[&str]) -> String {
    let mut text = HEADER.to_owned();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// One gzip member.
pub fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content.as_ref()).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

/// Made-up events of every kind, the same for the same seed: few names, so that they meet, in renames above all.
pub fn random_recording(seed: u64, events: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |n: u64| {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    };
    let mut text = HEADER.to_owned();
    let mut t_ms = 1_000;
    for _ in 0..events {
        t_ms += [0, 0, 1, 7, 120][random(5) as usize];
        let (owner, other, topic) = (random(9), random(9), random(6));
        let line = match random(16) {
            0..6 => format!("{t_ms},J,o{owner},t{topic},0"),
            6..8 => format!("{t_ms},L,o{owner},t{topic},0"),
            8 => format!("{t_ms},Q,o{owner},,0"),
            9 | 10 => format!("{t_ms},N,o{owner},o{other},0"),
            _ => format!("{t_ms},M,o{owner},t{topic},{}", random(500)),
        };
        let _ = writeln!(text, "{line}");
    }
    text
}
