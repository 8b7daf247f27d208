use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;
use sluice_domain::audit::Disposition;
use sluice_ports::Clock;

use super::{Shadow, records};
use crate::cli::Place;
use crate::exit::Exit;
use crate::output::{CommandError, Output};

/// `sluice rules shadow`.
pub(super) async fn list(
    args: &Shadow,
    place: &Place,
    clock: Arc<dyn Clock>,
) -> Result<Output, CommandError> {
    let day = args.day.unwrap_or_else(|| clock.now().business_day());
    let (mut text, mut rows, mut decided) = (String::new(), Vec::new(), 0_u64);
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    for record in records::of_day(&args.tenant, day, place, clock).await? {
        let Disposition::Decided { decision } = &record.disposition else { continue };
        decided += 1;
        let Some(shadow) = &decision.shadow else { continue };
        let change =
            format!("{} {} → {} {}", decision.verdict, decision.main_code(), shadow.verdict, shadow.code);
        let (trace, kind) = (record.trace_id, record.kind.as_str());
        let _infallible = writeln!(text, "{trace}  {kind:<20} {change}  [{}]", shadow.rule);
        rows.push(json!({
            "trace_id": trace, "kind": kind, "verdict": decision.verdict, "code": decision.main_code(), "shadow": shadow,
        }));
        *totals.entry(change).or_default() += 1;
    }
    let _infallible = writeln!(text, "{day}: {decided} 条决定,候选规则包对其中 {} 条有不同意见", rows.len());
    for (change, count) in totals {
        let _infallible = writeln!(text, "  {count:>6}  {change}");
    }
    Ok(Output::lines(Exit::Ok, text, rows))
}
