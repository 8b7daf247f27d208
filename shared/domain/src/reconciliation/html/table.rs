//! Tables.

use std::fmt::Write as _;

use super::escaped;

/// One table; every cell is escaped.
pub(crate) struct Table {
    html: String,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        let mut html = String::from("<table>\n<thead><tr>");
        for head in heads {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(head));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        Self { html }
    }

    pub(crate) fn row(&mut self, cells: &[&str]) {
        self.html.push_str("<tr>");
        for cell in cells {
            let _ = write!(self.html, "<td{}>{}</td>", class(cell), escaped(cell));
        }
        self.html.push_str("</tr>\n");
    }

    pub(crate) fn html(mut self) -> String {
        self.html.push_str("</tbody>\n</table>\n");
        self.html
    }
}

/// Numbers stand to the right, under each other.
fn class(cell: &str) -> &'static str {
    let number = cell.starts_with(|c: char| c.is_ascii_digit() || "+-¥".contains(c))
        && cell.chars().all(|c| c.is_ascii_digit() || "+-¥.%".contains(c));
    if number { " class=\"number\"" } else { "" }
}
