//! What the demo shows at the end.

use serde_json::{Value, json};
use sluice_domain::audit::Disposition;
use sluice_domain::reconciliation::{Report, Totals};

use super::play::{EventTrail, Played};
use crate::exit::Exit;

/// The sum of several reports' totals.
pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Totals>) -> Totals {
    all.fold(Totals::default(), |mut sum, totals| {
        sum.received += totals.received;
        sum.replays += totals.replays;
        sum.delivered += totals.delivered;
        sum.refused += totals.refused;
        sum.blocked += totals.blocked;
        sum.review += totals.review;
        sum.rejected += totals.rejected;
        sum.expired += totals.expired;
        sum.recorded += totals.recorded;
        sum.unhandled += totals.unhandled;
        sum.in_doubt += totals.in_doubt;
        sum.dead_lettered += totals.dead_lettered;
        sum.waiting += totals.waiting;
        sum.in_progress += totals.in_progress;
        sum.missing += totals.missing;
        sum
    })
}

/// One line of the table.
struct Row {
    callback: String,
    kind: String,
    decision: String,
    reason: String,
    variant: String,
    destination: String,
    outcome: String,
}

impl Row {
    /// A callback that led to no event.
    fn answered(played: &Played) -> Self {
        let none = || "–".to_owned();
        let decision = if played.status.is_success() { "handshake" } else { "turned away" };
        Self {
            callback: played.title.to_owned(),
            kind: none(),
            decision: decision.to_owned(),
            reason: format!("HTTP {}", played.status.as_u16()),
            variant: none(),
            destination: none(),
            outcome: none(),
        }
    }

    fn of(played: &Played, trail: &EventTrail) -> Self {
        let none = || "–".to_owned();
        let (decision, reason) = match trail.audit.as_ref().map(|audit| &audit.disposition) {
            None => ("replay".to_owned(), "dropped: this event is known".to_owned()),
            Some(Disposition::Decided { decision }) => {
                let ended = trail.review.as_ref().map(|review| format!(", {}", review.state.name()));
                let verdict = format!("{}{}", decision.verdict, ended.unwrap_or_default());
                (verdict, decision.main_code().to_owned())
            }
            Some(Disposition::Recorded { effect, .. }) => ("recorded".to_owned(), effect.clone()),
            Some(Disposition::Unhandled) => ("unhandled".to_owned(), none()),
        };
        let message = trail.message_review.as_ref();
        let message = message.map(|review| format!(", message {}", review.state.name())).unwrap_or_default();
        let assignment = trail.delivery.as_ref().map(|delivery| &delivery.assignment);
        let attempts = trail.delivery.as_ref().map_or(0, |delivery| delivery.attempts.len());
        let outcome =
            trail.delivery.as_ref().map_or_else(none, |delivery| delivery.state.as_str().to_owned());
        Self {
            callback: played.title.to_owned(),
            kind: trail.kind().to_owned(),
            decision: format!("{decision}{message}"),
            reason,
            variant: assignment.and_then(|it| it.variant.as_ref()).map_or_else(none, ToString::to_string),
            destination: assignment.map_or_else(none, |it| it.destination.to_string()),
            outcome: if attempts > 1 { format!("{outcome} ({attempts} attempts)") } else { outcome },
        }
    }

    fn cells(&self) -> [&str; 7] {
        [
            &self.callback,
            &self.kind,
            &self.decision,
            &self.reason,
            &self.variant,
            &self.destination,
            &self.outcome,
        ]
    }
}

fn rows(played: &[Played]) -> Vec<Row> {
    let mut rows = Vec::new();
    for callback in played {
        if callback.events.is_empty() {
            rows.push(Row::answered(callback));
        }
        rows.extend(callback.events.iter().map(|trail| Row::of(callback, trail)));
    }
    rows
}

/// How many columns of a terminal a text takes: CJK characters take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffef}') { 2 } else { 1 })
        .sum()
}

/// For people.
pub(super) fn text(
    played: &[Played],
    totals: &Totals,
    checks: &[(&str, bool)],
    reports: &[Report],
) -> String {
    let head = ["callback", "event", "decision", "reason", "variant", "destination", "outcome"];
    let rows = rows(played);
    let mut widths = head.map(str::len);
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row.cells()) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut lines = vec![String::new(), line(head, widths)];
    lines.push(widths.map(|width| "─".repeat(width)).join("  "));
    lines.extend(rows.iter().map(|row| line(row.cells(), widths)));
    let parts = totals.parts();
    let used: Vec<_> =
        parts.iter().filter(|part| part.2 > 0).map(|(code, _, count)| format!("{count} {code}")).collect();
    lines.push(String::new());
    lines.push(format!(
        "received {} = {}   (and {} replay dropped)",
        totals.received,
        used.join(" + "),
        totals.replays
    ));
    for report in reports {
        for found in &report.breaks {
            lines.push(format!("break: {} {} {}", found.class.code(), found.title, found.key));
        }
    }
    lines.extend(checks.iter().map(|(what, good)| format!("{} {what}", if *good { "✓" } else { "✗" })));
    lines.join("\n")
}

fn line(cells: [&str; 7], widths: [usize; 7]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide.saturating_sub(width(cell)))));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// For scripts.
pub(super) fn json(
    played: &[Played],
    totals: &Totals,
    checks: &[(&str, bool)],
    reports: &[Report],
    exit: Exit,
) -> Value {
    let events: Vec<_> = rows(played)
        .iter()
        .map(|row| {
            json!({
                "callback": row.callback, "event": row.kind, "decision": row.decision, "reason": row.reason, "variant": row.variant,
                "destination": row.destination, "outcome": row.outcome,
            })
        })
        .collect();
    let checks: serde_json::Map<_, _> =
        checks.iter().map(|(what, good)| ((*what).to_owned(), json!(good))).collect();
    json!({
        "ok": exit == Exit::Ok, "callbacks": played.len(), "events": events, "totals": totals, "checks": checks,
        "open_breaks": reports.iter().map(Report::open_breaks).sum::<usize>(),
    })
}
