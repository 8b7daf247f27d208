use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_domain::audit::AuditRecord;
use sluice_domain::id::TenantId;
use sluice_domain::rules::{Replay, RulePack, Totals};
use sluice_domain::time::BusinessDay;
use sluice_ports::Clock;

use super::records;
use crate::cli::Place;
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// `sluice rules replay --records`.
pub(super) fn file(pack: &RulePack, file: &Path) -> Result<Output, CommandError> {
    let mut run = Run::with(pack);
    records::of_file(file, |record| run.take(record))?;
    Ok(run.output())
}

/// `sluice rules replay --tenant`.
pub(super) async fn days(
    pack: &RulePack,
    tenant: &TenantId,
    from: BusinessDay,
    to: BusinessDay,
    place: &Place,
    clock: Arc<dyn Clock>,
) -> Result<Output, CommandError> {
    if to < from {
        return Err(CommandError::usage(format!("--to {to} is before --from {from}")));
    }
    let mut days: Vec<BusinessDay> =
        std::iter::successors(Some(to), |day| Some(day.previous())).take_while(|day| *day >= from).collect();
    days.reverse();
    let mut run = Run::with(pack);
    for day in days {
        for record in records::of_day(tenant, day, place, Arc::clone(&clock)).await? {
            run.take(&record);
        }
    }
    Ok(run.output())
}

struct Run<'a> {
    pack: &'a RulePack,
    replay: Replay<'a>,
    text: String,
    rows: Vec<Value>,
}

impl<'a> Run<'a> {
    fn with(pack: &'a RulePack) -> Self {
        Self { pack, replay: Replay::with(pack), text: String::new(), rows: Vec::new() }
    }

    fn take(&mut self, record: &AuditRecord) {
        let Some(change) = self.replay.take(record) else { return };
        let (from, to) = (&change.from, &change.to);
        let _infallible = writeln!(
            self.text,
            "{}  {:<20} {} {} → {} {}  [{}]",
            change.trace_id,
            change.kind.as_str(),
            from.verdict,
            from.code,
            to.verdict,
            to.code,
            to.rule
        );
        self.rows.push(json!(change));
    }

    fn output(self) -> Output {
        let totals = self.replay.totals;
        let stamp = self.pack.stamp();
        let text = format!(
            "{}{}\n规则包 {} {} sha256 {}",
            self.text,
            told(&totals),
            stamp.id,
            stamp.version,
            stamp.sha256
        );
        let exit = if totals.changed == 0 { Exit::Ok } else { Exit::No };
        Output::one(exit, text, json!({ "pack": stamp, "totals": totals, "changes": self.rows }))
    }
}

fn told(totals: &Totals) -> String {
    let mut text = format!(
        "重放 {} 条决定,{} 条会改变:{} 条由不发变为可发,{} 条由可发变为不发",
        totals.replayed, totals.changed, totals.newly_allowed, totals.newly_refused
    );
    for (change, count) in &totals.by_change {
        let _infallible = write!(text, "\n  {count:>6}  {change}");
    }
    if totals.other_words > 0 {
        let _infallible =
            write!(text, "\n注意: {} 条是按另一版词库命中的;只在新词库中的词看不到", totals.other_words);
    }
    if totals.without_inputs > 0 {
        let _infallible = write!(text, "\n注意: {} 条较早的记录没有保存输入,未重放", totals.without_inputs);
    }
    text
}
