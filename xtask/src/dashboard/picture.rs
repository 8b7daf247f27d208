//! The dashboard as a picture: the same widgets, drawn from what a played day measured. The same lines give the same picture.

use std::fmt::Write as _;

use super::body::labelled;
use super::measured::{Measured, statistic};
use super::widgets::{Series, View, Widget};

/// Pixels of one column and of one row of the grid.
const COLUMN: f64 = 52.0;
const ROW: f64 = 38.0;
const GAP: f64 = 6.0;
/// One point in so many milliseconds: a day's worth of half hours.
const BUCKET_MS: i64 = 30 * 60_000;
/// A legend that is longer ends with how many are left out.
const LEGEND: usize = 6;
/// `CloudWatch`'s own order of colours, begun anew when it ends.
const COLOURS: [&str; 10] = [
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22",
    "#17becf",
];

/// A line of a graph: its name, and a value for each bucket of time.
struct Line {
    label: String,
    values: Vec<Option<f64>>,
    whole: f64,
}

/// A rectangle.
#[derive(Clone, Copy)]
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Draws every widget.
pub(super) fn picture(widgets: &[Widget], measured: &Measured) -> String {
    let (drawn, elsewhere): (Vec<_>, Vec<_>) = widgets.iter().partition(|widget| is_ours(widget));
    let bottom = drawn.iter().map(|widget| widget.place.1 + widget.size.1).max().unwrap_or(1);
    let (width, height) = (24.0 * COLUMN + GAP, real(bottom) * ROW + 34.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"Helvetica,Arial,sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#f2f3f3\"/>\n"
    );
    text(
        &mut out,
        GAP + 6.0,
        25.0,
        14.0,
        "#16191f",
        "sluice: callbacks → decisions → assignments → deliveries",
    );
    let note = "A simulated day: real handlers, simulated platforms";
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"25\" font-size=\"12\" fill=\"#687078\" text-anchor=\"end\">{note}</text>",
        width - GAP - 6.0
    );
    for widget in drawn {
        let area = Area {
            x: real(widget.place.0) * COLUMN + GAP,
            y: real(widget.place.1) * ROW + GAP,
            width: real(widget.size.0) * COLUMN - GAP,
            height: real(widget.size.1) * ROW - GAP,
        };
        draw(&mut out, widget, area, measured);
    }
    let titles: Vec<&str> = elsewhere.iter().map(|widget| widget.title).collect();
    let rest = format!("Below, from AWS's own metrics: {}.", titles.join(" · "));
    text(&mut out, GAP + 6.0, height - 12.0, 11.0, "#687078", &rest);
    out.push_str("</svg>\n");
    out
}

/// Graphs of AWS's own metrics have nothing to show away from AWS.
fn is_ours(widget: &Widget) -> bool {
    widget.series.iter().any(|series| matches!(series, Series::Ours { .. }))
}

fn draw(out: &mut String, widget: &Widget, area: Area, measured: &Measured) {
    let Area { x, y, width, height } = area;
    let _ = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\" fill=\"#fff\" stroke=\"#d5dbdb\"/>"
    );
    text(out, x + 12.0, y + 20.0, 13.0, "#16191f", widget.title);
    let lines: Vec<Line> = widget.series.iter().flat_map(|series| lines(series, measured)).collect();
    let plot = Area { x: x + 44.0, y: y + 34.0, width: width - 58.0, height: height - 92.0 };
    if lines.is_empty() {
        let (middle, at) = (x + width / 2.0, y + height / 2.0);
        let _ = writeln!(
            out,
            "<text x=\"{middle:.1}\" y=\"{at:.1}\" font-size=\"12\" fill=\"#879596\" text-anchor=\"middle\">nothing on this day</text>"
        );
        return;
    }
    match widget.view {
        View::Bars => bars(out, &lines, plot),
        View::Lines => curves(out, &lines, plot, measured.span.0),
        View::Stacked => stacked(out, &lines, plot, measured.span.0),
    }
    legend(out, &lines, x + 12.0, y + height - 34.0, width - 24.0);
}

