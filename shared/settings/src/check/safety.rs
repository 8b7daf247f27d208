use sluice_domain::safety::SafetyPolicy;

use super::Findings;
use crate::file::TenantFile;

/// A budget of nothing asks nobody, and a memory without an end keeps an answer that the platform would no longer give.
pub(super) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let Some(safety) = &tenant.safety else { return };
    let policy = &safety.value;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !(1..=64).contains(&policy.app_id.len()) || !policy.app_id.bytes().all(plain) {
        let message = "`safety.app_id` must be the id of a mini-app, as in `tt0123456789abcdef`";
        findings.add(safety, "safety_app_id", message);
    }
    let mut within = |name: &str, code: &'static str, got: u32, least: u32, most: u32| {
        if !(least..=most).contains(&got) {
            findings.add(safety, code, format!("`safety.{name}` must be {least} to {most}, got {got}"));
        }
    };
    within("longer_than", "safety_longer_than", policy.longer_than, 1, 100_000);
    within("per_day", "safety_per_day", policy.per_day, 1, 100_000_000);
    within("minutes", "safety_minutes", policy.minutes, 1, SafetyPolicy::MOST_MINUTES);
    within("remember_hours", "safety_remember_hours", policy.remember_hours, 0, SafetyPolicy::MOST_HOURS);
}
