//! Experiments: arms that cover every bucket, salts that keep experiments independent.

use std::collections::BTreeMap;

use super::Findings;
use crate::file::TenantFile;

/// Buckets, and so basis points, of every experiment.
const WHOLE: u64 = 10_000;

/// Outside any experiment, exposures are kept under this name.
const RESERVED: &str = "none";

pub(crate) fn check(tenant: &TenantFile, findings: &mut Findings<'_>) {
    let mut salts: BTreeMap<&str, &str> = BTreeMap::new();
    for experiment in &tenant.experiments {
        let here = &experiment.value;
        let id = here.id.as_str();
        if id == RESERVED {
            findings.add(experiment, "reserved_id", format!("`{RESERVED}` stands for no experiment"));
        }
        if here.salt.is_empty() {
            findings.add(experiment, "salt_missing", format!("experiment `{id}` needs a salt"));
        } else if let Some(other) = salts.insert(&here.salt, id) {
            findings.add(
                experiment,
                "salt_shared",
                format!("experiments `{other}` and `{id}` share a salt, so their arms would go together"),
            );
        }
        let sum: u64 = here.variants.iter().map(|variant| u64::from(variant.weight)).sum();
        if sum != WHOLE {
            findings.add(
                experiment,
                "weights_sum",
                format!("weights of experiment `{id}` must sum to {WHOLE}, got {sum}"),
            );
        }
        for (index, variant) in here.variants.iter().enumerate() {
            if here.variants.iter().take(index).any(|earlier| earlier.id == variant.id) {
                findings.add(
                    experiment,
                    "duplicate_variant",
                    format!("variant `{}` of experiment `{id}` is configured twice", variant.id),
                );
            }
            if !tenant.scripts.iter().any(|script| script.value.id == variant.script) {
                findings.add(
                    experiment,
                    "unknown_script",
                    format!("script `{}` of variant `{}` is not configured", variant.script, variant.id),
                );
            }
        }
    }
}
