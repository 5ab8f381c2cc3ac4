//! Rows as a picture: a panel for each of some columns, a line for each topology, over the number of nodes.

use std::fmt::Write as _;

use super::row::Row;
use super::shape::Topology;

/// A panel: what stands over it, the column, and how that is drawn.
const PANELS: [(&str, &str, Scale); 6] = [
    ("first sync, virtual seconds", "first", Scale::Decades),
    ("a single message to all, median, virtual seconds", "single-median", Scale::Decades),
    ("first sync: sealed bytes per byte of messages", "first-cost", Scale::FromOne),
    ("single messages: sealed bytes per byte of messages", "single-cost", Scale::FromOne),
    ("burst: sealed bytes per byte of messages", "burst-cost", Scale::FromOne),
    ("memory, MiB", "memory", Scale::Decades),
];

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// Each power of ten as high as the next.
    Decades,
    /// As high above the bottom as the value is above 1.
    FromOne,
}

impl Scale {
    /// The least value that is drawn, and the greatest.
    fn ends(self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (least, most) =
            values.fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        match self {
            Self::Decades if least < most => {
                (10.0_f64.powf(least.max(0.001).log10().floor()), 10.0_f64.powf(most.log10().ceil()))
            }
            Self::Decades => (1.0, 10.0),
            Self::FromOne => (1.0, (most.max(1.1) * 10.0).ceil() / 10.0),
        }
    }

    /// How high a value is, from 0 to 1.
    fn height(self, value: f64, (least, most): (f64, f64)) -> f64 {
        match self {
            Self::Decades => (value / least).log10() / (most / least).log10(),
            Self::FromOne => (value - least) / (most - least),
        }
    }

    /// Where lines are drawn across.
    fn steps(self, (least, most): (f64, f64)) -> Vec<f64> {
        match self {
            Self::Decades => std::iter::successors(Some(least), |step| {
                Some(step * 10.0).filter(|step| *step < most * 1.01)
            })
            .collect(),
            Self::FromOne => (0..=4).map(|step| least + (most - least) * f64::from(step) / 4.0).collect(),
        }
    }
}

/// The size of a panel, and what is left around what is drawn in it.
const PANEL: (f64, f64) = (420.0, 260.0);
const MARGIN: f64 = 44.0;

/// How many panels stand side by side.
const ACROSS: usize = 2;

/// Draws rows as SVG.
pub fn plot(rows: &[Row]) -> String {
    let (width, height) = PANEL;
    let down = PANELS.len().div_ceil(ACROSS);
    let (all_width, all_height) = (width * ACROSS as f64, height * down as f64 + 30.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {all_width} {all_height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (number, (title, column, scale)) in PANELS.into_iter().enumerate() {
        let (x, y) = ((number % ACROSS) as f64 * width, (number / ACROSS) as f64 * height);
        // Nothing fails that writes into a string.
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        panel(&mut svg, title, column, scale, rows);
        svg.push_str("</g>\n");
    }
    for (number, topology) in Topology::ALL.into_iter().enumerate() {
        let (x, y) = (MARGIN + number as f64 * 110.0, all_height - 12.0);
        let (color, name) = (color(topology), topology.name());
        let _ = writeln!(
            svg,
            "<circle cx=\"{x}\" cy=\"{}\" r=\"4\" fill=\"{color}\"/><text x=\"{}\" y=\"{y}\">{name}</text>",
            y - 4.0,
            x + 8.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, title: &str, column: &str, scale: Scale, rows: &[Row]) {
    let (width, height) = PANEL;
    let ends = scale.ends(rows.iter().filter_map(|row| row.value(column)));
    let (low, high) = rows
        .iter()
        .fold((f64::MAX, 0.0_f64), |(low, high), row| (low.min(decades(row)), high.max(decades(row))));
    let span = (high - low).max(0.1);
    let x = |row: &Row| MARGIN + (decades(row) - low) / span * (width - 2.0 * MARGIN);
    let y = |value: f64| height - MARGIN - scale.height(value, ends) * (height - 2.0 * MARGIN);
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{}\" font-weight=\"bold\">{title}</text>", MARGIN - 14.0);
    for value in scale.steps(ends) {
        let at = y(value);
        let _ = writeln!(
            svg,
            "<path d=\"M{MARGIN} {at:.1}H{}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            width - MARGIN,
            MARGIN - 5.0,
            at + 4.0,
            (value * 100.0).round() / 100.0,
        );
    }
    let mut sizes: Vec<&Row> = rows.iter().collect();
    sizes.sort_by_key(|row| row.nodes);
    sizes.dedup_by_key(|row| row.nodes);
    for row in sizes {
        let (at, bottom) = (x(row), height - MARGIN);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {bottom}v4\" stroke=\"#888\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            row.nodes,
        );
    }
    for topology in Topology::ALL {
        let mut of: Vec<&Row> = rows.iter().filter(|row| row.topology == topology).collect();
        of.sort_by_key(|row| row.nodes);
        let points: Vec<(f64, f64)> =
            of.iter().filter_map(|row| Some((x(row), y(row.value(column)?)))).collect();
        let color = color(topology);
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>",
            path.join(" ")
        );
        for (x, y) in points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>");
        }
    }
}

const fn color(topology: Topology) -> &'static str {
    match topology {
        Topology::Line => "#888888",
        Topology::Ring => "#b07aa1",
        Topology::Regular => "#4e79a7",
        Topology::SmallWorld => "#e15759",
        Topology::Pubs => "#59a14f",
    }
}

fn decades(row: &Row) -> f64 {
    (row.nodes as f64).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_lies_between_round_numbers() {
        let decades = Scale::Decades.ends([3.0, 240.0].into_iter());
        let ratios = Scale::FromOne.ends([1.02, 1.33].into_iter());

        assert_eq!((decades, ratios), ((1.0, 1000.0), (1.0, 1.4)));
        assert_eq!(Scale::Decades.steps(decades), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!([1.0, 1000.0].map(|value| Scale::Decades.height(value, decades)), [0.0, 1.0]);
        assert_eq!([1.0, 1.4].map(|value| Scale::FromOne.height(value, ratios)), [0.0, 1.0]);
    }

    #[test]
    fn nothing_is_drawn_as_empty_panels() {
        let svg = plot(&[]);

        assert!(svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN"));
    }
}
