//! Rows as tables: each engine's time against ours at the same task.

use super::row::Row;
use crate::say;

/// The engine that others are compared with.
const OURS: &str = "sluice";

/// Prints a table of times and one of other figures.
pub(super) fn print(rows: &[Row]) {
    for line in lines(rows) {
        say::line(&line);
    }
}

fn lines(rows: &[Row]) -> Vec<String> {
    let mut out = vec![
        "| list | task | engine | ns a text | MB/s | hits | × sluice |".to_owned(),
        "|---|---|---|--:|--:|--:|--:|".to_owned(),
    ];
    out.extend(rows.iter().filter_map(|row| time(rows, row)));
    out.push(String::new());
    out.push("| list | figure | engine | value |".to_owned());
    out.push("|---|---|---|--:|".to_owned());
    out.extend(rows.iter().filter_map(|row| match row {
        Row::Figure { list, figure, engine, value } => {
            Some(format!("| {list} | {figure} | {engine} | {value:.2} |"))
        }
        Row::Time { .. } => None,
    }));
    out
}

fn time(rows: &[Row], row: &Row) -> Option<String> {
    let Row::Time { list, task, engine, ns, mb_per_s, hits } = row else { return None };
    let ours = rows.iter().find_map(|other| match other {
        Row::Time { list: of, task: at, engine, ns, .. } if of == list && at == task && engine == OURS => {
            Some(*ns)
        }
        _ => None,
    });
    let ratio = ours.map(|ours| format!("{:.2}", ns / ours)).unwrap_or_default();
    Some(format!("| {list} | {task} | {engine} | {ns:.0} | {mb_per_s:.0} | {hits} | {ratio} |"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_with_ours_at_the_same_task() {
        let rows: Vec<Row> = [
            r#"{"list":"10k","task":"find","engine":"sluice","ns":100.0,"mb_per_s":10,"hits":5}"#,
            r#"{"list":"10k","task":"find","engine":"other","ns":250.0,"mb_per_s":4,"hits":5}"#,
            r#"{"list":"1m","task":"find","engine":"other","ns":999.0,"mb_per_s":4,"hits":5}"#,
            r#"{"list":"10k","figure":"bytes","engine":"sluice","value":1234.0}"#,
        ]
        .map(|line| serde_json::from_str(line).unwrap())
        .into();
        let lines = lines(&rows);
        assert!(lines.contains(&"| 10k | find | other | 250 | 4 | 5 | 2.50 |".to_owned()), "{lines:?}");
        assert!(lines.contains(&"| 1m | find | other | 999 | 4 | 5 |  |".to_owned()));
        assert!(lines.contains(&"| 10k | bytes | sluice | 1234.00 |".to_owned()));
    }
}
