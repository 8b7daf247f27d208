//! Tables.

use std::fmt::Write as _;

use super::escaped;

/// One table; every cell is escaped. A head that begins with `#` is a column of numbers, which stand to the right.
pub(crate) struct Table {
    html: String,
    numbers: Vec<bool>,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        let numbers: Vec<bool> = heads.iter().map(|head| head.starts_with('#')).collect();
        let mut html = String::from("<table>\n<thead><tr>");
        for head in heads {
            let class = class(head.starts_with('#'));
            let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escaped(head.trim_start_matches('#')));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        Self { html, numbers }
    }

    pub(crate) fn row(&mut self, cells: &[&str]) {
        self.html.push_str("<tr>");
        let numbers = self.numbers.iter().copied().chain(std::iter::repeat(false));
        for (cell, number) in cells.iter().zip(numbers) {
            let _ = write!(self.html, "<td{}>{}</td>", class(number), escaped(cell));
        }
        self.html.push_str("</tr>\n");
    }

    pub(crate) fn html(mut self) -> String {
        self.html.push_str("</tbody>\n</table>\n");
        self.html
    }
}

fn class(number: bool) -> &'static str {
    if number { " class=\"number\"" } else { "" }
}
