//! Experiments on scripts (话术), as configured.

use serde::{Deserialize, Serialize};

use crate::id::{ExperimentId, ScriptId, VariantId};

/// One experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its name.
    pub id: ExperimentId,
    /// Part of the hash, so that two experiments are independent: `"{salt}:{unit id}"`.
    pub salt: String,
    /// The arms, in order; their weights are basis points and must sum to 10 000.
    pub variants: Vec<Variant>,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name.
    pub id: VariantId,
    /// Basis points of the buckets.
    pub weight: u32,
    /// The script it shows.
    pub script: ScriptId,
}
