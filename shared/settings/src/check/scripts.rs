//! Scripts: their templates must compile, and their words must be allowed to leave, before anybody is waiting for them.

use std::collections::BTreeSet;

use serde_saphyr::Spanned;
use sluice_domain::decision::{Decision, Reason, Verdict};
use sluice_domain::destination::Destination;
use sluice_domain::link::LinkPolicy;
use sluice_domain::rules::{Facts, RulePack};
use sluice_domain::script::{Script, ScriptError, Variables};
use sluice_domain::time::UnixMillis;

use super::{Findings, channels};
use crate::file::TenantFile;

/// 2026-01-01 12:00 in China: rules that look at the clock are asked about noon.
pub(super) const NOON: UnixMillis = UnixMillis(1_767_240_000_000);

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for script in &tenant.scripts {
        let here = &script.value;
        if here.text.trim().is_empty() && here.image.is_none() {
            findings.add(script, "script_empty", format!("script `{}` has no text", here.id));
        }
        // A file that is missing was told when it was looked for.
        if let Err(error) = here.check()
            && !matches!(error, ScriptError::NoImage { .. })
        {
            findings.add(script, "script_invalid", error.to_string());
        }
    }
}

/// Every script through every channel that a route may send it to, filled with made-up values: too long, or a word that the tenant's own
/// rules do not let out?
pub(crate) fn judge(tenant: &TenantFile, rules: &RulePack, findings: &mut Findings<'_>) {
    let none = LinkPolicy::default();
    let links = tenant.links.as_ref().map_or(&none, |links| &links.value);
    let knows_diversion = rules.lexicon().categories().any(|category| category == "contact_diversion");
    for destination in &tenant.destinations {
        if destination.value.channel.is_reply() && !knows_diversion {
            let message = format!(
                "destination `{}` replies on Douyin: the rule pack must have the word list `contact_diversion` (extend platform.yaml)",
                destination.value.id
            );
            findings.add(destination, "reply_without_words", message);
        }
    }
    let mut judged = BTreeSet::new();
    for route in tenant.routes.iter().map(|route| &route.value) {
        for id in channels::scripts(route, tenant) {
            let script = tenant.scripts.iter().find(|script| script.value.id == *id);
            let Some(script) = script else { continue };
            for id in route.leads_to() {
                let found = tenant.destinations.iter().find(|destination| destination.value.id == *id);
                let Some(destination) = found.map(|found| &found.value) else { continue };
                if judged.insert((script.value.id.clone(), destination.id.clone())) {
                    one(script, destination, (tenant, links, rules), findings);
                }
            }
        }
    }
}

fn one(
    script: &Spanned<Script>,
    destination: &Destination,
    (tenant, links, rules): (&TenantFile, &LinkPolicy, &RulePack),
    findings: &mut Findings<'_>,
) {
    let here = &script.value;
    let example = Variables::example();
    let variables = Variables {
        tenant: tenant.name.clone(),
        acquisition_link: if destination.acquisition_link.is_some() {
            example.acquisition_link
        } else {
            String::new()
        },
        ..Variables::example()
    };
    // What does not render was told before.
    let Ok(rendered) = here.render(&variables) else { return };
    let (limit, channel) = (destination.channel.text_limit(), destination.channel.as_str());
    let length = rendered.text.len() + rendered.title.as_ref().map_or(0, |title| title.len() + 1);
    if length > limit {
        let message = format!(
            "script `{}` has {length} bytes, and `{channel}` (destination `{}`) takes {limit}: shorten it by {} bytes",
            here.id,
            destination.id,
            length - limit
        );
        findings.add(script, "script_too_long", message);
    }
    let texts = rendered.texts();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let decision = rules.evaluate(&Facts {
        sender: Some(&tenant.name),
        script: Some(&here.id),
        destination: Some(&destination.id),
        channel: Some(channel),
        censor: tenant.safety.as_ref().map(|safety| safety.value.longer_than),
        ..Facts::outbound(&texts, links, NOON)
    });
    let (code, verb, advice) = match decision.verdict {
        Verdict::Allow | Verdict::AllowMasked => return,
        Verdict::Review if here.waits => return,
        Verdict::Review => (
            "script_waits",
            "would wait for a review at every sending",
            "change the text, or write `waits: true` where every message of it is to wait",
        ),
        Verdict::Block => {
            ("script_not_allowed", "may not leave", "change the text, or the rule where it is not meant")
        }
    };
    let message = format!(
        "script `{}` {verb} through `{channel}` (destination `{}`): {}; {advice}",
        here.id,
        destination.id,
        why(&decision, &texts)
    );
    findings.add(script, code, message);
}

pub(super) fn why(decision: &Decision, texts: &[(&str, &str)]) -> String {
    let Some(reason) = decision.reasons.first() else { return decision.main_code().to_owned() };
    let basis: Vec<String> =
        reason.basis.iter().map(|basis| format!("{} {}", basis.document, basis.article)).collect();
    let (title, code, rule) = (&reason.title, &reason.code, &reason.rule);
    let words = words(reason, texts).map(|words| format!(" at `{words}`")).unwrap_or_default();
    format!("{title} ({code}, rule `{rule}`, {}){words}", basis.join(", "))
}

/// The words of the script that the rule is about: nobody's personal data.
fn words(reason: &Reason, texts: &[(&str, &str)]) -> Option<String> {
    let span = reason.evidence.first()?;
    let (_, text) = texts.iter().find(|(field, _)| *field == span.field)?;
    let words: String = text.chars().skip(span.start).take(span.end.saturating_sub(span.start)).collect();
    (!words.is_empty()).then_some(words)
}
