use sluice_channels::{Form, SendReport, codes};
use sluice_domain::consent::{ConsentKey, Purpose};
use sluice_domain::decision::{Decision, Verdict};
use sluice_domain::delivery::{Attempt, Delivery, FencingToken, Outcome};
use sluice_domain::destination::Destination;
use sluice_domain::progress::Cleared;
use sluice_domain::review::Review;
use sluice_domain::script::Script;
use sluice_domain::settings::Tenant;
use sluice_domain::time::UnixMillis;

use crate::compose::ComposeError;

/// A claimed delivery and what it needs.
pub(crate) struct Work<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) destination: &'a Destination,
    pub(crate) cleared: Cleared,
    pub(crate) delivery: Delivery,
    pub(crate) owner: FencingToken,
    /// The review in which its message waits or waited.
    pub(crate) held: Option<Held>,
}

/// A review, and what the rules say of its texts now, once they were asked.
pub(crate) struct Held {
    pub(crate) review: Review,
    pub(crate) fresh: Option<(Verdict, Decision)>,
}

impl Work<'_> {
    /// When this attempt began.
    pub(crate) fn started_at(&self) -> UnixMillis {
        self.delivery.attempts.last().map_or(self.delivery.opened_at, |attempt| attempt.started_at)
    }

    /// Was the script changed since it was assigned? Platforms that compare contents don't recognise its repeat.
    pub(crate) fn is_rewritten(&self) -> bool {
        let mut earlier = self.delivery.attempts.iter().filter_map(|attempt| attempt.script_hash.as_ref());
        self.script().is_none_or(|script| {
            script.version != self.delivery.assignment.script_version
                || earlier.any(|hash| *hash != script.short_hash())
        })
    }

    /// The hash of the script that was rendered: of a message that waited, the one that was rendered then.
    pub(crate) fn script_hash(&self) -> Option<String> {
        let mut earlier = self.delivery.attempts.iter();
        let rendered =
            earlier.find_map(|attempt| attempt.script_hash.clone()).filter(|_| self.held.is_some());
        rendered.or_else(|| self.script().map(Script::short_hash))
    }

    /// The script, if it is still configured.
    pub(crate) fn script(&self) -> Option<&Script> {
        self.tenant.scripts.get(&self.delivery.assignment.script)
    }

    /// The script.
    ///
    /// # Errors
    /// [`ComposeError::NoScript`] when it was taken out of the configuration: then nothing of it leaves, reviewed or not.
    pub(crate) fn configured_script(&self) -> Result<&Script, ComposeError> {
        self.script().ok_or_else(|| ComposeError::NoScript(self.delivery.assignment.script.clone()))
    }

    /// What its message consists of. Of one that was sent before: a script that was changed since is not repeated.
    pub(crate) fn form(&self) -> Form {
        if self.script().is_some_and(|script| script.image.is_some()) { Form::Image } else { Form::Text }
    }

    /// Was this the last attempt that the platform allows for such an answer?
    pub(crate) fn is_last(&self, report: &SendReport) -> bool {
        let code = report.code.as_deref().and_then(|code| code.parse().ok());
        let row = code.and_then(|code| codes::find(&self.destination.channel, code));
        let same = self.delivery.attempts.iter().filter(|attempt| attempt.code == report.code).count();
        // The attempt that ends now has no code yet.
        row.and_then(|row| row.most_attempts).is_some_and(|most| same + 1 >= most as usize)
    }

    pub(crate) fn consent_key(&self, purpose: &Purpose) -> ConsentKey {
        ConsentKey {
            tenant: self.tenant.id.clone(),
            person: self.cleared.person().clone(),
            purpose: purpose.clone(),
            recipient: self.destination.recipient.clone(),
        }
    }
}

/// The report of an attempt that sent nothing.
pub(crate) fn withheld(code: &str) -> SendReport {
    SendReport {
        outcome: Outcome::Withheld { code: code.to_owned() },
        code: Some(code.to_owned()),
        message: None,
        provider_log_id: None,
        request_sha256: None,
        endpoint: None,
    }
}

/// The attempt that the claim opened, with its result.
pub(crate) fn attempt(
    delivery: &Delivery,
    report: SendReport,
    script_hash: Option<String>,
    now: UnixMillis,
) -> Attempt {
    Attempt {
        started_at: delivery.attempts.last().map_or(now, |attempt| attempt.started_at),
        ended_at: Some(now),
        outcome: Some(report.outcome),
        code: report.code,
        message: report.message,
        provider_log_id: report.provider_log_id,
        request_sha256: report.request_sha256,
        script_hash,
    }
}
