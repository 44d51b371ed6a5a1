//! Finding every ordering that the sources name, and making them all choosable at run time.
//!
//! A build per ordering would take an hour. So one build holds them all: each `Ordering::X` of the copy becomes a call
//! that returns it, or something weaker if an environment variable says so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

const PREFIX: &str = "Ordering::";

/// An ordering that the sources name.
pub struct Site {
    pub file: PathBuf,
    /// The file, the function, and which of the function's orderings it is.
    pub name: String,
    line: usize,
    /// The byte of the line at which `Ordering::` starts.
    column: usize,
    ordering: &'static str,
    context: Context,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Access,
    Fence,
    /// For the compiler alone, which no model sees.
    CompilerFence,
}

/// The orderings of a file that order anything, comments and tests left out.
pub fn sites(file: &Path, text: &str) -> Vec<Site> {
    let short = file.strip_prefix("src").unwrap_or(file).display();
    let mut function = String::new();
    let mut counts = HashMap::<String, usize>::new();
    let mut sites = Vec::new();
    for (line, content) in text.lines().enumerate() {
        if ["#[cfg(test)]", "#[cfg(all(test"].iter().any(|tests| content.trim_start().starts_with(tests)) {
            break;
        }
        if content.trim_start().starts_with("//") {
            continue;
        }
        if let Some((_, rest)) = content.split_once("fn ") {
            function = rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
        }
        for (column, _) in content.match_indices(PREFIX) {
            let rest = &content[column + PREFIX.len()..];
            let Some(&ordering) = ["Acquire", "Release", "AcqRel", "SeqCst"].iter().find(|&&o| rest.starts_with(o))
            else {
                continue;
            };
            let context = match &content[..column] {
                before if before.ends_with("compiler_fence(") => Context::CompilerFence,
                before if before.ends_with("fence(") => Context::Fence,
                _ => Context::Access,
            };
            let count = counts.entry(function.clone()).or_default();
            *count += 1;
            let name = format!("{short} {function}#{count} {ordering}");
            sites.push(Site { file: file.to_owned(), name, line, column, ordering, context });
        }
    }
    sites
}

impl Site {
    /// What it can become.
    pub fn weaker(&self) -> &'static [&'static str] {
        match (self.context, self.ordering) {
            (Context::Access, "AcqRel") => &["Relaxed", "Acquire", "Release"],
            (Context::Access, _) => &["Relaxed"],
            (_, "SeqCst") if self.context == Context::Fence => &["nothing", "AcqRel"],
            _ => &["nothing"],
        }
    }

    /// The call that replaces `Ordering::X`.
    fn call(&self, number: usize) -> Option<String> {
        let ordering = self.ordering;
        match self.context {
            Context::Access => Some(format!("crate::weakened::order({number}, Ordering::{ordering})")),
            Context::Fence => Some(format!("crate::weakened::fence({number}, Ordering::{ordering})")),
            Context::CompilerFence => None,
        }
    }
}

/// The text of a file with every one of its sites choosable.
pub fn choosable(file: &Path, text: &str, sites: &[Site]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the right, so that the columns stay true.
    for (number, site) in sites.iter().enumerate().rev().filter(|(_, site)| site.file == file) {
        let Some(call) = site.call(number) else { continue };
        let line = &mut lines[site.line];
        let fence = if site.context == Context::Fence { "fence(".len() } else { 0 };
        let end = site.column + PREFIX.len() + site.ordering.len() + usize::from(fence > 0);
        line.replace_range(site.column - fence..end, &call);
    }
    lines.join("\n") + "\n"
}

/// The variable that chooses, as `number:ordering`.
pub const VARIABLE: &str = "PULSEBUS_WEAKEN";

/// The module that the copy's library gets.
pub const MODULE: &str = r#"//! Planted by `cargo xtask weaken`.

use crate::sync::Ordering;
use std::sync::OnceLock;

fn chosen(site: usize) -> Option<&'static str> {
    static CHOSEN: OnceLock<Option<(usize, String)>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let choice = std::env::var("PULSEBUS_WEAKEN").ok()?;
        let (site, ordering) = choice.split_once(':').expect("number:ordering");
        Some((site.parse().expect("a number"), ordering.to_owned()))
    });
    chosen.as_ref().filter(|chosen| chosen.0 == site).map(|chosen| &*chosen.1)
}

pub(crate) fn order(site: usize, order: Ordering) -> Ordering {
    match chosen(site) {
        None => order,
        Some("Relaxed") => Ordering::Relaxed,
        Some("Acquire") => Ordering::Acquire,
        Some("Release") => Ordering::Release,
        Some(other) => panic!("no such ordering: {other}"),
    }
}

pub(crate) fn fence(site: usize, order: Ordering) {
    match chosen(site) {
        None => crate::sync::fence(order),
        Some("nothing") => {}
        Some("AcqRel") => crate::sync::fence(Ordering::AcqRel),
        Some(other) => panic!("no such fence: {other}"),
    }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn a() {\n    // Ordering::Acquire\n    x.cas(Ordering::AcqRel, Ordering::Acquire);\n    \
                        fence(Ordering::SeqCst);\n}\nfn b() {\n    x.load(Ordering::Relaxed);\n}\n";

    #[test]
    fn every_ordering_is_found_and_becomes_choosable() {
        let file = Path::new("src/x.rs");
        let sites = sites(file, TEXT);
        let names: Vec<&str> = sites.iter().map(|site| &*site.name).collect();
        assert_eq!(names, ["x.rs a#1 AcqRel", "x.rs a#2 Acquire", "x.rs a#3 SeqCst"]);
        let text = choosable(file, TEXT, &sites);
        assert!(text.contains(
            "x.cas(crate::weakened::order(0, Ordering::AcqRel), crate::weakened::order(1, Ordering::Acquire));"
        ));
        assert!(text.contains("\n    crate::weakened::fence(2, Ordering::SeqCst);\n"), "{text}");
        assert!(text.contains("x.load(Ordering::Relaxed)"));
    }
}
