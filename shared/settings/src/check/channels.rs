//! What single channels ask of destinations, and of the routes that lead to them.

use serde_saphyr::Spanned;
use sluice_domain::consent::Purpose;
use sluice_domain::destination::{ACKNOWLEDGEMENT, Channel, Destination, Route};
use sluice_domain::event::EventKind;
use sluice_domain::id::ScriptId;

use super::Findings;
use crate::file::TenantFile;

/// Names of purposes that say advertising.
const MARKETING: [&str; 7] = ["market", "promot", "campaign", "advert", "coupon", "discount", "营销"];

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for destination in &tenant.destinations {
        one(destination, findings);
    }
    for route in &tenant.routes {
        for id in route.value.leads_to() {
            let found = tenant.destinations.iter().find(|other| other.value.id == *id);
            if let Some(found) = found {
                leads_to(route, &found.value, tenant, findings);
            }
        }
    }
}

fn one(destination: &Spanned<Destination>, findings: &mut Findings<'_>) {
    let id = &destination.value.id;
    let mut problem =
        |code, message: String| findings.add(destination, code, format!("destination `{id}`: {message}"));
    match &destination.value.channel {
        Channel::WechatTemplate { template_id, purposes, .. } => {
            if template_id.is_empty() {
                problem("no_template", "`template_id` is empty".to_owned());
            }
            if purposes.is_empty() {
                problem(
                    "template_purpose",
                    "`purposes` must name what the template was approved for".to_owned(),
                );
            }
            if let Some(purpose) = purposes.iter().find(|purpose| is_marketing(purpose)) {
                problem(
                    "template_marketing",
                    format!(
                        "WeChat forbids marketing in template messages, and `{purpose}` is; use another channel"
                    ),
                );
            }
        }
        Channel::WechatSubscribe { template_id, .. } if template_id.is_empty() => {
            problem("no_template", "`template_id` is empty".to_owned());
        }
        Channel::DouyinMessage { acknowledge, .. } | Channel::DouyinComment { acknowledge, .. }
            if acknowledge != ACKNOWLEDGEMENT =>
        {
            let message = format!(
                "Douyin takes no new applicants for replies through its API; where yours was granted, write `acknowledge: {ACKNOWLEDGEMENT}`"
            );
            problem("douyin_not_acknowledged", message);
        }
        Channel::Webhook { url, allow_private, .. } => {
            if let Err(message) = address(url, *allow_private) {
                problem("webhook_address", message.to_owned());
            }
        }
        _ => {}
    }
}

fn is_marketing(purpose: &Purpose) -> bool {
    let name = purpose.as_str().to_lowercase();
    MARKETING.iter().any(|word| name.contains(word))
}

/// Where a webhook may go. What its name resolves to is looked at when it is called.
fn address(url: &str, allow_private: bool) -> Result<(), &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("`url` must be https://host/path")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || url.contains('#') || !url.is_ascii() {
        return Err("`url` must have a host, and neither a user, nor a fragment, nor spaces");
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let this_machine = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match scheme {
        "https" if this_machine && !allow_private => {
            Err("`url` is in our own network; `allow_private: true` allows that")
        }
        "https" => Ok(()),
        "http" if this_machine && allow_private => Ok(()),
        _ => Err("`url` must be https (or http to this machine with `allow_private: true`)"),
    }
}

fn leads_to(
    route: &Spanned<Route>,
    destination: &Destination,
    tenant: &TenantFile,
    findings: &mut Findings<'_>,
) {
    let (here, id) = (&route.value, &destination.id);
    if let Channel::WechatTemplate { purposes, .. } = &destination.channel
        && !purposes.contains(&here.purpose)
    {
        let message = format!(
            "route is for purpose `{}`, and the template of destination `{id}` was not approved for it (`purposes`)",
            here.purpose
        );
        findings.add(route, "template_purpose", message);
    }
    let answered = match destination.channel {
        Channel::DouyinMessage { .. } => Some(EventKind::DirectMessage),
        Channel::DouyinComment { .. } => Some(EventKind::Comment),
        _ => None,
    };
    if let Some(answered) = answered
        && here.kinds.iter().any(|kind| *kind != answered)
    {
        let message = format!("destination `{id}` answers `{answered}` alone; give it a route of its own");
        findings.add(route, "reply_kind", message);
    }
    if destination.channel.wants_fields() {
        for script in scripts(here, tenant) {
            let found = tenant.scripts.iter().find(|other| other.value.id == *script);
            if found.is_some_and(|found| found.value.fields.is_empty()) {
                let message = format!(
                    "destination `{id}` fills in a template: script `{script}` needs `fields` (thing1, time2, …)"
                );
                findings.add(route, "script_without_fields", message);
            }
        }
    }
}

/// Every script that the route may send.
pub(super) fn scripts<'a>(route: &'a Route, tenant: &'a TenantFile) -> Vec<&'a ScriptId> {
    let experiment = tenant.experiments.iter().map(|experiment| &experiment.value);
    let chosen = experiment.filter(|experiment| Some(&experiment.id) == route.experiment.as_ref());
    let variants = chosen.flat_map(|experiment| experiment.variants.iter().map(|variant| &variant.script));
    std::iter::once(&route.script).chain(variants).collect()
}
