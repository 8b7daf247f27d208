//! Images: sent alone, with words that the rules can read, and only where they can be sent.

use std::collections::BTreeSet;

use serde_saphyr::Spanned;
use sluice_domain::destination::{Channel, Destination};
use sluice_domain::script::Script;

use super::{Findings, channels};
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for script in &tenant.scripts {
        shape(script, findings);
    }
    let mut looked_at = BTreeSet::new();
    for route in tenant.routes.iter().map(|route| &route.value) {
        for id in channels::scripts(route, tenant) {
            let Some(script) = tenant.scripts.iter().find(|script| script.value.id == *id) else { continue };
            for id in route.leads_to() {
                let found = tenant.destinations.iter().find(|destination| destination.value.id == *id);
                let Some(destination) = found.map(|found| &found.value) else { continue };
                if looked_at.insert((&script.value.id, &destination.id)) {
                    goes_to(script, destination, findings);
                }
            }
        }
    }
}

fn shape(script: &Spanned<Script>, findings: &mut Findings<'_>) {
    let here = &script.value;
    let words = here.image_text.as_deref().is_some_and(|words| !words.trim().is_empty());
    match &here.image {
        None if here.image_text.is_some() => {
            let message = format!("script `{}` has `image_text` and no `image` that shows it", here.id);
            findings.add(script, "image_text_without_image", message);
        }
        None => {}
        Some(image) => {
            if !words {
                let message = format!(
                    "script `{}` needs `image_text`, everything that can be read on `{image}`: the rules judge it in the picture's place",
                    here.id
                );
                findings.add(script, "image_text_missing", message);
            }
            if here.title.is_some() || !here.text.is_empty() || !here.fields.is_empty() {
                let message = format!(
                    "script `{}` sends an image, which goes alone: it has no `title`, `text` or `fields`",
                    here.id
                );
                findings.add(script, "image_not_alone", message);
            }
        }
    }
}

fn goes_to(script: &Spanned<Script>, destination: &Destination, findings: &mut Findings<'_>) {
    let here = &script.value;
    if here.image.is_none() {
        return;
    }
    let (id, channel) = (&destination.id, destination.channel.as_str());
    let Some(limit) = destination.channel.image_limit() else {
        let advice = match &destination.channel {
            Channel::FeishuBot { .. } => {
                "a group bot can not upload one: name an application that does (`uploads: {app_id, secret}`), or send it through a `feishu_app`"
            }
            _ => "give it a script of its own with a text",
        };
        let message = format!(
            "script `{}` sends an image, and `{channel}` (destination `{id}`) sends none: {advice}",
            here.id
        );
        findings.add(script, "image_not_supported", message);
        return;
    };
    let length = here.image_file.as_ref().map_or(0, |image| image.bytes);
    if length > limit {
        let message = format!(
            "the image of script `{}` has {length} bytes, and `{channel}` (destination `{id}`) takes {limit}: make it smaller by {} bytes",
            here.id,
            length - limit
        );
        findings.add(script, "image_too_large", message);
    }
}
