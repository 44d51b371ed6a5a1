//! What pools spare the games of the examples: each is played with its pool and without.

use serde::Deserialize;

use super::targets::Limit::{AtLeast, AtMost};
use super::targets::Targets;
use super::{Section, parsed};
use crate::error::Error;
use crate::process::Run;
use crate::table::Table;
use crate::workspace;

const EXAMPLES: [&str; 4] = ["bullets", "effects", "damage_numbers", "casings"];

/// What an example prints with `--json`.
#[derive(Deserialize)]
struct Played {
    ticks: u64,
    heap_calls: u64,
    gets: u64,
    misses: u64,
    outstanding: u64,
}

/// An example, with its pool and without.
struct Game {
    name: &'static str,
    with: Played,
    without: Played,
}

impl Game {
    fn play(name: &'static str) -> Result<Self, Error> {
        let program = workspace::target_dir().join("release/examples").join(name);
        let played = |args: &[&str]| parsed(name, &Run::program(&program).args(args).stdout()?);
        Ok(Self { name, with: played(&["--json"])?, without: played(&["--json", "--without-pool"])? })
    }

    /// Which part of the gets was of objects that had been used before, in per cent.
    fn reused(&self) -> f64 {
        100.0 * (1.0 - self.with.misses as f64 / self.with.gets.max(1) as f64)
    }

    /// Which part of the heap calls the pool spares, in per cent.
    fn spared(&self) -> f64 {
        100.0 * (1.0 - self.with.heap_calls as f64 / self.without.heap_calls.max(1) as f64)
    }
}

/// Plays them all; the section about it.
pub fn sections() -> Result<Vec<Section>, Error> {
    let names = EXAMPLES.iter().flat_map(|name| ["--example", name]);
    Run::cargo().args(["build", "--release", "--package", "pulsebus"]).args(names).run()?;
    let games: Vec<Game> = EXAMPLES.into_iter().map(Game::play).collect::<Result<_, _>>()?;
    let (targets, table) = (targets(&games).markdown(), table(&games).markdown());
    Ok(vec![("examples", format!("{targets}\n{table}"))])
}

fn targets(games: &[Game]) -> Targets {
    let mut targets = Targets::new();
    for game in games {
        let name = game.name;
        targets.row(&format!("`{name}`: objects used again"), AtLeast(99.0), " %", Some(game.reused()));
        targets.row(&format!("`{name}`: heap calls spared"), AtLeast(95.0), " %", Some(game.spared()));
        let left = Some(game.with.outstanding as f64);
        targets.row(&format!("`{name}`: objects that are out at the end"), AtMost(0.0), "", left);
    }
    targets
}

fn table(games: &[Game]) -> Table {
    let mut table = Table::new(["example", "ticks", "gets", "made for them", "heap calls", "without the pool"]);
    for Game { name, with, without } in games {
        let counts = [with.ticks, with.gets, with.misses, with.heap_calls, without.heap_calls];
        table.row(std::iter::once(format!("`{name}`")).chain(counts.map(|count| count.to_string())));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_gets_and_of_the_calls_without_a_pool() {
        let played = |heap_calls, gets, misses| Played { ticks: 1, heap_calls, gets, misses, outstanding: 0 };
        let game = Game { name: "some", with: played(50, 1_000, 10), without: played(2_000, 0, 0) };
        assert_eq!((game.reused(), game.spared()), (99.0, 97.5));
    }
}
