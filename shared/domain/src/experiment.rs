//! Experiments on scripts (话术), as configured.

use serde::{Deserialize, Serialize};

use crate::bucket::{BUCKETS, bucket};
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

/// Why an experiment can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExperimentError {
    /// The arms' weights must fill the buckets.
    #[error("weights of experiment `{experiment}` must sum to 10000 basis points, got {got}")]
    Weights {
        /// Which.
        experiment: ExperimentId,
        /// Their sum.
        got: u64,
    },
}

impl ExperimentError {
    /// A person must mend the configuration.
    pub fn kind(&self) -> crate::failure::FailureKind {
        crate::failure::FailureKind::Configuration
    }
}

impl Experiment {
    /// Checks that the weights sum to 10 000.
    ///
    /// # Errors
    /// [`ExperimentError::Weights`].
    pub fn check(&self) -> Result<(), ExperimentError> {
        let got = self.variants.iter().map(|variant| u64::from(variant.weight)).sum();
        if got == u64::from(BUCKETS) {
            Ok(())
        } else {
            Err(ExperimentError::Weights { experiment: self.id.clone(), got })
        }
    }

    /// The bucket and arm of a unit.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn choose(&self, unit: &str) -> Result<(u32, &Variant), ExperimentError> {
        self.check()?;
        let bucket = bucket(&self.salt, unit);
        let mut end = 0;
        let chosen = self.variants.iter().find(|variant| {
            end += variant.weight;
            bucket < end
        });
        // The weights fill the buckets, so there is one.
        chosen
            .map(|variant| (bucket, variant))
            .ok_or(ExperimentError::Weights { experiment: self.id.clone(), got: 0 })
    }

    /// The arm of that name, if it (still) exists.
    pub fn variant(&self, id: &VariantId) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn experiment(weights: &[u32]) -> Experiment {
        let arm = |(index, weight): (usize, &u32)| Variant {
            id: VariantId::new(format!("arm-{index}")).unwrap(),
            weight: *weight,
            script: ScriptId::new("script").unwrap(),
        };
        Experiment {
            id: ExperimentId::new("greeting").unwrap(),
            salt: "greeting".into(),
            variants: weights.iter().enumerate().map(arm).collect(),
        }
    }

    #[test]
    fn weights_that_do_not_fill_the_buckets_are_refused() {
        let error = experiment(&[5_000, 4_999]).choose("p-1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "weights of experiment `greeting` must sum to 10000 basis points, got 9999"
        );
    }

    proptest! {
        #[test]
        fn growing_the_first_arm_moves_nobody_out_of_it(small in 0..=10_000_u32, more in 0..=10_000_u32, unit in "[a-z0-9]{1,20}") {
            let large = small.max(more);
            let before = experiment(&[small, 10_000 - small]);
            let after = experiment(&[large, 10_000 - large]);
            if before.choose(&unit).unwrap().1.id.as_str() == "arm-0" {
                prop_assert_eq!(after.choose(&unit).unwrap().1.id.as_str(), "arm-0");
            }
        }

        #[test]
        fn an_arm_without_weight_gets_nobody(unit in ".{0,20}") {
            let experiment = experiment(&[0, 10_000, 0]);
            prop_assert_eq!(experiment.choose(&unit).unwrap().1.id.as_str(), "arm-1");
        }
    }
}
