use serde_json::json;
use sluice_domain::rules::{Change, RulePack, diff as differences};

use crate::exit::Exit;
use crate::output::Output;

/// `sluice rules diff`.
pub(super) fn diff(first: &RulePack, second: &RulePack) -> Output {
    let changes = differences(first, second);
    let lines: Vec<String> = changes.iter().map(line).collect();
    let rows = changes.iter().map(|change| json!(change)).collect();
    let text = if lines.is_empty() { "两个规则包的规则相同".to_owned() } else { lines.join("\n") };
    Output::lines(if changes.is_empty() { Exit::Ok } else { Exit::No }, text, rows)
}

fn line(change: &Change) -> String {
    match change {
        Change::Added { rule, then, title } => format!("+ {rule}  {then}  {title}"),
        Change::Removed { rule, then, title } => format!("- {rule}  {then}  {title}"),
        Change::Changed { rule, part, from, to } => {
            format!("~ {rule}  {part}\n    原: {from}\n    新: {to}")
        }
    }
}
