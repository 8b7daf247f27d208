//! Scripts: their templates must compile before anybody is waiting for them.

use super::Findings;
use crate::file::TenantFile;

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    for script in &tenant.scripts {
        let here = &script.value;
        if here.text.trim().is_empty() {
            findings.add(script, "script_empty", format!("script `{}` has no text", here.id));
        }
        if let Err(error) = here.check() {
            findings.add(script, "script_invalid", error.to_string());
        }
    }
}
