//! `pulsebus replay`: a recorded event trace, dispatched through the bus, checked against a plain oracle and measured.
//!
//! A recording is read once ([`recording`]), compiled into steps that need neither strings nor maps ([`plan`]), and sent
//! through the bus in several passes ([`replay`]). What came out is compared with an oracle that knows nothing of the bus
//! ([`oracle`], [`check`]) and shown ([`summary`], [`report`]).

#![deny(unsafe_code)]

mod args;
mod check;
mod command;
mod error;
mod heap;
mod oracle;
mod outputs;
mod plan;
mod progress;
mod recording;
mod replay;
mod report;
mod summary;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args::Cli { command } = args::Cli::parse();
    let args::Command::Replay(args) = command;
    ExitCode::from(match command::replay(&args) {
        Ok(verdict) => verdict.exit_code(),
        Err(error) => {
            error::print(&error);
            error::EXIT_BAD_INPUT
        }
    })
}
