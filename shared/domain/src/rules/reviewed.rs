use super::RulePack;
use crate::decision::{Decision, Verdict};
use crate::id::RuleId;

impl RulePack {
    /// Does one of the rules behind a decision ask for two people?
    pub fn asks_four_eyes(&self, decision: &Decision) -> bool {
        let asks = |id: &RuleId| self.rules().any(|rule| rule.id == *id && rule.four_eyes);
        decision.reasons.iter().any(|reason| asks(&reason.rule))
    }

    /// Do rules behind a decision ask for a remote check of its texts? `Some(true)` when all of them do, `Some(false)` when others want people.
    pub fn remote_checks(&self, decision: &Decision) -> Option<bool> {
        let asks = |id: &RuleId| self.rules().any(|rule| rule.id == *id && rule.remote_check);
        let (asking, others): (Vec<_>, Vec<_>) =
            decision.reasons.iter().partition(|reason| asks(&reason.rule));
        (!asking.is_empty()).then_some(others.is_empty())
    }

    /// The strictest allowing verdict among the rules that held in a decision; `None` when none allows.
    pub fn allowed_besides(&self, decision: &Decision) -> Option<Verdict> {
        let held = decision.matched.iter().filter_map(|id| self.rules().find(|rule| rule.id == *id));
        held.map(|rule| rule.then).filter(|verdict| verdict.allows()).max()
    }
}
