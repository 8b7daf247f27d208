//! Welcome messages: what a person reads who has just added a member of staff on WeCom (`docs/adr/0081-welcome-messages.md`).
//!
//! They rest on what the person has just done, so there is no consent, no bucket and no delivery; what they say passes the rules like
//! everything that leaves, when the configuration is checked and when it is sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::event::EventKind;
use crate::failure::FailureKind;
use crate::id::ScriptId;
use crate::link::LinkPolicy;
use crate::rules::{Facts, RulePack};
use crate::script::{Script, ScriptError, Variables};
use crate::settings::Tenant;
use crate::time::UnixMillis;

/// What rules know it by; it is a channel without destinations.
pub const CHANNEL: &str = "wecom_welcome";
/// The longest text, in bytes (WW92599).
pub const TEXT_LIMIT: usize = 4_000;
/// What its script may name: nothing else is known of a person who has just come.
pub const NAMES: [&str; 3] = ["tenant", "event", "received_at"];

/// How a source welcomes the people who add a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WelcomePolicy {
    /// The application that has the right to customer contact.
    pub agent_id: i64,
    /// Name of its secret.
    pub secret: String,
    /// What the person reads.
    pub script: ScriptId,
}

/// Why nobody is welcomed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWelcome {
    /// The script is not configured.
    #[error("script `{0}` is not configured")]
    NoScript(ScriptId),
    /// It does not render.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The rules do not let it out.
    #[error("the text may not leave: {0}")]
    NotAllowed(String),
}

impl NoWelcome {
    /// A person must mend the script.
    pub fn kind(&self) -> FailureKind {
        FailureKind::Configuration
    }

    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::NoScript(_) | Self::Script(_) => "script_unusable",
            Self::NotAllowed(code) => code,
        }
    }
}

/// The words of a welcome, if the tenant's rules let them out now.
///
/// # Errors
/// [`NoWelcome`].
pub fn words(policy: &WelcomePolicy, tenant: &Tenant, now: UnixMillis) -> Result<String, NoWelcome> {
    let script = tenant.scripts.get(&policy.script);
    let script = script.ok_or_else(|| NoWelcome::NoScript(policy.script.clone()))?;
    let text = rendered(script, &tenant.name, now)?;
    let decision = judged(&text, script, &tenant.name, &tenant.rules, &tenant.links, now);
    if decision.verdict.allows() {
        Ok(text)
    } else {
        Err(NoWelcome::NotAllowed(decision.main_code().to_owned()))
    }
}

/// The script with what is known of somebody who has just come.
///
/// # Errors
/// [`ScriptError`].
pub fn rendered(script: &Script, sender: &str, now: UnixMillis) -> Result<String, ScriptError> {
    let not_given = || Variables::NOT_GIVEN.to_owned();
    let variables = Variables {
        tenant: sender.to_owned(),
        event: EventKind::ContactAdded.title().to_owned(),
        name: not_given(),
        phone: not_given(),
        form: BTreeMap::new(),
        received_at: now.to_china_minutes(),
        variant: String::new(),
        acquisition_link: String::new(),
    };
    Ok(script.render(&variables)?.text)
}

/// What the rules say of it.
pub fn judged(
    text: &str,
    script: &Script,
    sender: &str,
    rules: &RulePack,
    links: &LinkPolicy,
    now: UnixMillis,
) -> Decision {
    rules.evaluate(&Facts {
        sender: Some(sender),
        script: Some(&script.id),
        channel: Some(CHANNEL),
        ..Facts::outbound(&[("message", text)], links, now)
    })
}