fn lines(series: &Series, measured: &Measured) -> Vec<Line> {
    let Series::Ours { signal, by_dimension, stat } = series else { return Vec::new() };
    let line = |label: String, points: &[(i64, f64)]| line(label, points, stat, measured.span);
    if *by_dimension && signal.dimension().is_some() {
        let each = measured.each(signal.name()).into_iter();
        let mut lines: Vec<Line> =
            each.map(|(value, points)| line(format!("{} {value}", signal.name()), points)).collect();
        // A class without anything is no line worth a place in the legend.
        lines.retain(|line| line.whole > 0.0);
        lines.sort_by(|a, b| b.whole.total_cmp(&a.whole));
        return lines;
    }
    let points = measured.total(signal.name());
    if points.is_empty() { Vec::new() } else { vec![line(labelled(signal.name(), stat), points)] }
}

fn line(label: String, points: &[(i64, f64)], stat: &str, span: (i64, i64)) -> Line {
    let bucket = |at: i64| usize::try_from((at - span.0) / BUCKET_MS).unwrap_or(0);
    let mut buckets: Vec<Vec<f64>> = vec![Vec::new(); bucket(span.1) + 1];
    for (at, value) in points {
        if let Some(values) = buckets.get_mut(bucket(*at)) {
            values.push(*value);
        }
    }
    let values = buckets.iter_mut().map(|it| (!it.is_empty()).then(|| statistic(it, stat))).collect();
    let whole = statistic(&mut points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), stat);
    Line { label, values, whole }
}

fn bars(out: &mut String, lines: &[Line], plot: Area) {
    let most = lines.iter().map(|line| line.whole).fold(1.0, f64::max);
    let slot = plot.width / real(lines.len());
    for (number, line) in lines.iter().enumerate() {
        let tall = (line.whole / most) * (plot.height - 16.0);
        let (x, y) = (plot.x + real(number) * slot + slot * 0.15, plot.y + plot.height - tall);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"{}\"/>",
            slot * 0.7,
            colour(number)
        );
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#16191f\" text-anchor=\"middle\">{}</text>",
            x + slot * 0.35,
            y - 4.0,
            number_text(line.whole)
        );
    }
    axis(out, plot, 0.0);
}

fn curves(out: &mut String, lines: &[Line], plot: Area, first: i64) {
    let most = lines.iter().flat_map(|line| line.values.iter().flatten()).copied().fold(0.0, f64::max);
    let top = scale(out, plot, most, first, buckets(lines));
    for (number, line) in lines.iter().enumerate().rev() {
        let mut path = String::new();
        let mut joined = false;
        for (place, value) in line.values.iter().enumerate() {
            let Some(value) = value else {
                joined = false;
                continue;
            };
            let (x, y) = point(plot, place, line.values.len(), value / top);
            let _ = write!(path, "{}{x:.1} {y:.1}", if joined { "L" } else { "M" });
            let alone = !joined && line.values.get(place + 1).is_none_or(Option::is_none);
            if alone {
                let _ = writeln!(
                    out,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{}\"/>",
                    colour(number)
                );
            }
            joined = true;
        }
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>",
            colour(number)
        );
    }
}

fn stacked(out: &mut String, lines: &[Line], plot: Area, first: i64) {
    let count = buckets(lines);
    let at = |line: &Line, place: usize| line.values.get(place).copied().flatten().unwrap_or(0.0);
    let most = (0..count).map(|place| lines.iter().map(|line| at(line, place)).sum()).fold(0.0, f64::max);
    let top = scale(out, plot, most, first, count);
    let mut floor = vec![0.0; count];
    for (number, line) in lines.iter().enumerate() {
        let roof: Vec<f64> = floor.iter().enumerate().map(|(place, low)| low + at(line, place)).collect();
        let mut path = String::new();
        for (place, value) in roof.iter().enumerate() {
            let (x, y) = point(plot, place, count, value / top);
            let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" });
        }
        for (place, value) in floor.iter().enumerate().rev() {
            let (x, y) = point(plot, place, count, value / top);
            let _ = write!(path, "L{x:.1} {y:.1}");
        }
        let _ = writeln!(
            out,
            "<path d=\"{path}Z\" fill=\"{colour}\" fill-opacity=\"0.75\" stroke=\"{colour}\" stroke-width=\"0.8\"/>",
            colour = colour(number)
        );
        floor = roof;
    }
}

