//! The project's own commands, run as `cargo xtask <command>`.
//!
//! A command is one file with an `Args` struct (its doc comment is the command's help) and
//! `Args::run`. To add one: the file, its `mod` line, a variant and its match arm below.

#![forbid(unsafe_code)]

mod budget;
mod error;
mod process;
mod results;
mod results_file;
mod san;
mod soak;
mod table;
mod test;
mod weaken;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use error::Error;

/// Everything the project does with itself: prove, measure, regenerate.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Budget(budget::Args),
    Results(results::Args),
    San(san::Args),
    Soak(soak::Args),
    Test(test::Args),
    Weaken(weaken::Args),
}

impl Command {
    fn run(self) -> Result<(), Error> {
        match self {
            Self::Budget(args) => args.run(),
            Self::Results(args) => args.run(),
            Self::San(args) => args.run(),
            Self::Soak(args) => args.run(),
            Self::Test(args) => args.run(),
            Self::Weaken(args) => args.run(),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}
