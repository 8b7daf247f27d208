//! `sluice rules`: rule packs checked, tested, explained, compared and asked about the past.

mod args;
mod check;
mod compare;
mod explain;
mod facts;
mod records;
mod replay;
mod shadow;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sluice_domain::decision::LegalBasis;
use sluice_domain::rules::RulePack;
use sluice_ports::Clock;
use sluice_settings::{Bundle, Care, Problem};

pub use args::{Rules, Shadow};

use crate::builtin;
use crate::cli::Place;
use crate::output::{CommandError, Output};

/// Runs a `rules` command.
///
/// # Errors
/// When files, packs or stored events can not be had.
pub async fn run(command: &Rules, place: &Place, clock: Arc<dyn Clock>) -> Result<Output, CommandError> {
    match command {
        Rules::Check => Ok(check::check(&Packs::read(place.config.as_deref(), Care::Full))),
        Rules::Test { pack } => {
            check::test(&Packs::read(place.config.as_deref(), Care::Published), pack.as_deref())
        }
        Rules::Explain { facts: Some(file), tenant, pack, .. } => {
            explain::facts(file, tenant.as_ref(), pack.as_deref(), place)
        }
        Rules::Explain { trace, tenant, pack, .. } => match (trace, tenant) {
            (Some(trace), Some(tenant)) => {
                explain::event(*trace, tenant, pack.as_deref(), place, clock).await
            }
            _ => Err(CommandError::usage("give --facts FILE, or --tenant and a trace id")),
        },
        Rules::Diff { first, second, other } => {
            let here = Packs::read(place.config.as_deref(), Care::Published);
            let there = other.as_deref().map(|other| Packs::read(Some(other), Care::Published));
            let (first, second) = (here.pack(first)?, there.as_ref().unwrap_or(&here).pack(second)?);
            Ok(compare::diff(&first, &second))
        }
        Rules::Replay { pack, tenant, from, to, records } => {
            let pack = Packs::read(place.config.as_deref(), Care::Full).pack(pack)?;
            match (records, tenant) {
                (Some(file), _) => replay::file(&pack, file),
                (None, Some(tenant)) => {
                    let from = from.unwrap_or_else(|| clock.now().business_day());
                    replay::days(&pack, tenant, from, to.unwrap_or(from), place, clock).await
                }
                (None, None) => Err(CommandError::usage("give --tenant or --records")),
            }
        }
        Rules::Shadow(args) => shadow::list(args, place, clock).await,
        Rules::Facts => Ok(facts::list()),
    }
}

/// The rule packs of a configuration, and what is wrong with them.
struct Packs {
    good: BTreeMap<String, Arc<RulePack>>,
    problems: Vec<Problem>,
}

impl Packs {
    fn read(config: Option<&Path>, care: Care) -> Self {
        let bundle = config.map_or_else(builtin::bundle, Bundle::read);
        let (good, problems) = sluice_settings::rule_packs(&bundle, care);
        Self { good, problems }
    }

    /// A pack by its file's name, with or without the ending.
    fn pack(&self, name: &str) -> Result<Arc<RulePack>, CommandError> {
        let file = format!("{}.yaml", name.strip_suffix(".yaml").unwrap_or(name));
        if let Some(pack) = self.good.get(&file) {
            return Ok(Arc::clone(pack));
        }
        let own: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        let known = self.good.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let why = if own.is_empty() { String::new() } else { format!("\n{}", own.join("\n")) };
        Err(CommandError::configuration(format!("no usable rule pack `{file}`; there: {known}{why}")))
    }
}

/// `《广告法》第九条 《…》`.
fn cited(basis: &[LegalBasis]) -> String {
    let each = basis.iter().map(|basis| format!("《{}》{}", basis.document, basis.article));
    each.collect::<Vec<_>>().join(" ")
}
