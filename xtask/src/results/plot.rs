//! The plot that goes with the first table: what a slot of an emission costs, by the number of slots.

use std::fmt::Display;

use plotters::prelude::*;

use super::figures::Timings;
use crate::error::Error;

const SIZE: (u32, u32) = (960, 640);

/// Room above the highest line, as a factor on the logarithmic axis.
const LEGEND: f64 = 12.0;

/// Peers in the order of the legend.
const SHOWN: [&str; 8] = [
    super::figures::OURS,
    super::figures::RAW_BEST,
    "ArcSwap<Vec<Arc>>",
    "RwLock<Vec>",
    "signals2 crate",
    super::figures::BOOST,
    "tokio broadcast (queue)",
    "crossbeam-channel (queues)",
];

/// An SVG picture: nanoseconds per slot over slots, both logarithmic.
pub fn emit_by_slots(timings: &Timings) -> Result<String, Error> {
    let lines: Vec<(&str, Vec<(f64, f64)>)> = SHOWN.iter().map(|&peer| (peer, points(timings, peer))).collect();
    let ns = || lines.iter().flat_map(|(_, points)| points.iter().map(|&(_, ns)| ns));
    let (lowest, highest) = (ns().fold(f64::MAX, f64::min), ns().fold(0.0, f64::max));

    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(not_drawn)?;
        let mut chart = ChartBuilder::on(&area)
            .caption("One emission: nanoseconds per slot, by connected slots", ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d((1.0..120_000.0).log_scale(), (lowest * 0.8..highest * LEGEND).log_scale())
            .map_err(not_drawn)?;
        chart
            .configure_mesh()
            .x_desc("connected slots")
            .y_desc("ns per slot")
            .x_label_formatter(&|slots| format!("{slots:.0}"))
            .y_label_formatter(&|ns| format!("{ns:.0}"))
            .light_line_style(WHITE)
            .draw()
            .map_err(not_drawn)?;
        for (index, (peer, points)) in lines.into_iter().enumerate() {
            // Ours stands out; the others take the palette in turn.
            let style = if index == 0 { BLACK.stroke_width(3) } else { Palette99::pick(index).stroke_width(2) };
            let colour = style.color;
            chart.draw_series(LineSeries::new(points, style).point_size(3)).map_err(not_drawn)?.label(peer).legend(
                move |(x, y)| PathElement::new([(x, y), (x + 18, y)], ShapeStyle::from(colour).stroke_width(2)),
            );
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.9))
            .border_style(BLACK.mix(0.3))
            .draw()
            .map_err(not_drawn)?;
        area.present().map_err(not_drawn)?;
    }
    Ok(svg)
}

/// A peer's cost per slot at every size that it was measured at.
fn points(timings: &Timings, peer: &str) -> Vec<(f64, f64)> {
    let sizes = timings.scenarios.iter().filter(|scenario| scenario.group == "emit" && scenario.parameter > 0);
    let point = |slots: f64, ns: f64| (slots, ns / slots);
    sizes.filter_map(|scenario| Some(point(scenario.parameter as f64, scenario.contestant(peer)?.ns))).collect()
}

fn not_drawn(error: impl Display) -> Error {
    Error::Unexpected { what: "the plot".to_owned(), expected: "to be drawn".to_owned(), found: error.to_string() }
}
