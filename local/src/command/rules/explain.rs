use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use sluice_domain::audit::Disposition;
use sluice_domain::decision::Decision;
use sluice_domain::id::{TenantId, TraceId};
use sluice_domain::rules::{Observed, Outcome, RulePack, Step};
use sluice_ports::Clock;
use sluice_settings::Care;

use super::{Packs, cited, records};
use crate::cli::Place;
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};
use crate::state;

/// `sluice rules explain --facts`.
pub(super) fn facts(
    file: &Path,
    tenant: Option<&TenantId>,
    pack: Option<&str>,
    place: &Place,
) -> Result<Output, CommandError> {
    let case = sluice_settings::case(&input::text(file)?, &file.display().to_string())
        .map_err(|problem| CommandError::usage(problem.to_string()))?;
    let built = case.build().map_err(|error| CommandError::usage(format!("{}: {error}", file.display())))?;
    let pack = chosen(tenant, pack, place)?;
    let observed = built.with(|facts| pack.observe(facts));
    let (decision, path) = (pack.decide(&observed), pack.path(&observed));
    let text = told(&decision, &path);
    Ok(Output::one(Exit::Ok, text, json!({ "decision": decision, "path": path })))
}

/// `sluice rules explain TRACE`.
pub(super) async fn event(
    trace: TraceId,
    tenant: &TenantId,
    pack: Option<&str>,
    place: &Place,
    clock: Arc<dyn Clock>,
) -> Result<Output, CommandError> {
    let nothing = |text: &str| Ok(Output::one(Exit::No, text.to_owned(), json!({ "decision": null })));
    let Some(record) = records::of_trace(tenant, trace, place, clock).await? else {
        return nothing("没有这个 trace 的记录:尚未决定、是重放,或属于其他租户");
    };
    let Disposition::Decided { decision: recorded } = &record.disposition else {
        return nothing("该事件只作记录,没有由规则决定");
    };
    let Some(observed) = Observed::of_record(&record) else {
        return nothing("该记录较早,没有保存重新求值所需的输入;见 `sluice audit show`");
    };
    let pack = chosen(Some(tenant), pack, place)?;
    let (decision, path) = (pack.decide(&observed), pack.path(&observed));
    let same = decision.verdict == recorded.verdict && decision.main_code() == recorded.main_code();
    let mut text = format!(
        "记录      {} {} (规则包 {} {} sha256 {})\n",
        recorded.verdict,
        recorded.main_code(),
        recorded.pack.id,
        recorded.pack.version,
        recorded.pack.sha256
    );
    text.push_str(match (same, recorded.pack.sha256 == decision.pack.sha256) {
        (true, true) => "重新求值  同一规则包,决定相同\n",
        (true, false) => "重新求值  另一规则包,决定相同\n",
        (false, true) => "重新求值  同一规则包,决定却不同:记录或输入被改过\n",
        (false, false) => "重新求值  另一规则包,决定不同\n",
    });
    text.push_str(&told(&decision, &path));
    let json = json!({ "recorded": recorded, "decision": decision, "same": same, "path": path });
    Ok(Output::one(Exit::Ok, text, json))
}

/// The pack that is named, or the tenant's.
fn chosen(
    tenant: Option<&TenantId>,
    pack: Option<&str>,
    place: &Place,
) -> Result<Arc<RulePack>, CommandError> {
    if let Some(name) = pack {
        return Packs::read(place.config.as_deref(), Care::Published).pack(name);
    }
    let settings = state::settings(place)?;
    let found = match tenant {
        Some(id) => settings.tenants.get(id),
        None => settings.tenants.values().next(),
    };
    let tenant = found.ok_or_else(|| CommandError::usage("no such tenant is configured"))?;
    Ok(Arc::clone(&tenant.rules))
}

/// The explanation for people.
fn told(decision: &Decision, path: &[Step]) -> String {
    let mut text = format!("结论      {} {}\n", decision.verdict, decision.main_code());
    for reason in &decision.reasons {
        let exception = reason.exception.as_ref().map(|id| format!(",例外 {id}")).unwrap_or_default();
        let _infallible = writeln!(
            text,
            "理由      {} {} [{}{exception}] {}",
            reason.code,
            reason.title,
            reason.rule,
            cited(&reason.basis)
        );
        for span in &reason.evidence {
            let _infallible =
                writeln!(text, "证据      {} {}[{}..{}]", span.category, span.field, span.start, span.end);
        }
    }
    let pack = &decision.pack;
    let _infallible = writeln!(text, "规则包    {} {} sha256 {}", pack.id, pack.version, pack.sha256);
    for step in path {
        let (sign, note) = match &step.outcome {
            Outcome::NotAsked => continue,
            Outcome::DoesNotHold => ("  ", String::new()),
            Outcome::Holds => ("✓ ", String::new()),
            Outcome::Failed(cause) => ("! ", format!("(无法求值: {cause})")),
        };
        let values: Vec<String> = step.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let _infallible =
            writeln!(text, "{sign}{}  {}{note}  {}", step.rule, step.when.trim(), values.join(" "));
    }
    text
}
