use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::rules::RulePack;
use crate::safety::{CHECK, SafetyPolicy};
use crate::time::UnixMillis;

const HOUR_MS: i64 = 3_600_000;

/// How a tenant's reviews work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewPolicy {
    /// How long a review waits, in hours; then it is a block. Default 72, at most 720.
    #[serde(default = "three_days")]
    pub hours: u32,
    /// Two different people must approve, whatever the rule says.
    #[serde(default)]
    pub four_eyes: bool,
}

fn three_days() -> u32 {
    72
}

impl Default for ReviewPolicy {
    fn default() -> Self {
        Self { hours: three_days(), four_eyes: false }
    }
}

impl ReviewPolicy {
    /// The longest a review may wait: 30 days.
    pub const MOST_HOURS: u32 = 720;

    /// When a review that is opened now ends by itself.
    pub fn deadline(self, opened_at: UnixMillis) -> UnixMillis {
        opened_at.plus_ms(i64::from(self.hours).saturating_mul(HOUR_MS))
    }

    /// How a decision begins to wait.
    pub fn opening(
        self,
        decision: Decision,
        rules: &RulePack,
        safety: Option<&SafetyPolicy>,
        opened_at: UnixMillis,
    ) -> Opening {
        let panel = self.panel(&decision, rules, safety);
        Opening { decision, panel, opened_at, deadline: self.deadline(opened_at) }
    }

    /// Who must approve a decision: one person, or two when the tenant or one of the rules behind it asks for four eyes. Where a rule asks for
    /// a remote check and the tenant has one, that check too: it is enough alone when every rule behind the decision asks for it and
    /// nobody asks for four eyes.
    pub fn panel(self, decision: &Decision, rules: &RulePack, safety: Option<&SafetyPolicy>) -> Panel {
        let people = if self.four_eyes || rules.asks_four_eyes(decision) { 2 } else { 1 };
        let asked = rules.remote_checks(decision).filter(|_| safety.is_some());
        let machine = asked.map(|_| CHECK.to_owned());
        let advises = asked.is_some_and(|alone| !alone || people > 1);
        Panel { people, machine, advises }
    }
}

/// What a review is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Why it waits.
    pub decision: Decision,
    /// Who must approve.
    pub panel: Panel,
    /// Since when it waits.
    pub opened_at: UnixMillis,
    /// From then on it is a block.
    pub deadline: UnixMillis,
}

/// Who must approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// So many different people; never less than one.
    pub people: u8,
    /// Or this machine check, by its name: a platform's text censor, for example. Its no ends the review; its yes is enough alone, unless it
    /// only advises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The machine's yes is not enough: people must approve as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub advises: bool,
}

impl Panel {
    /// A machine check settles it; a person may do so, too.
    #[must_use]
    pub fn or_machine(self, check: impl Into<String>) -> Self {
        Self { machine: Some(check.into()), ..self }
    }

    /// Is this machine's yes enough?
    pub(super) fn is_settled_by(&self, check: &str) -> bool {
        self.machine.as_deref() == Some(check) && !self.advises
    }

    /// How many people are needed; a stored zero counts as one.
    pub(super) fn people(&self) -> usize {
        usize::from(self.people.max(1))
    }
}
