//! The voice of a machine check: what it found, and what follows from that.

use super::state::State;
use super::voice::{Ballot, Says, VoteError, Voter, Why};
use super::{Moved, Review};
use crate::decision::{Decision, LegalBasis, Reason, Verdict};
use crate::id::RuleId;
use crate::safety::{Finding, Outcome, UNCHECKED, UNSAFE, Unanswered};
use crate::tenant::TenantKeys;
use crate::time::UnixMillis;

impl Review {
    /// Does it still wait for this check?
    pub fn awaits(&self, check: &str) -> bool {
        self.state == State::Open
            && self.panel.machine.as_deref() == Some(check)
            && !self.voices.iter().any(|voice| matches!(voice.by, Voter::Machine { .. }))
    }

    /// What the machine check found, if it has spoken.
    pub fn finding(&self) -> Option<&Finding> {
        self.voices.iter().find_map(|voice| voice.finding.as_ref())
    }

    /// Counts what a check found, once.
    ///
    /// | it found | then |
    /// |---|---|
    /// | nothing | an approval: alone enough, unless the panel wants people as well ([`super::Panel::advises`]) |
    /// | a violation | blocked, as `content_unsafe` |
    /// | no answer | by `unanswered`: people decide, blocked as `content_unchecked`, or as if it had found nothing |
    ///
    /// # Errors
    /// [`VoteError`]: the finding does not count, and nothing changes.
    #[expect(clippy::missing_panics_doc, reason = "it can not panic")]
    pub fn found(
        &self,
        finding: Finding,
        unanswered: Unanswered,
        now: UnixMillis,
        keys: &TenantKeys,
    ) -> Result<Moved, VoteError> {
        let (says, code) = match (finding.outcome, unanswered) {
            (Outcome::Clean, _) | (Outcome::Unanswered, Unanswered::Release) => (Says::Approve, None),
            (Outcome::Hit, _) => (Says::Reject, Some(UNSAFE)),
            (Outcome::Unanswered, Unanswered::Block) => (Says::Reject, Some(UNCHECKED)),
            (Outcome::Unanswered, Unanswered::Review) => (Says::Abstain, None),
        };
        let spoken = self.voices.iter().any(|voice| matches!(voice.by, Voter::Machine { .. }));
        if spoken && self.state == State::Open {
            return Err(VoteError::NotAsked);
        }
        #[expect(clippy::expect_used, reason = "codes, words and numbers: short, one line")]
        let why = Why::new(&finding.words()).expect("a finding in words");
        let ballot = Ballot { by: Voter::Machine { check: finding.check.clone() }, says, why };
        let mut next = self.spoken(ballot, Some(finding.clone()), now, keys)?;
        if let Some(code) = code {
            let decision = Box::new(blocked(&self.decision, code, finding));
            next.state = State::Blocked { at: now, code: code.to_owned(), decision: Some(decision) };
        }
        Ok(next.moved())
    }
}

/// The fused decision: the local one, overruled by what the check found.
fn blocked(local: &Decision, code: &str, finding: Finding) -> Decision {
    let title = if code == UNSAFE {
        "平台内容安全检测判定文本违法违规"
    } else {
        "内容安全检测没有结果,按配置不予发送"
    };
    let basis =
        |document: &str, article: &str| LegalBasis { document: document.into(), article: article.into() };
    #[expect(clippy::expect_used, reason = "the literal is a rule id")]
    let rule = RuleId::new("content-safety").expect("a rule id");
    let reason = Reason {
        code: code.to_owned(),
        title: title.to_owned(),
        rule,
        exception: None,
        basis: vec![
            basis("网络信息内容生态治理规定", "第六条"),
            // The platform names its documents by their path, and the text APIs by their addresses.
            basis(
                "抖音开放平台文档 mini-app/develop/server/content-security",
                "POST /api/apps/v1/censor/text/、POST /api/v2/tags/text/antidirt",
            ),
        ],
        evidence: Vec::new(),
    };
    let mut fused = local.clone();
    fused.verdict = Verdict::Block;
    fused.reasons.insert(0, reason);
    fused.finding = Some(finding);
    fused
}
