//! The plots.

use super::axis::TimeAxis;
use super::chart::{FONT, GRID, INK, ONE, PAPER, SIZE, THREE, TWO, inline};
use crate::replay::{Bin, Observed, Point};
use crate::summary::duration;
use hdrhistogram::Histogram;
use plotters::coord::Shift;
use plotters::coord::combinators::BindKeyPoints;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::collections::BTreeMap;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b, X, Y> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<<X as AsRangedCoord>::CoordDescType, <Y as AsRangedCoord>::CoordDescType>,
>;
/// One figure of a stretch of time.
type Figure = fn(&Bin) -> u64;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Columns of the live plot: more are not seen.
const COLUMNS: usize = 600;

/// Bars of the distribution for each power of ten.
const BARS: f64 = 16.0;

/// The height of a line of text, as a share of a plot's.
const LABEL_HEIGHT: f64 = 0.065;

/// Live connections over recorded time; `None` if there never was one.
pub fn live(points: &[Point], times: &[u64]) -> Option<String> {
    let axis = TimeAxis::new(times).filter(|_| !points.is_empty())?;
    let peak = points.iter().map(|point| point.live).max().unwrap_or(0).max(1);
    let steps = steps(points, times, &axis);
    Some(draw("Live connections over recorded time", |area| {
        let mut chart = chart(area, 0.0..axis.end, 0.0..peak as f64 * 1.05)?;
        mesh(&mut chart, &axis.label(), "live connections", &|x| short(*x), &|y| format!("{y:.0}"))?;
        chart.draw_series(AreaSeries::new(steps.iter().copied(), 0.0, ONE.mix(0.18)))?;
        chart.draw_series(LineSeries::new(steps.iter().copied(), ONE.stroke_width(2)))?;
        Ok(())
    }))
}

/// The distribution of latencies, both axes logarithmic, so that one slow emission among millions is seen; `None` without
/// any.
pub fn distribution(all: &Histogram<u64>) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let bars = bars(all);
    let edge = |column: usize| 10_f64.powf(column as f64 / BARS);
    let ends = (edge(bars.first_key_value()?.0.saturating_sub(1)), edge(bars.last_key_value()?.0 + 1));
    let percent = |n: u64| 100.0 * n as f64 / all.len() as f64;
    // Half of what one emission comes to, so that its bar has a height.
    let floor = percent(1) / 2.0;
    // The upper third is for the names of the marks.
    let top = floor * (100.0 / floor).powf(1.5);
    let decades: Vec<f64> = (-9..=2).map(|n| 10_f64.powi(n)).filter(|n| *n > floor).collect();
    Some(draw("Distribution of emission durations", |area| {
        let y = (floor..top).log_scale().with_key_points(decades);
        let mut chart = chart(area, (ends.0..ends.1).log_scale(), y)?;
        mesh(&mut chart, "duration of an emission", "% of emissions", &|x| nanoseconds(*x), &|y| y.to_string())?;
        chart.draw_series(bars.iter().map(|(column, n)| {
            let corners = [(edge(*column), floor), (edge(column + 1), percent(*n))];
            let mut bar = Rectangle::new(corners, ONE.mix(0.75).filled());
            bar.set_margin(0, 0, 1, 0);
            bar
        }))?;
        let marks = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
        for (row, (name, quantile)) in (0..).zip(marks) {
            let ns = all.value_at_quantile(quantile);
            let x = (ns.max(1) as f64).clamp(ends.0, ends.1);
            // One label below the other, for percentiles may be close, and each mark ends at its own.
            let height = top * (floor / top).powf(f64::from(row) * LABEL_HEIGHT);
            chart.draw_series([PathElement::new([(x, floor), (x, height)], THREE.stroke_width(1))])?;
            // Near the right edge there is room to the left only.
            let (side, gap) = if x * x > ends.0 * ends.1 { (HPos::Right, -5) } else { (HPos::Left, 5) };
            let style = TextStyle::from(FONT.into_font()).color(&INK).pos(Pos::new(side, VPos::Top));
            let label = Text::new(format!("{name} {}", duration(ns)), (gap, 0), style);
            chart.draw_series([EmptyElement::at((x, height)) + label])?;
        }
        Ok(())
    }))
}

