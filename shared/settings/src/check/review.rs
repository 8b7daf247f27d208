use sluice_domain::review::ReviewPolicy;

use super::Findings;
use crate::file::TenantFile;

/// A review that never waits can not be answered, and one that waits for ever is no block.
pub(super) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let Some(review) = &tenant.review else { return };
    let (hours, most) = (review.value.hours, ReviewPolicy::MOST_HOURS);
    if !(1..=most).contains(&hours) {
        findings.add(review, "review_hours", format!("`review.hours` must be 1 to {most}, got {hours}"));
    }
}
