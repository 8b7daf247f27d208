//! AWS's list prices, from the one file that has them: `xtask/data/prices.json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::workspace;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceFile {
    #[expect(dead_code, reason = "for the reader of the file")]
    note: String,
    regions: BTreeMap<String, Region>,
    assumptions: BTreeMap<String, Assumption>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Region {
    currency: String,
    date: String,
    prices: BTreeMap<String, Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    #[serde(rename = "price")]
    amount: Option<f64>,
    unit: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assumption {
    value: f64,
    why: String,
}

/// One region's prices, each for one of its unit (not a million).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prices {
    pub(super) region: String,
    pub(super) currency: String,
    pub(super) date: String,
    pub(super) lambda_request: f64,
    pub(super) gb_second: f64,
    pub(super) sqs_request: f64,
    pub(super) write_unit: f64,
    pub(super) read_unit: f64,
    pub(super) api_request: f64,
    pub(super) kms_request: f64,
    pub(super) secrets_call: f64,
}

/// What is assumed, not measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Assumptions {
    pub(super) call_ms: f64,
    pub(super) platform_ms: f64,
    pub(super) full_core_mb: f64,
}

impl PriceFile {
    pub(super) fn read() -> Result<Self> {
        let path = workspace::root().join("xtask/data/prices.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}`", path.display()))
    }

    /// The regions of which every price is known.
    pub(super) fn complete(&self) -> Vec<Prices> {
        self.regions.iter().filter_map(|(name, region)| region.prices(name)).collect()
    }

    /// The regions of which one is not.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = &str> {
        let unknown = self.regions.iter().filter(|(name, region)| region.prices(name).is_none());
        unknown.map(|(name, _)| name.as_str())
    }

    /// Each price of a region with its unit and where it was read, for the foot of a table.
    pub(super) fn sources(&self, region: &str) -> impl Iterator<Item = String> {
        let prices = self.regions.get(region).into_iter().flat_map(|region| region.prices.values());
        prices.filter_map(|price| {
            let Price { amount, unit, source } = price;
            amount.map(|amount| format!("{amount} a {unit}: {source}"))
        })
    }

    pub(super) fn assumptions(&self) -> Result<Assumptions> {
        let value = |name: &str| {
            let assumption = self.assumptions.get(name).with_context(|| format!("no assumption `{name}`"))?;
            Ok::<_, anyhow::Error>(assumption.value)
        };
        Ok(Assumptions {
            call_ms: value("call_ms")?,
            platform_ms: value("platform_ms")?,
            full_core_mb: value("full_core_mb")?,
        })
    }

    /// Each assumption with its reason, for the foot of a table.
    pub(super) fn reasons(&self) -> impl Iterator<Item = String> {
        self.assumptions.iter().map(|(name, it)| format!("{name} = {}: {}", it.value, it.why))
    }
}

impl Region {
    fn prices(&self, name: &str) -> Option<Prices> {
        let one = |price: &str| self.prices.get(price)?.amount;
        let of_million = |price: &str| Some(one(price)? / 1e6);
        Some(Prices {
            region: name.to_owned(),
            currency: self.currency.clone(),
            date: self.date.clone(),
            lambda_request: of_million("lambda_request_million")?,
            gb_second: one("lambda_gb_second")?,
            sqs_request: of_million("sqs_request_million")?,
            write_unit: of_million("dynamodb_write_million")?,
            read_unit: of_million("dynamodb_read_million")?,
            api_request: of_million("api_gateway_million")?,
            kms_request: of_million("kms_request_million")?,
            secrets_call: of_million("secrets_call_million")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_says_its_unit_and_its_source_and_one_region_is_complete() {
        let file = PriceFile::read().unwrap();
        for (name, region) in &file.regions {
            assert!(region.date.starts_with("20"), "{name}");
            for (what, price) in &region.prices {
                assert!(!price.unit.is_empty() && price.source.len() > 8, "{name}: {what}");
            }
        }
        let complete = file.complete();
        assert_eq!(complete.iter().map(|it| it.region.as_str()).collect::<Vec<_>>(), ["us-east-1"]);
        assert_eq!(file.incomplete().collect::<Vec<_>>(), ["cn-north-1"]);
        assert!(file.assumptions().is_ok() && file.reasons().all(|line| line.len() > 20));
    }
}
