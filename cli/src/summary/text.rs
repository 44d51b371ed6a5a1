//! The figures, for people.

use super::watched::Range;
use super::{Named, Summary, Verdict};
use anstyle::{AnsiColor, Style};
use indicatif::HumanCount;
use std::fmt::Write;

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Some figures that belong together.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// What they are about.
    pub title: &'static str,
    /// How they were found, in a few words.
    pub note: String,
    /// The figures.
    pub rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// What it counts.
    pub name: &'static str,
    /// What it came to.
    pub value: String,
    /// What else is to say.
    pub remark: String,
}

/// The whole summary, with colours that the stream may leave out.
pub fn text(summary: &Summary) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{TITLE}{}{TITLE:#}", title(summary));
    for Section { title, note, rows } in sections(summary) {
        let _ = writeln!(out, "\n{TITLE}{title}{TITLE:#}  {DIM}{note}{DIM:#}");
        for Row { name, value, remark } in rows {
            let line = format!("  {name:<18} {value:>14}");
            let _ = match remark.as_str() {
                "" => writeln!(out, "{line}"),
                remark => writeln!(out, "{line}   {DIM}{remark}{DIM:#}"),
            };
        }
    }
    let (style, verdict) = verdict(summary);
    let _ = writeln!(out, "\n{style}{verdict}{style:#}");
    out
}

/// What was replayed, in one line.
pub fn title(summary: &Summary) -> String {
    let recording = &summary.recording;
    let span = match (recording.first_t_ms, recording.last_t_ms) {
        (Some(first), Some(last)) => format!(", {} of recorded time", long_duration(last - first)),
        _ => String::new(),
    };
    format!(
        "{}: {} events, {} topics, {} owners{span}",
        escape(&recording.name),
        count(recording.events),
        count(recording.topics),
        count(recording.owners)
    )
}

/// The verdict in one line, and how to colour it.
fn verdict(summary: &Summary) -> (Style, String) {
    let passes = summary.bus.passes;
    match (summary.verdict(), summary.check.oracle) {
        (Verdict::Faulty(_), _) => (BAD, "FAILED: see the error".to_owned()),
        (Verdict::Sound, true) => (GOOD, format!("checked: every count of all {passes} passes equals the oracle's")),
        (Verdict::Sound, false) => {
            (GOOD, format!("not checked against the oracle (--check does); all {passes} passes agree"))
        }
    }
}

/// All figures, in the order in which they are shown.
pub fn sections(summary: &Summary) -> Vec<Section> {
    let always = [dispatch(summary), latency(summary), connections(summary), reuse(summary)];
    always
        .into_iter()
        .chain(tracked(summary))
        .chain(at_peak(summary))
        .chain(watched(summary))
        .chain([recording(summary)])
        .collect()
}

fn dispatch(summary: &Summary) -> Section {
    let (dispatch, options) = (&summary.dispatch, &summary.options);
    let mut note = match options.threads {
        1 => "1 thread".to_owned(),
        n => format!("{n} threads"),
    };
    note.push_str(if options.engine { ", on bare signals" } else { ", through the bus" });
    let _ = match options.speed {
        None => write!(note, ", as fast as possible"),
        Some(speed) => write!(note, ", {speed} times as fast as recorded"),
    };
    if let Some(hz) = options.tick_hz {
        let _ = write!(note, ", {hz} ticks per recorded second");
    }
    if options.extra_slots > 0 {
        let _ = write!(note, ", {} extra slots per topic", count(options.extra_slots.into()));
    }
    let per_second = |rate: Option<f64>| rate.map(self::rate).unwrap_or_default();
    let mut rows = vec![
        row("events", count(summary.recording.events), per_second(dispatch.events_per_second)),
        row("deliveries", count(dispatch.deliveries), per_second(dispatch.deliveries_per_second)),
        row("wall time", duration(dispatch.wall_ns), "of the dispatch pass: no clock in its loop"),
        row("heap calls", count(dispatch.heap_calls), "in the steady state: the whole pass, after a warm-up pass"),
    ];
    if options.speed.is_some() {
        rows[2].remark = "of the dispatch pass, which waits for the recorded clock".to_owned();
    }
    if let Some(ticks) = dispatch.ticks {
        rows.push(row("ticks", count(ticks), "that were not empty"));
    }
    if let Some(late) = dispatch.late_ns {
        rows.push(row("late by at most", duration(late), "behind the recorded clock"));
    }
    Section { title: "Dispatch", note, rows }
}

