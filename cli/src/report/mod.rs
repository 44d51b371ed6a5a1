//! The report: one HTML file that needs nothing else, neither a network nor a script, in the reader's light or dark.

mod axis;
mod chart;
mod plots;

use crate::replay::Replay;
use crate::summary::{Summary, Verdict, count, duration, rate, sections, title};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// The whole page. `times` are those of the recording's events.
pub fn html(summary: &Summary, times: &[u64], replay: &Replay) -> String {
    let mut page = String::with_capacity(1 << 18);
    let name = escape(&summary.recording.name);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} through pulsebus</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<main>\n",
        chart::style()
    );
    head(&mut page, summary);
    tiles(&mut page, summary);
    figure(
        &mut page,
        "Live connections over recorded time",
        "Connections of owners after every event, in the order of the recording.",
        plots::live(&replay.live, times),
    );
    figure(
        &mut page,
        "How long an emission takes",
        &format!(
            "Share of emissions by duration; both scales are logarithmic. Reading the clock is {} of each.",
            duration(summary.latency.clock_ns)
        ),
        plots::distribution(&replay.latency.all),
    );
    figure(
        &mut page,
        "How long an emission takes, over recorded time",
        "Median, 99th percentile and maximum of 200 equal stretches of the recording.",
        plots::latency_over_time(&replay.latency.over_time, times),
    );
    if let Some(watched) = &replay.watched {
        figure(
            &mut page,
            "Memory over recorded time",
            "What the monitor saw in a pass of its own: the process's resident set, and what is live on its heap.",
            plots::memory(&watched.points, times),
        );
        figure(
            &mut page,
            "Connections and pooled payloads over recorded time",
            "Of the same pass: connections of the bus, payloads that are out, and payloads that are idle.",
            plots::counts(&watched.points, times),
        );
    }
    tables(&mut page, summary);
    let _ = write!(page, "<footer>pulsebus {}</footer>\n</main>\n</body>\n</html>\n", summary.version);
    page
}

fn head(page: &mut String, summary: &Summary) {
    let (class, verdict) = match (summary.verdict(), summary.check.oracle) {
        (Verdict::Sound, true) => ("good", "Checked: every count equals the oracle's".to_owned()),
        (Verdict::Sound, false) => ("good", "All passes agree; the oracle was not asked".to_owned()),
        (Verdict::Faulty(faults), _) => ("bad", faults),
    };
    let _ = writeln!(
        page,
        "<header>\n<h1>A recording through the bus</h1>\n<p>{}</p>\n<p class=\"verdict {class}\">{}</p>\n</header>",
        escape(&title(summary)),
        escape(&verdict)
    );
}

/// The figures that one looks for first.
fn tiles(page: &mut String, summary: &Summary) {
    let latency = |ns: Option<u64>| ns.map_or("–".to_owned(), duration);
    let (dispatch, connections) = (&summary.dispatch, &summary.connections);
    let tiles = [
        ("deliveries", count(dispatch.deliveries), dispatch.deliveries_per_second.map(rate).unwrap_or_default()),
        ("median emission", latency(summary.latency.p50_ns), "half take no longer".to_owned()),
        ("99.9 of 100", latency(summary.latency.p999_ns), "emissions take no longer".to_owned()),
        ("peak live", count(connections.peak_live), format!("of {} connects", count(connections.connects))),
        ("heap calls", count(dispatch.heap_calls), "in the steady state".to_owned()),
        ("leaks", count(connections.leaks), "after the final collection".to_owned()),
    ];
    page.push_str("<section class=\"tiles\">\n");
    for (name, value, remark) in tiles {
        let _ = writeln!(page, "<div><h2>{name}</h2><strong>{value}</strong><small>{remark}</small></div>");
    }
    page.push_str("</section>\n");
}

fn figure(page: &mut String, title: &str, caption: &str, plot: Option<String>) {
    let plot = plot.unwrap_or_else(|| "<p class=\"empty\">Nothing to show: there were none.</p>".to_owned());
    let _ = writeln!(page, "<figure>\n<h2>{title}</h2>\n{plot}\n<figcaption>{caption}</figcaption>\n</figure>");
}

fn tables(page: &mut String, summary: &Summary) {
    page.push_str("<section class=\"tables\">\n");
    for section in sections(summary) {
        let _ =
            writeln!(page, "<table>\n<caption>{} <small>{}</small></caption>", section.title, escape(&section.note));
        for row in section.rows {
            let (value, remark) = (escape(&row.value), escape(&row.remark));
            let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{value}</td><td>{remark}</td></tr>", row.name);
        }
        page.push_str("</table>\n");
    }
    page.push_str("</section>\n");
}

/// Text that may come from the input, made harmless inside and outside of attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_input_becomes_markup() {
        assert_eq!(escape("<a href=\"x\">&'</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
    }
}
