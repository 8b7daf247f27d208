//! Sources and forms.

use std::collections::BTreeSet;

use sluice_domain::source::{Digest, SchemeName};

use super::Findings;
use crate::file::TenantFile;

/// `/callbacks/{source}` names no tenant, so a source id must be unique over all of them.
pub(crate) fn unique_over_tenants(
    tenant: &TenantFile,
    seen: &mut BTreeSet<String>,
    findings: &mut Findings<'_>,
) {
    for source in &tenant.sources {
        let id = &source.value.id;
        if !seen.insert(id.to_string()) {
            findings.add(
                source,
                "duplicate_source",
                format!("source `{id}` is configured twice; ids are unique over all tenants"),
            );
        }
    }
}

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for source in &tenant.sources {
        let here = &source.value;
        let id = &here.id;
        if id.as_str().contains(['/', '?', '#']) {
            findings.add(source, "source_path", format!("source `{id}` must be one path segment"));
        }
        if here.scheme == SchemeName::Doudian && here.app_id.as_deref().is_none_or(str::is_empty) {
            // The 抖店 digest covers app_key ‖ body ‖ app_secret.
            findings.add(
                source,
                "app_id_missing",
                format!("source `{id}` (doudian) needs its app_key as `app_id`"),
            );
        }
        let of_channel = here.scheme.is_of_channel();
        if of_channel && here.app_id.as_deref().is_none_or(str::is_empty) {
            // It is sealed for this receiver, and contacts are known under it.
            findings.add(
                source,
                "app_id_missing",
                format!("source `{id}` ({}) needs its corp id or app id as `app_id`", here.scheme),
            );
        }
        if here.recipient.is_some() && !of_channel {
            findings.add(
                source,
                "recipient_without_use",
                format!("source `{id}`: `recipient` is for the callbacks of channels only"),
            );
        }
        if here.digest == Digest::Sha256 && here.scheme != SchemeName::OpenPlatform {
            findings.add(
                source,
                "digest_without_use",
                format!("source `{id}`: `digest` is for open-platform only"),
            );
        }
        if here.freshness_seconds == 0 {
            findings.add(
                source,
                "freshness_zero",
                format!("source `{id}`: `freshness_seconds` must be at least 1"),
            );
        }
    }
    for form in &tenant.forms {
        let here = &form.value;
        if here.text.trim().is_empty() || here.version.trim().is_empty() {
            findings.add(
                form,
                "consent_text_missing",
                format!("form `{}` needs a text and its version", here.id),
            );
        }
        if here.valid_days == Some(0) {
            findings.add(
                form,
                "consent_without_duration",
                format!("form `{}`: `valid_days` must be at least 1", here.id),
            );
        }
        let used = tenant
            .routes
            .iter()
            .any(|route| route.value.purpose == here.purpose && route.value.recipient == here.recipient);
        if !used {
            findings.add(
                form,
                "form_without_route",
                format!(
                    "form `{}` asks consent for purpose `{}` to recipient `{}`, which no route uses",
                    here.id, here.purpose, here.recipient
                ),
            );
        }
    }
}