/// How many emissions fall into each column of the logarithmic scale.
fn bars(all: &Histogram<u64>) -> BTreeMap<usize, u64> {
    let mut bars = BTreeMap::new();
    for value in all.iter_recorded() {
        let column = ((value.value_iterated_to().max(1) as f64).log10() * BARS).floor() as usize;
        *bars.entry(column).or_default() += value.count_since_last_iteration();
    }
    bars
}

/// Median, 99th percentile and maximum over recorded time; `None` without any emission.
pub fn latency_over_time(bins: &[Bin], times: &[u64]) -> Option<String> {
    let axis = TimeAxis::new(times).filter(|_| !bins.is_empty())?;
    let lowest = bins.iter().map(|bin| bin.p50).min().unwrap_or(1).max(1) as f64;
    let highest = bins.iter().map(|bin| bin.max).max().unwrap_or(1).max(1) as f64;
    let series: [(_, _, Figure); 3] =
        [("maximum", THREE, |bin| bin.max), ("p99", TWO, |bin| bin.p99), ("median", ONE, |bin| bin.p50)];
    Some(draw("Emission durations over recorded time", |area| {
        let mut chart = chart(area, 0.0..axis.end, (lowest / 1.5..highest * 3.0).log_scale())?;
        mesh(&mut chart, &axis.label(), "duration of an emission", &|x| short(*x), &|y| nanoseconds(*y))?;
        for (name, color, of) in series {
            let line = bins.iter().map(|bin| (axis.at(bin.t_ms), of(bin).max(1) as f64));
            let drawn = chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
            drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
        }
        legend(&mut chart)
    }))
}

/// Memory over recorded time, in megabytes; `None` without a sample.
pub fn memory(points: &[Observed], times: &[u64]) -> Option<String> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let series: [Curve<'_>; 2] = [
        ("resident set", TWO, &|point| point.resident.map(megabytes)),
        ("live on the heap", ONE, &|point| point.heap.map(megabytes)),
    ];
    curves("Memory over recorded time", "megabytes", &series, points, times)
}

/// Connections and payloads over recorded time; `None` without a sample.
pub fn counts(points: &[Observed], times: &[u64]) -> Option<String> {
    let series: [Curve<'_>; 3] = [
        ("connections", ONE, &|point| Some(point.connections as f64)),
        ("payloads out", TWO, &|point| Some(point.out as f64)),
        ("payloads idle", THREE, &|point| Some(point.idle as f64)),
    ];
    curves("Connections and pooled payloads over recorded time", "how many", &series, points, times)
}

/// One line of a plot: its name, its colour, and its value, if there is one.
type Curve<'a> = (&'static str, RGBColor, &'a dyn Fn(&Observed) -> Option<f64>);

fn curves(title: &str, unit: &str, series: &[Curve<'_>], points: &[Observed], times: &[u64]) -> Option<String> {
    let axis = TimeAxis::new(times)?;
    let values = |of: &dyn Fn(&Observed) -> Option<f64>| {
        points.iter().filter_map(|point| Some((axis.at(point.t_ms), of(point)?))).collect::<Vec<_>>()
    };
    let lines: Vec<_> = series.iter().map(|(name, color, of)| (*name, *color, values(of))).collect();
    let highest = lines.iter().flat_map(|(_, _, line)| line).map(|(_, y)| *y).fold(f64::NAN, f64::max);
    if highest.is_nan() {
        return None;
    }
    Some(draw(title, |area| {
        // The upper part is for the legend.
        let mut chart = chart(area, 0.0..axis.end, 0.0..(highest * 1.3).max(1.0))?;
        mesh(&mut chart, &axis.label(), unit, &|x| short(*x), &|y| short(*y))?;
        for (name, color, line) in lines {
            let drawn = chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
            drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3)));
        }
        legend(&mut chart)
    }))
}

fn draw(name: &str, plot: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let drawn = plot(&area).and_then(|()| Ok(area.present()?));
        drawn.expect("drawing into a string has nothing that fails");
    }
    inline(&svg, name)
}

