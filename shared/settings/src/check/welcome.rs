//! Welcome messages: of WeCom's callbacks alone, with a script that can be said to anybody who comes.

use serde_saphyr::Spanned;
use sluice_domain::link::LinkPolicy;
use sluice_domain::rules::RulePack;
use sluice_domain::script::Script;
use sluice_domain::source::{SchemeName, Source};
use sluice_domain::welcome::{CHANNEL, NAMES, TEXT_LIMIT, WelcomePolicy, judged, rendered};

use super::Findings;
use super::scripts::{NOON, why};
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for (source, policy, script) in welcomes(tenant) {
        let id = &source.value.id;
        if source.value.scheme != SchemeName::WecomCallback {
            let message = format!("source `{id}`: `welcome` is for wecom-callback only");
            findings.add(source, "welcome_without_use", message);
        }
        let Some(script) = script else {
            let message = format!("source `{id}`: script `{}` is not configured", policy.script);
            findings.add(source, "unknown_script", message);
            continue;
        };
        let here = &script.value;
        if here.title.is_some() || !here.fields.is_empty() || here.image.is_some() {
            let message = format!("script `{}` welcomes people: it has a text and nothing else", here.id);
            findings.add(script, "welcome_script", message);
        }
        // A template that is none was told before.
        if let Ok(Some((name, line))) = here.name_beyond(&NAMES) {
            let message = format!(
                "script `{}` welcomes people of whom nothing is known yet, and names `{name}` at line {line}; there are {}",
                here.id,
                NAMES.join(", ")
            );
            findings.add(script, "welcome_script", message);
        }
    }
}

/// Too long, or a word that the tenant's own rules do not let out?
pub(crate) fn judge(tenant: &TenantFile, rules: &RulePack, findings: &mut Findings<'_>) {
    let none = LinkPolicy::default();
    let links = tenant.links.as_ref().map_or(&none, |links| &links.value);
    for (_, _, script) in welcomes(tenant) {
        let Some(script) = script else { continue };
        let here = &script.value;
        let Ok(text) = rendered(here, &tenant.name, NOON) else { continue };
        if text.len() > TEXT_LIMIT {
            let (length, more) = (text.len(), text.len() - TEXT_LIMIT);
            let message = format!(
                "script `{}` has {length} bytes, and `{CHANNEL}` takes {TEXT_LIMIT}: shorten it by {more} bytes",
                here.id
            );
            findings.add(script, "script_too_long", message);
        }
        let decision = judged(&text, here, &tenant.name, rules, links, NOON);
        if !decision.verdict.allows() {
            let why = why(&decision, &[("message", text.as_str())]);
            let message = format!("script `{}` may not leave through `{CHANNEL}`: {why}", here.id);
            findings.add(script, "script_not_allowed", message);
        }
    }
}

type Welcome<'a> = (&'a Spanned<Source>, &'a WelcomePolicy, Option<&'a Spanned<Script>>);

fn welcomes(tenant: &TenantFile) -> impl Iterator<Item = Welcome<'_>> {
    tenant.sources.iter().filter_map(|source| {
        let policy = source.value.welcome.as_ref()?;
        Some((source, policy, tenant.scripts.iter().find(|script| script.value.id == policy.script)))
    })
}
