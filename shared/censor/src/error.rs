use sluice_domain::safety::LogId;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// No answer within [`crate::TIMEOUT`].
    Timeout,
    /// The platform could not be reached.
    NotSent,
    /// The connection ended before a whole answer.
    NoAnswer,
    /// The platform is busy.
    Busy,
    /// Too many requests.
    Rate,
    /// The platform's own quota is used up.
    Quota,
    /// Application, secret or token are refused.
    Credentials,
    /// There is no such secret, or it can not be read.
    Secret,
    /// The secret store does not answer: our own trouble, not the platform's.
    SecretStore,
    /// The application may not do this.
    Permission,
    /// The request was refused for its form.
    Parameter,
    /// An answer of another form than documented.
    Malformed,
    /// A code that is in no table.
    UnknownCode,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Timeout,
        Self::NotSent,
        Self::NoAnswer,
        Self::Busy,
        Self::Rate,
        Self::Quota,
        Self::Credentials,
        Self::Secret,
        Self::SecretStore,
        Self::Permission,
        Self::Parameter,
        Self::Malformed,
        Self::UnknownCode,
    ];

    /// As written in findings and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NotSent => "not_sent",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Rate => "rate_limited",
            Self::Quota => "platform_quota",
            Self::Credentials => "credentials",
            Self::Secret => "secret",
            Self::SecretStore => "secret_store",
            Self::Permission => "permission",
            Self::Parameter => "parameter",
            Self::Malformed => "malformed",
            Self::UnknownCode => "unknown_code",
        }
    }

    /// May the same request, a moment later, be answered? Asking twice does no harm: a check changes nothing.
    pub fn is_passing(self) -> bool {
        match self {
            Self::Timeout | Self::NotSent | Self::NoAnswer | Self::Busy | Self::Rate | Self::SecretStore => {
                true
            }
            Self::Quota
            | Self::Credentials
            | Self::Secret
            | Self::Permission
            | Self::Parameter
            | Self::Malformed
            | Self::UnknownCode => false,
        }
    }
}

/// A check without an answer. No text, token or secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer of the text censor ({}): {detail}", trouble.as_str())]
pub struct CensorError {
    /// What went wrong.
    pub trouble: Trouble,
    /// In our words: a code, a status, what an answer lacked.
    pub detail: String,
    /// The platform's name of the request, where it gave one.
    pub log_id: Option<LogId>,
}

impl CensorError {
    pub(crate) fn new(trouble: Trouble, detail: impl Into<String>) -> Self {
        Self { trouble, detail: detail.into(), log_id: None }
    }

    pub(crate) fn of(self, log_id: Option<LogId>) -> Self {
        Self { log_id, ..self }
    }

    /// What the pipeline does with a check that must have an answer.
    pub fn kind(&self) -> sluice_domain::failure::FailureKind {
        use sluice_domain::failure::FailureKind;
        match self.trouble {
            trouble if trouble.is_passing() => FailureKind::Retry,
            Trouble::Credentials | Trouble::Secret | Trouble::Permission => FailureKind::Configuration,
            _ => FailureKind::Permanent,
        }
    }
}
