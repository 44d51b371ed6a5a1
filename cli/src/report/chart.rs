//! What all plots share: size, fonts, and colours that follow the page.
//!
//! An SVG needs its colours written out, but a page in light and dark needs them to change. So the plots are drawn in
//! stand-ins, one for each role, which the page's style sheet replaces by its own variables.

use plotters::style::RGBColor;
use std::fmt::Write;

/// Axes and what is written at them.
pub const INK: RGBColor = RGBColor(1, 1, 1);
/// The lines behind the data.
pub const GRID: RGBColor = RGBColor(2, 2, 2);
/// The first series.
pub const ONE: RGBColor = RGBColor(3, 3, 3);
/// The second series.
pub const TWO: RGBColor = RGBColor(4, 4, 4);
/// The third series.
pub const THREE: RGBColor = RGBColor(5, 5, 5);
/// Behind a legend.
pub const PAPER: RGBColor = RGBColor(6, 6, 6);

/// Every stand-in and the variable of the style sheet that replaces it.
const ROLES: [(RGBColor, &str); 6] =
    [(INK, "--dim"), (GRID, "--line"), (ONE, "--one"), (TWO, "--two"), (THREE, "--three"), (PAPER, "--card")];

/// Width and height of a plot, in its own units; the page scales it.
pub const SIZE: (u32, u32) = (920, 300);

/// The size of letters, in the same units.
pub const FONT: (&str, u32) = ("sans-serif", 14);

/// The rules that replace the stand-ins.
pub fn style() -> String {
    let mut css = String::new();
    for (color, variable) in ROLES {
        let hex = hex(color);
        let _ = writeln!(css, "svg [stroke=\"{hex}\"] {{ stroke: var({variable}); }}");
        let _ = writeln!(css, "svg [fill=\"{hex}\"] {{ fill: var({variable}); }}");
    }
    css
}

fn hex(RGBColor(r, g, b): RGBColor) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// Makes the drawing part of the page: inline, it needs no namespace; for those who cannot see it, it has a name.
pub fn inline(svg: &str, name: &str) -> String {
    let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{name}\" "), 1)
}