fn chart<'a, 'b, X, Y>(area: &'a Area<'b>, x: X, y: Y) -> Result<Chart<'a, 'b, X, Y>, Box<dyn std::error::Error>>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
{
    let mut builder = ChartBuilder::on(area);
    builder.margin(8).margin_right(18).x_label_area_size(46).y_label_area_size(72);
    Ok(builder.build_cartesian_2d(x, y)?)
}

fn mesh<'b, X, Y>(
    chart: &mut ChartContext<'_, SVGBackend<'b>, Cartesian2d<X, Y>>,
    x_title: &str,
    y_title: &str,
    x_label: &dyn Fn(&f64) -> String,
    y_label: &dyn Fn(&f64) -> String,
) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let text = TextStyle::from(FONT.into_font()).color(&INK);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(text.clone())
        .axis_desc_style(text)
        .x_desc(x_title)
        .y_desc(y_title)
        .x_labels(10)
        .y_labels(6)
        .x_label_formatter(x_label)
        .y_label_formatter(y_label)
        .draw()?;
    Ok(())
}

/// Names the series, in a corner.
fn legend<'a, 'b: 'a, X, Y>(chart: &mut ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>) -> Drawn
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let text = TextStyle::from(FONT.into_font()).color(&INK);
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperRight).background_style(PAPER.filled()).label_font(text).draw()?;
    Ok(())
}

/// The corners of a stair of live connections, with at most four for each column: where it was, its lowest and highest
/// point, and where it went.
fn steps(points: &[Point], times: &[u64], axis: &TimeAxis) -> Vec<(f64, f64)> {
    let column = |point: &Point| (axis.at(times[point.event as usize]) / axis.end * COLUMNS as f64) as usize;
    let mut corners = vec![(0.0, 0.0)];
    let mut before = 0.0;
    for group in points.chunk_by(|a, b| column(a) == column(b)) {
        let x = axis.at(times[group[0].event as usize]);
        let live = || group.iter().map(|point| point.live);
        let (low, high) = (live().min().unwrap_or(0) as f64, live().max().unwrap_or(0) as f64);
        let last = group.last().map_or(0.0, |point| point.live as f64);
        corners.extend([(x, before), (x, low), (x, high), (x, last)]);
        before = last;
    }
    corners.push((axis.end, before));
    corners.dedup();
    corners
}

/// A duration at an axis: `1 µs` rather than `1.00 µs`.
fn nanoseconds(ns: f64) -> String {
    let text = duration(ns.round() as u64);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number} {unit}")
}

/// A number without needless zeros.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stair_goes_through_its_peak() {
        let point = |event, live| Point { event, live };
        let times = [0, 0, 0, 10_000];
        let axis = TimeAxis::new(&times).expect("there are events");
        let corners = steps(&[point(0, 1), point(1, 9), point(2, 4), point(3, 0)], &times, &axis);
        assert_eq!(corners, [(0.0, 0.0), (0.0, 1.0), (0.0, 9.0), (0.0, 4.0), (10.0, 4.0), (10.0, 0.0)]);
    }

    #[test]
    fn plots_of_nothing_are_left_out() {
        let nothing = Histogram::new(3).expect("3 digits");
        assert_eq!((live(&[], &[]), distribution(&nothing), latency_over_time(&[], &[])), (None, None, None));
    }

    #[test]
    fn axis_durations_are_short() {
        let texts = [1.0, 100.0, 1e3, 1e4, 1e5, 2.5e9].map(nanoseconds);
        assert_eq!(texts, ["1 ns", "100 ns", "1 µs", "10 µs", "100 µs", "2.5 s"]);
    }

    #[test]
    fn one_value_is_enough_for_a_plot() {
        let mut all = Histogram::new(3).expect("3 digits");
        all.record(1).expect("auto-resizing");
        assert!(distribution(&all).is_some_and(|svg| svg.contains("p99.9")));
        let bin = Bin { t_ms: 5, p50: 0, p99: 0, max: 0 };
        assert!(latency_over_time(&[bin], &[5]).is_some_and(|svg| svg.contains("median")));
        assert!(live(&[Point { event: 0, live: 0 }], &[5]).is_some());
    }
}