fn latency(summary: &Summary) -> Section {
    let latency = &summary.latency;
    let pass = if summary.options.speed.is_some() { "the same pass" } else { "a pass of its own" };
    let pin = if summary.options.tick_hz.is_some() { " without the tick's pin" } else { "" };
    let clock = duration(latency.clock_ns);
    let note = format!("one emission{pin}, all slots of its topic, in {pass}; reading the clock is {clock} of each");
    let value = |ns: Option<u64>| ns.map_or("-".to_owned(), duration);
    let rows = vec![
        row("p50", value(latency.p50_ns), ""),
        row("p90", value(latency.p90_ns), ""),
        row("p99", value(latency.p99_ns), ""),
        row("p99.9", value(latency.p999_ns), ""),
        row("max", value(latency.max_ns), format!("of {} emissions", count(latency.emissions))),
    ];
    Section { title: "Dispatch latency", note, rows }
}

fn connections(summary: &Summary) -> Section {
    let connections = &summary.connections;
    let mut rows = vec![
        row("connects", count(connections.connects), ""),
        row("disconnects", count(connections.disconnects), ""),
        row("peak live", count(connections.peak_live), "in the order of the recording"),
        row("live at the end", count(connections.live_at_end), ""),
        row("leaks", count(connections.leaks), "captures not dropped after the final collection"),
    ];
    if connections.extra > 0 {
        rows.push(row("extra slots", count(connections.extra), "besides the owners', which alone are counted above"));
    }
    Section { title: "Connections", note: "of one pass".to_owned(), rows }
}

fn reuse(summary: &Summary) -> Section {
    let bus = &summary.bus;
    let times = |uses: Option<f64>| uses.map_or("-".to_owned(), |uses| format!("{uses:.1} times"));
    let made = match bus.chunks_made_in_dispatch {
        0 => "none of them in the dispatch pass".to_owned(),
        n => format!("{} of them in the dispatch pass", count(n)),
    };
    let rows = vec![
        row("chunks made", count(bus.chunks_made), made),
        row("chunk reuse", times(bus.uses_per_chunk), format!("taken {} times", count(bus.chunks_taken))),
        row("slot reuse", times(bus.uses_per_slot), format!("{} connects", count(bus.slots_connected))),
        row("grace periods", count(bus.grace_periods), ""),
    ];
    Section { title: "Memory of the bus", note: format!("over all {} passes", bus.passes), rows }
}

fn tracked(summary: &Summary) -> Option<Section> {
    let tracked = summary.tracked.as_ref()?;
    let ended = tracked.ended.iter().map(|reason| reason.count).sum();
    let reuse = tracked.uses_per_sample.map_or("-".to_owned(), |uses| format!("{uses:.1} times"));
    let mut rows = vec![
        row("made", count(tracked.made), ""),
        row("ended", count(ended), list(&tracked.ended)),
        row("still live", count(tracked.live), ""),
        row("at most live", count(tracked.peak), ""),
        row("sample reuse", reuse, format!("{} made, to count calls", count(tracked.samples_made))),
    ];
    for (name, n) in [("refused", tracked.rejected), ("callback panics", tracked.cleanup_errors)] {
        if n > 0 {
            rows.push(row(name, count(n), ""));
        }
    }
    let note = format!("over all {} passes, extra slots included", summary.bus.passes);
    Some(Section { title: "What the bus counted", note, rows })
}

fn at_peak(summary: &Summary) -> Option<Section> {
    let peak = summary.tracked_at_peak.as_ref()?;
    let most = format!("{} connections at most", count(peak.most_of_an_owner));
    let rows = vec![
        row("tracked", count(peak.live), "connections"),
        row("owners", count(peak.owners), most),
        row("kinds", count(peak.kinds.len() as u64), list(&peak.kinds)),
        row("services", count(peak.services.len() as u64), list(&peak.services)),
        row("topics", count(peak.topics), format!("fullest: {}", list(&peak.fullest_topics))),
    ];
    let mut note = "when the recording had most connections, in the warm-up pass".to_owned();
    if summary.options.threads > 1 {
        note.push_str(", as one of the threads saw it");
    }
    Some(Section { title: "What the bus knew", note, rows })
}

