//! Recipients, what forms tell of them, quiet hours and caps.

use serde_saphyr::Spanned;
use sluice_domain::consent::{MAINLAND, RecipientEntry, Separate};
use sluice_domain::contact::ContactPolicy;
use sluice_domain::destination::Channel;
use sluice_domain::event::{EventKind, Handling};
use sluice_domain::source::Form;
use sluice_domain::welcome;

use super::Findings;
use crate::file::TenantFile;

/// The channels that quiet hours and caps may name.
const CHANNELS: &[&str] = &Channel::NAMES;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    if let Some(here) = &tenant.region {
        region(here, &here.value, "`region`", findings);
    }
    for recipient in &tenant.recipients {
        entry(recipient, findings);
    }
    for form in &tenant.forms {
        notice(form, tenant, findings);
    }
    for kind in &tenant.erase_on {
        if kind.value.handling() != Handling::Consent {
            let message = format!(
                "`erase_on` takes lifecycle events (`{}`), got `{}`",
                EventKind::Unauthorize,
                kind.value
            );
            findings.add(kind, "erase_on", message);
        }
    }
    if let Some(policy) = &tenant.contact {
        contact(policy, &policy.value, findings);
    }
    for route in &tenant.routes {
        if let Some(policy) = &route.value.contact {
            contact(route, policy, findings);
        }
    }
}

fn entry(recipient: &Spanned<RecipientEntry>, findings: &mut Findings<'_>) {
    let here = &recipient.value;
    if here.name.trim().is_empty() || here.contact.trim().is_empty() {
        let message = format!("recipient `{}` needs a name and a contact (PIPL art. 23)", here.id);
        findings.add(recipient, "recipient_unnamed", message);
    }
    region(recipient, &here.region, &format!("`region` of recipient `{}`", here.id), findings);
}

fn region<T>(at: &Spanned<T>, region: &str, what: &str, findings: &mut Findings<'_>) {
    if region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let message = format!("{what} must be a code of two letters as in ISO 3166: CN, HK, SG");
        findings.add(at, "region", message);
    }
}

/// A form that asks too little makes consents on which nothing may be sent: better told now than by every decision.
fn notice(form: &Spanned<Form>, tenant: &TenantFile, findings: &mut Findings<'_>) {
    let here = &form.value;
    let entry = tenant.recipients.iter().map(|entry| &entry.value).find(|entry| entry.id == here.recipient);
    let home = tenant.region.as_ref().map_or(MAINLAND, |region| region.value.as_str());
    let asked = match entry {
        Some(entry) => entry.terms(home).separate,
        None => (home != MAINLAND).then_some(Separate::CrossBorder).into_iter().collect(),
    };
    for missing in asked.iter().filter(|asked| !here.separate.iter().any(|it| it.about == **asked)) {
        let (word, article) = match missing {
            Separate::Sharing => ("sharing", "23"),
            Separate::CrossBorder => ("cross_border", "39"),
            Separate::Sensitive => ("sensitive", "29"),
        };
        let message = format!(
            "form `{}`: recipient `{}` needs `separate: [{{ for: {word} }}]` (PIPL art. {article})",
            here.id, here.recipient
        );
        findings.add(form, "separate_consent_missing", message);
    }
    let Some(entry) = entry else { return };
    let told = here.notice.as_ref();
    let untold: Vec<&str> = entry
        .methods
        .iter()
        .filter(|method| told.is_none_or(|told| !told.methods.contains(*method)))
        .map(sluice_domain::consent::Method::as_str)
        .chain(
            entry
                .kinds
                .iter()
                .filter(|kind| told.is_none_or(|told| !told.kinds.contains(*kind)))
                .map(sluice_domain::consent::Kind::as_str),
        )
        .collect();
    if !untold.is_empty() {
        let message = format!(
            "form `{}`: its `notice` does not tell of {}, which recipient `{}` handles (PIPL art. 14 and 17)",
            here.id,
            untold.join(", "),
            here.recipient
        );
        findings.add(form, "notice_incomplete", message);
    }
}

fn contact<T>(at: &Spanned<T>, policy: &ContactPolicy, findings: &mut Findings<'_>) {
    if !policy.has_room() {
        findings.add(at, "always_quiet", "quiet hours take the whole day: nothing could ever be sent");
    }
    let named = policy.quiet.iter().flat_map(|hours| hours.channels.iter());
    for channel in named.chain(policy.caps.iter().filter_map(|cap| cap.channel.as_ref())) {
        if channel == welcome::CHANNEL {
            // Who has just added somebody waits for an answer, whatever the hour (ADR 81).
            let message = format!("`{channel}` knows neither quiet hours nor caps: it answers at once");
            findings.add(at, "unknown_channel", message);
        } else if !CHANNELS.contains(&channel.as_str()) {
            let message = format!("no channel `{channel}`; there are {}", CHANNELS.join(", "));
            findings.add(at, "unknown_channel", message);
        }
    }
    if policy.caps.iter().any(|cap| cap.most == 0) {
        findings.add(at, "cap_of_none", "a cap of 0 sends nothing: take the route away instead");
    }
}
