//! `sluice scan`: what a text holds, and whether it might be sent.

use serde_json::{Value, json};
use sluice_domain::link::find_links;
use sluice_domain::settings::{Settings, Tenant};
use sluice_domain::time::UnixMillis;

use crate::cli::Scan;
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `sluice scan`. The decision is that of a text which is about to leave; spans count characters of the text as given.
///
/// # Errors
/// When the tenant is not configured or the file can not be read.
pub fn run(args: &Scan, settings: &Settings, now: UnixMillis) -> Result<Output, CommandError> {
    let tenant = match &args.tenant {
        Some(id) => settings.tenants.get(id),
        None => settings.tenants.values().next(),
    };
    let tenant = tenant.ok_or_else(|| CommandError::usage("no such tenant is configured"))?;
    if let Some(path) = &args.lines {
        let texts = input::text(path)?;
        let (rows, lines): (Vec<_>, Vec<_>) = texts.lines().map(|text| scan(text, tenant, now)).unzip();
        return Ok(Output::lines(Exit::Ok, lines.join("\n"), rows));
    }
    let (row, line) = scan(args.text.as_deref().unwrap_or_default(), tenant, now);
    Ok(Output::one(Exit::Ok, line, row))
}

fn scan(text: &str, tenant: &Tenant, now: UnixMillis) -> (Value, String) {
    let mut hits: Vec<_> = tenant
        .rules
        .lexicon()
        .scan(text)
        .hits
        .into_iter()
        .map(|hit| (hit.start, hit.end, hit.category, hit.matched))
        .collect();
    let foreign = find_links(text).into_iter().filter(|link| tenant.links.check(link.text).is_err());
    hits.extend(foreign.map(|link| (link.start, link.end, "foreign_link".to_owned(), link.text.to_owned())));
    hits.sort();
    let decision = tenant.rules.scan_outgoing(text, &tenant.links, now);
    let lines =
        hits.iter().map(|(start, end, category, matched)| format!("  {start}..{end} {category}: {matched}"));
    let line = format!("{} ({}) {text}", decision.verdict, decision.main_code());
    let line = std::iter::once(line).chain(lines).collect::<Vec<_>>().join("\n");
    let hits: Vec<_> = hits
        .into_iter()
        .map(|(start, end, category, matched)| json!({ "category": category, "span": [start, end], "matched": matched }))
        .collect();
    let reasons: Vec<_> =
        decision.reasons.iter().map(|reason| json!({ "code": reason.code, "title": reason.title })).collect();
    (json!({ "text": text, "hits": hits, "decision": decision.verdict, "reasons": reasons }), line)
}
