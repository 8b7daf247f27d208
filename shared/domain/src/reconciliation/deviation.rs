//! How far the arms of an experiment are from their weights.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gamma::chi_square_tail;
use crate::experiment::Experiment;
use crate::id::{ExperimentId, VariantId};

/// Below this p-value the split is not chance: a sample ratio mismatch.
pub const SRM_THRESHOLD: f64 = 0.001;

/// One experiment's split, over every exposure until the end of the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deviation {
    /// The experiment.
    pub experiment: ExperimentId,
    /// Everybody in a configured arm.
    pub exposed: u64,
    /// Everybody in an arm that is no longer configured; in no statistic.
    pub other: u64,
    /// The arms, in the order of the configuration.
    pub arms: Vec<Arm>,
    /// Coefficient of variation of observed ÷ expected over the arms with a weight, 0 = exact.
    pub cv: f64,
    /// The largest |observed − expected| share, in percentage points.
    pub largest_offset_points: f64,
    /// The chi-square statistic against the weights.
    pub chi_square: f64,
    /// Arms with a weight, less one.
    pub degrees_of_freedom: u32,
    /// The probability of such a split by chance; 1 when nobody was exposed.
    pub p_value: f64,
    /// `p_value` is below [`SRM_THRESHOLD`], or somebody is in an arm of weight 0.
    pub mismatch: bool,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arm {
    /// The arm.
    pub variant: VariantId,
    /// Its configured share, in basis points.
    pub weight: u32,
    /// How many people are in it.
    pub observed: u64,
    /// How many the weights ask for.
    pub expected: f64,
    /// observed ÷ all − weight, in percentage points.
    pub offset_points: f64,
}

/// Compares the people of each arm with the weights.
pub fn deviation(experiment: &Experiment, counts: &BTreeMap<VariantId, u64>) -> Deviation {
    let of = |variant: &VariantId| counts.get(variant).copied().unwrap_or(0);
    let exposed: u64 = experiment.variants.iter().map(|arm| of(&arm.id)).sum();
    let weights: u64 = experiment.variants.iter().map(|arm| u64::from(arm.weight)).sum();
    let arms: Vec<Arm> = experiment
        .variants
        .iter()
        .map(|arm| {
            let (observed, share) = (of(&arm.id), ratio(u64::from(arm.weight), weights));
            Arm {
                variant: arm.id.clone(),
                weight: arm.weight,
                observed,
                expected: rounded(real(exposed) * share),
                offset_points: rounded(100.0 * (ratio(observed, exposed) - share)),
            }
        })
        .map(|arm| if exposed == 0 { Arm { offset_points: 0.0, ..arm } } else { arm })
        .collect();
    let split: Vec<(f64, f64)> = experiment
        .variants
        .iter()
        .filter(|arm| arm.weight > 0)
        .map(|arm| (real(of(&arm.id)), real(exposed) * ratio(u64::from(arm.weight), weights)))
        .collect();
    let (chi_square, dof) = chi_square(&split);
    let p_value = chi_square_tail(chi_square, dof);
    let in_closed_arm = arms.iter().any(|arm| arm.weight == 0 && arm.observed > 0);
    Deviation {
        experiment: experiment.id.clone(),
        exposed,
        other: counts.values().sum::<u64>().saturating_sub(exposed),
        cv: rounded(coefficient_of_variation(&split)),
        largest_offset_points: arms.iter().map(|arm| arm.offset_points.abs()).fold(0.0, f64::max),
        arms,
        chi_square: rounded(chi_square),
        degrees_of_freedom: dof,
        p_value: rounded(p_value),
        mismatch: p_value < SRM_THRESHOLD || in_closed_arm,
    }
}

/// Pearson's statistic of (observed, expected) pairs, and its degrees of freedom.
fn chi_square(split: &[(f64, f64)]) -> (f64, u32) {
    let dof = u32::try_from(split.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let terms = split.iter().filter(|(_, expected)| *expected > 0.0);
    (terms.map(|(observed, expected)| (observed - expected).powi(2) / expected).sum(), dof)
}

fn coefficient_of_variation(split: &[(f64, f64)]) -> f64 {
    let ratios: Vec<f64> = split
        .iter()
        .filter(|(_, expected)| *expected > 0.0)
        .map(|(observed, expected)| observed / expected)
        .collect();
    if ratios.is_empty() {
        return 0.0;
    }
    let n = real(u64::try_from(ratios.len()).unwrap_or(u64::MAX));
    let mean = ratios.iter().sum::<f64>() / n;
    let variance = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / n;
    if mean > 0.0 { variance.sqrt() / mean } else { 0.0 }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { real(part) / real(whole) }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of people stay far below 2^53, where every integer is exact"
)]
fn real(count: u64) -> f64 {
    count as f64
}

