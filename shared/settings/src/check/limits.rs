//! Limits: what a company may set in place of the platforms' numbers.

use super::Findings;
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let Some(limits) = &tenant.limits else { return };
    for (name, spans) in &limits.value {
        if let Err(problem) = name.check(spans) {
            findings.add(limits, "limit", problem);
        }
    }
}
