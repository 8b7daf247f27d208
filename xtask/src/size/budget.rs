//! How large each function may be: `xtask/data/size-budgets.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::Size;
use crate::workspace;

/// The most bytes of one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// Of the stripped program.
    pub(super) binary: u64,
    /// Of the ZIP.
    pub(super) zip: u64,
}

/// Everybody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budgets {
    /// What no program should have more of; reported, while the budgets decide.
    pub(super) target_bytes: u64,
    functions: BTreeMap<String, Budget>,
}

impl Budgets {
    /// What was measured, and a margin of 3 % for a compiler's mood.
    pub(super) fn of(sizes: &[(&str, Size)]) -> Self {
        let with_margin = |bytes: u64| bytes.saturating_add(bytes.div_ceil(33)).next_multiple_of(1_000);
        let budget = |size: &Size| Budget { binary: with_margin(size.binary), zip: with_margin(size.zip) };
        let functions = sizes.iter().map(|(name, size)| ((*name).to_owned(), budget(size))).collect();
        Self { target_bytes: 6_000_000, functions }
    }

    pub(super) fn read() -> Result<Self> {
        let path = path();
        let text = std::fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}`", path.display()))
    }

    pub(super) fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path(), format!("{text}\n")).context("could not write the budgets")
    }

    pub(super) fn of_function(&self, name: &str) -> Result<&Budget> {
        self.functions.get(name).with_context(|| {
            format!(
                "`{name}` has no budget: set one with `cargo xtask size --write`, and say why it is there"
            )
        })
    }
}

fn path() -> PathBuf {
    workspace::root().join("xtask/data/size-budgets.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_budget_and_there_is_no_other() {
        let budgets = Budgets::read().unwrap();
        let mut expected = super::super::FUNCTIONS;
        expected.sort_unstable();
        assert_eq!(budgets.functions.keys().map(String::as_str).collect::<Vec<_>>(), expected);
        for (name, budget) in &budgets.functions {
            assert!(0 < budget.zip && budget.zip < budget.binary, "{name}: {budget:?}");
        }
    }

    #[test]
    fn the_margin_is_small() {
        let Budget { binary, zip } =
            Budgets::of(&[("f", Size { binary: 5_000_000, zip: 2_000_000 })]).functions["f"];
        assert_eq!((binary, zip), (5_152_000, 2_061_000));
    }
}