/// Nine significant digits: the last bits of `ln` and `exp` differ between platforms, a report must not.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::Variant;
    use crate::id::ScriptId;

    fn experiment(weights: &[u32]) -> Experiment {
        let variants = weights.iter().enumerate().map(|(index, weight)| Variant {
            id: VariantId::new(format!("v{index}")).unwrap(),
            weight: *weight,
            script: ScriptId::new("s").unwrap(),
        });
        Experiment { id: ExperimentId::new("e").unwrap(), salt: "s".into(), variants: variants.collect() }
    }

    fn counts(observed: &[u64]) -> BTreeMap<VariantId, u64> {
        observed.iter().enumerate().map(|(i, n)| (VariantId::new(format!("v{i}")).unwrap(), *n)).collect()
    }

    #[test]
    fn splits_agree_with_the_printed_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../../tests/vectors/srm_chi_square.json")).unwrap();
        let rows = vectors["srm"].as_array().unwrap();
        assert!(rows.len() >= 4);
        for row in rows {
            let observed: Vec<u64> =
                row["observed"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "shares of 1 as basis points"
            )]
            let weights: Vec<u32> = row["weights"]
                .as_array()
                .unwrap()
                .iter()
                .map(|w| (w.as_f64().unwrap() * 10_000.0).round() as u32)
                .collect();
            let got = deviation(&experiment(&weights), &counts(&observed));
            let (chi2, p) = (row["chi2"].as_f64().unwrap(), row["p"].as_f64().unwrap());
            assert!((got.chi_square - chi2).abs() <= 1e-8 * chi2.max(1.0), "{row}: {}", got.chi_square);
            assert!((got.p_value - p).abs() <= 1e-8 * p, "{row}: {}", got.p_value);
            assert_eq!(got.mismatch, p < SRM_THRESHOLD, "{row}");
        }
    }

    #[test]
    fn offsets_and_variation_are_of_the_weights() {
        let got = deviation(&experiment(&[7_500, 2_500]), &counts(&[700, 300]));
        assert!(
            (got.arms[0].offset_points + 5.0).abs() < 1e-9 && (got.largest_offset_points - 5.0).abs() < 1e-9
        );
        // Ratios 700/750 and 300/250: mean 16/15, deviation 2/15.
        assert!((got.cv - 0.125).abs() < 1e-9, "{}", got.cv);
        assert!(got.mismatch);
    }

    #[test]
    fn nobody_exposed_is_no_deviation() {
        let got = deviation(&experiment(&[5_000, 5_000]), &counts(&[]));
        assert!((got.p_value - 1.0).abs() < f64::EPSILON && !got.mismatch && got.cv.abs() < f64::EPSILON);
        assert!(got.largest_offset_points.abs() < f64::EPSILON);
    }

    #[test]
    fn people_in_a_closed_arm_are_a_mismatch_and_in_a_removed_one_are_counted() {
        let got = deviation(&experiment(&[10_000, 0]), &counts(&[100, 1, 7]));
        assert!(got.mismatch);
        assert_eq!((got.exposed, got.other), (101, 7));
        assert!(!deviation(&experiment(&[10_000, 0]), &counts(&[100])).mismatch);
    }

    proptest! {
        #[test]
        fn a_p_value_is_a_probability_and_exact_splits_have_none(observed in prop::collection::vec(0_u64..1_000_000, 2..6)) {
            let weights = vec![10_000 / u32::try_from(observed.len()).unwrap(); observed.len()];
            let got = deviation(&experiment(&weights), &counts(&observed));
            prop_assert!((0.0..=1.0).contains(&got.p_value), "{}", got.p_value);
            prop_assert!(got.chi_square >= 0.0 && got.cv >= 0.0);
            let even = vec![observed[0]; observed.len()];
            prop_assert!(!deviation(&experiment(&weights), &counts(&even)).mismatch);
        }
    }
}