fn watched(summary: &Summary) -> Option<Section> {
    let watched = summary.watched.as_ref()?;
    let cost = format!("{} each, {} at most", duration(watched.mean_cost_ns), duration(watched.highest_cost_ns));
    let mut rows = vec![row("samples", count(watched.samples), cost)];
    for (name, range) in [("resident set", watched.resident_bytes), ("live on the heap", watched.heap_bytes)] {
        if let Some(Range { first, last, highest }) = range {
            rows.push(row(
                name,
                bytes(last),
                format!("at the end; {} at first, {} at most", bytes(first), bytes(highest)),
            ));
        }
    }
    if let Some(Range { last, highest, .. }) = watched.connections {
        rows.push(row("connections", count(last), format!("at the end, {} at most", count(highest))));
    }
    for pool in &watched.pools {
        rows.push(row("pool", count(pool.gets), format!("gets; {}", escape(&pool.to_string()))));
    }
    if let Some(planted) = watched.planted {
        rows.push(row("planted", count(planted), "connections that nobody ends, by --leak"));
    }
    rows.push(row("alerts", count(watched.alerts_told), ""));
    let hidden = watched.alerts.len().saturating_sub(FIRST_ALERTS + LAST_ALERTS);
    for (number, alert) in watched.alerts.iter().enumerate() {
        if hidden > 0 && number == FIRST_ALERTS {
            rows.push(row("", "...".to_owned(), format!("{} more", count(hidden as u64))));
        }
        if (FIRST_ALERTS..FIRST_ALERTS + hidden).contains(&number) {
            continue;
        }
        for (index, line) in alert.text.lines().enumerate() {
            let after = if index == 0 { long_duration(alert.after_ms) } else { String::new() };
            rows.push(row("", after, escape(line.trim())));
        }
    }
    Some(Section {
        title: "What the monitor saw",
        note: "in a pass of its own, by the recorded clock".to_owned(),
        rows,
    })
}

/// So many alerts of the first, and of the last, stand in the summary; the JSON has more.
const FIRST_ALERTS: usize = 2;
const LAST_ALERTS: usize = 3;

/// Bytes, in the unit that suits them: `12.3 MB`.
pub fn bytes(n: u64) -> String {
    indicatif::DecimalBytes(n).to_string()
}

/// `recording 450, extra slots 693`.
fn list(counts: &[Named]) -> String {
    let one = |Named { name, count: n }: &Named| format!("{} {}", escape(name), count(*n));
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn recording(summary: &Summary) -> Section {
    let recording = &summary.recording;
    let counts = &recording.counts;
    let idle = |n: u64, why: &str| if n == 0 { String::new() } else { format!("{} {why}", count(n)) };
    let mut rows = vec![
        row("messages", count(counts.messages), ""),
        row("joins", count(counts.joins), idle(counts.repeated_joins, "of someone already there: nothing to do")),
        row("leaves", count(counts.leaves), idle(counts.unmatched_leaves, "of someone not there: nothing to do")),
        row("quits", count(counts.quits), idle(counts.unmatched_quits, "of someone in no topic: nothing to do")),
        row("renames", count(counts.renames), idle(counts.idle_renames, "without anything to rename")),
    ];
    if counts.collapsed > 0 {
        rows.push(row("collapsed", count(counts.collapsed), "connections, by a rename to a name already there"));
    }
    if recording.skipped_lines > 0 {
        rows.push(row("skipped lines", count(recording.skipped_lines), "by --lenient"));
    }
    Section { title: "Recording", note: "its events by kind".to_owned(), rows }
}

fn row(name: &'static str, value: String, remark: impl Into<String>) -> Row {
    Row { name, value, remark: remark.into() }
}

/// A count with separators: `223,419`.
pub fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

/// A rate: `10.5 million per second`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        n if n >= 1e6 => format!("{:.1} million per second", n / 1e6),
        n if n >= 1e3 => format!("{:.1} thousand per second", n / 1e3),
        n => format!("{n:.1} per second"),
    }
}

/// A duration in the unit that suits it: `94 ns`, `1.23 µs`, `21.3 ms`, `2.50 s`.
pub fn duration(ns: u64) -> String {
    let digits = |value: f64| match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    };
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", digits(ns as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} ms", digits(ns as f64 / 1e6)),
        _ => format!("{} s", digits(ns as f64 / 1e9)),
    }
}

/// A long duration: `17 h 0 min`, `2 min 5 s`, `0.250 s`.
fn long_duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, _) => format!("{:.3} s", ms as f64 / 1e3),
        (0, 0, min, s) => format!("{min} min {s} s"),
        (0, h, min, _) => format!("{h} h {min} min"),
        (d, h, _, _) => format!("{d} d {h} h"),
    }
}

/// A file's name may hold what a terminal would obey.
fn escape(name: &str) -> String {
    name.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        let cases =
            [(0, "0 ns"), (999, "999 ns"), (1_234, "1.23 µs"), (21_300_000, "21.3 ms"), (2_500_000_000, "2.50 s")];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
        let cases = [(250, "0.250 s"), (125_000, "2 min 5 s"), (61_250_000, "17 h 0 min"), (90_000_000, "1 d 1 h")];
        for (ms, text) in cases {
            assert_eq!(long_duration(ms), text);
        }
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(escape("a\u{1b}[31m\nb ü"), "a\\u{1b}[31m\\nb ü");
    }
}
