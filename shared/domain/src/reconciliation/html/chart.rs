//! Bar charts as inline SVG. Coordinates are integers, so that a page is the same on every platform.

use std::fmt::Write as _;

use super::super::deviation::Deviation;
use super::escaped;

const WIDTH: u64 = 900;
const LABEL: u64 = 300;
const ROW: u64 = 28;
/// From the labels to the space for the number.
const SPAN: u64 = WIDTH - LABEL - 80;

/// One bar.
pub(crate) struct Bar {
    label: String,
    value: u64,
    class: &'static str,
    /// Where the value should be, in hundredths.
    mark: Option<u64>,
}

impl Bar {
    pub(crate) fn new(label: &str, value: u64) -> Self {
        Self::classed(label, value, "")
    }

    pub(crate) fn classed(label: &str, value: u64, class: &'static str) -> Self {
        Self { label: label.to_owned(), value, class, mark: None }
    }
}

/// Horizontal bars, one a row, all on one scale.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let largest =
        bars.iter().map(|bar| bar.value.max(bar.mark.unwrap_or(0).div_ceil(100))).max().unwrap_or(0).max(1);
    let height = ROW * u64::try_from(bars.len()).unwrap_or(0) + 8;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\">\n<title>{0}</title>\n",
        escaped(title)
    );
    let mut y = 4;
    for bar in bars {
        let width = scaled(bar.value, largest);
        let class = if bar.class.is_empty() { "bar".to_owned() } else { format!("bar {}", bar.class) };
        let text = y + 18;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{LABEL}\" y=\"{}\" width=\"{width}\" height=\"{}\" rx=\"2\"/>\
             <text x=\"{}\" y=\"{text}\">{}</text>",
            LABEL - 8,
            escaped(&short(&bar.label)),
            y + 4,
            ROW - 8,
            LABEL + width + 8,
            bar.value
        );
        if let Some(mark) = bar.mark {
            let x = LABEL + scaled(mark, largest.saturating_mul(100));
            let _ = writeln!(
                svg,
                "<line class=\"expected\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\"/>",
                y + 1,
                y + ROW - 1
            );
        }
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

/// The arms of an experiment, each with a line where its weight puts it.
pub(crate) fn split(split: &Deviation) -> String {
    let arms: Vec<Bar> = split
        .arms
        .iter()
        .map(|arm| Bar {
            label: arm.variant.to_string(),
            value: arm.observed,
            class: if split.mismatch { "bad" } else { "" },
            mark: Some(hundredths(arm.expected)),
        })
        .collect();
    bars(&format!("实验 {} 各方案人数，竖线为应有人数", split.experiment), &arms)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, not negative, and below a count of people"
)]
fn hundredths(value: f64) -> u64 {
    (value * 100.0).round().max(0.0) as u64
}

fn scaled(value: u64, largest: u64) -> u64 {
    let wide = u128::from(value) * u128::from(SPAN) / u128::from(largest.max(1));
    u64::try_from(wide).unwrap_or(SPAN).min(SPAN)
}

/// What fits beside the bars.
fn short(label: &str) -> String {
    const LONGEST: usize = 20;
    if label.chars().count() <= LONGEST {
        return label.to_owned();
    }
    label.chars().take(LONGEST - 1).chain(['…']).collect()
}