/// Grid lines with their values and hours; the value at the top.
fn scale(out: &mut String, plot: Area, most: f64, first: i64, count: usize) -> f64 {
    let top = round_up(most);
    for step in 0..=2 {
        let share = f64::from(step) / 2.0;
        let y = plot.y + plot.height * (1.0 - share);
        axis(out, plot, plot.height * share);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"#687078\" text-anchor=\"end\">{}</text>",
            plot.x - 6.0,
            y + 3.5,
            number_text(top * share)
        );
    }
    for place in (0..count).step_by(12) {
        let (x, _) = point(plot, place, count, 0.0);
        // China's time, as the reports have it.
        let hour = (first / 3_600_000 + 8 + i64::try_from(place / 2).unwrap_or(0)).rem_euclid(24);
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"#687078\" text-anchor=\"middle\">{hour:02}:00</text>",
            plot.y + plot.height + 13.0
        );
    }
    top
}

fn axis(out: &mut String, plot: Area, above: f64) {
    let y = plot.y + plot.height - above;
    let _ = writeln!(
        out,
        "<path d=\"M{:.1} {y:.1}H{:.1}\" stroke=\"{}\" stroke-width=\"1\"/>",
        plot.x,
        plot.x + plot.width,
        if above == 0.0 { "#aab7b8" } else { "#eaeded" }
    );
}

fn point(plot: Area, place: usize, count: usize, share: f64) -> (f64, f64) {
    let across = if count > 1 { real(place) / real(count - 1) } else { 0.5 };
    (plot.x + plot.width * across, plot.y + plot.height * (1.0 - share))
}

fn buckets(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.values.len()).max().unwrap_or(0)
}

/// Names with their colours, in two rows of three.
fn legend(out: &mut String, lines: &[Line], x: f64, y: f64, width: f64) {
    let shown = if lines.len() > LEGEND { LEGEND - 1 } else { lines.len() };
    let columns = if shown <= 2 { 2 } else { 3 };
    let slot = width / real(columns);
    let fits = if columns == 2 { 34 } else { 22 };
    // A name that all lines share is the title's business; their values tell them apart.
    let name = |line: &Line| line.label.split_once(' ').map(|(name, _)| name.to_owned());
    let shared = lines.len() > 1
        && lines.iter().all(|line| name(line).is_some() && name(line) == lines.first().and_then(name));
    let place = |number: usize| (x + real(number % columns) * slot, y + real(number / columns) * 16.0);
    for (number, line) in lines.iter().take(shown).enumerate() {
        let (x, y) = place(number);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"9\" height=\"9\" rx=\"2\" fill=\"{}\"/>",
            colour(number)
        );
        text(out, x + 13.0, y + 8.5, 10.0, "#545b64", &short(&line.label, shared, fits));
    }
    if shown < lines.len() {
        let (x, y) = place(shown);
        text(out, x, y + 8.5, 10.0, "#879596", &format!("and {} more", lines.len() - shown));
    }
}

fn short(label: &str, only_value: bool, fits: usize) -> String {
    let label = if only_value { label.split_once(' ').map_or(label, |(_, value)| value) } else { label };
    if label.chars().count() <= fits {
        return label.to_owned();
    }
    let cut: String = label.chars().take(fits - 1).collect();
    format!("{cut}…")
}

fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000")
}

fn text(out: &mut String, x: f64, y: f64, size: f64, fill: &str, text: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.0}\" fill=\"{fill}\">{}</text>",
        escaped(text)
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// 1, 2, 4 or 10 times a power of ten, so that half of it is round too.
fn round_up(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 4.0, 10.0].into_iter().map(|step| step * power).find(|top| *top >= most).unwrap_or(most)
}

fn number_text(value: f64) -> String {
    match value {
        value if value >= 1_000_000.0 => format!("{}M", trimmed(value / 1_000_000.0)),
        value if value >= 1_000.0 => format!("{}k", trimmed(value / 1_000.0)),
        value => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = if value.abs() < 1.0 { format!("{value:.3}") } else { format!("{value:.1}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a grid and of a day")]
fn real(count: usize) -> f64 {
    count as f64
}
