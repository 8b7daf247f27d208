//! `sluice channels`: what is known of the platforms.

use serde_json::{Value, json};
use sluice_channels::Row;
use sluice_channels::codes::{TABLES, Table};

use crate::cli::ChannelsCodes;
use crate::exit::Exit;
use crate::output::Output;

/// `sluice channels codes`.
pub fn codes(args: &ChannelsCodes) -> Output {
    let wanted =
        TABLES.iter().filter(|table| args.platform.is_none_or(|name| name.as_str() == table.platform));
    let rows: Vec<(&Table, &Row)> = wanted
        .flat_map(|table| table.rows.iter().map(move |row| (table, row)))
        .filter(|(_, row)| args.code.is_none_or(|code| (row.code..=row.last).contains(&code)))
        .collect();
    let text: Vec<String> = rows.iter().map(|(table, row)| line(table, row)).collect();
    let json: Vec<Value> = rows.iter().map(|(table, row)| document(table, row)).collect();
    match args.code {
        Some(code) if rows.is_empty() => {
            let text = format!(
                "{code}: in no table: refused for good, the endpoint stopped, the answer kept, an alarm raised"
            );
            Output::lines(Exit::No, text, Vec::new())
        }
        _ => Output::lines(Exit::Ok, text.join("\n"), json),
    }
}

fn code(row: &Row) -> String {
    if row.code == row.last { row.code.to_string() } else { format!("{}-{}", row.code, row.last) }
}

fn line(table: &Table, row: &Row) -> String {
    let wait = row.verdict.wait().map(|wait| format!(" ({wait})")).unwrap_or_default();
    let most = row.most_attempts.map(|most| format!("; {most} attempts at most")).unwrap_or_default();
    format!(
        "{:<7} {:<9} {:>11}  {:<10} {}{wait}{most}\n{:31}{} [{}; {}]",
        table.platform,
        table.api,
        code(row),
        row.verdict.class(),
        row.verdict.action(),
        "",
        row.meaning,
        row.source,
        row.evidence.as_str(),
    )
}

fn document(table: &Table, row: &Row) -> Value {
    json!({
        "platform": table.platform, "api": table.api, "code": row.code, "last": row.last, "class": row.verdict.class(),
        "action": row.verdict.action(), "wait": row.verdict.wait(), "most_attempts": row.most_attempts,
        "meaning": row.meaning, "source": row.source, "evidence": row.evidence.as_str(),
    })
}
