//! The record of one delivery: claimed by one owner at a time, attempted, and settled once.

use serde::{Deserialize, Serialize};

use crate::id::{DestinationId, EventKey, PersonId, TraceId};
use crate::progress::Assignment;
use crate::time::UnixMillis;

/// The code of an attempt that ended because its message waits for a [review](crate::review::Point::Message).
pub const WAITS_FOR_REVIEW: &str = "review";

/// What a platform's answer means (`docs/WIRE.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", rename_all = "snake_case")]
#[must_use]
pub enum Outcome {
    /// The platform took it: success in the body, not only in the HTTP status.
    Delivered {
        /// The platform's message id, if it gives one.
        provider_id: Option<String>,
    },
    /// Not taken; not before this moment.
    Throttled {
        /// When to come back.
        until: UnixMillis,
    },
    /// Not taken for a passing reason.
    Transient,
    /// The access token died; refresh it once and repeat.
    TokenExpired,
    /// A quota is used up until this moment.
    QuotaExhausted {
        /// When it fills again.
        until: UnixMillis,
    },
    /// This recipient can not or will not be reached.
    RecipientRefused {
        /// The person or platform said no to such messages: consent is to be withdrawn.
        opt_out: bool,
    },
    /// The platform refuses the content.
    ContentRefused {
        /// For reasons of compliance (sensitive words, DLP), not of form.
        compliance: bool,
    },
    /// The endpoint or its configuration is unusable for everybody.
    EndpointRefused,
    /// Not taken, with a code that is in no table: for good, and a person must look the code up. Nobody knows whether recipient, content
    /// or endpoint is meant.
    UnknownCode,
    /// Nobody knows whether it was taken: time-out, connection lost after writing, unreadable answer.
    Unclear,
    /// Sluice itself refused before sending: the rendered text failed its last scan, a template failed, the claim expired.
    Withheld {
        /// Stable code.
        code: String,
    },
}

impl Outcome {
    /// As written in records, tables and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Throttled { .. } => "throttled",
            Self::Transient => "transient",
            Self::TokenExpired => "token_expired",
            Self::QuotaExhausted { .. } => "quota_exhausted",
            Self::RecipientRefused { .. } => "recipient_refused",
            Self::ContentRefused { .. } => "content_refused",
            Self::EndpointRefused => "endpoint_refused",
            Self::UnknownCode => "unknown_code",
            Self::Unclear => "unclear",
            Self::Withheld { .. } => "withheld",
        }
    }
}

impl Outcome {
    /// The code of what was refused here, before sending.
    pub fn withheld_by(&self) -> Option<&str> {
        if let Self::Withheld { code } = self { Some(code) } else { None }
    }
}

/// One try, as it is kept with the delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the request was about to leave.
    pub started_at: UnixMillis,
    /// When the answer (or its absence) was known; `None` while it runs, or for ever if the process died.
    pub ended_at: Option<UnixMillis>,
    /// What it meant.
    pub outcome: Option<Outcome>,
    /// The platform's raw code, as text.
    pub code: Option<String>,
    /// The platform's message, cut to 1 KiB; never the text we sent.
    pub message: Option<String>,
    /// The platform's log id, for its support.
    pub provider_log_id: Option<String>,
    /// Lower-case hex SHA-256 of the request body.
    pub request_sha256: Option<String>,
    /// The first 64 bits, in hex, of the SHA-256 of the script that was rendered; absent in records of earlier versions. (No more: an
    /// item of a kilobyte is one write unit.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_hash: Option<String>,
}

impl Attempt {
    /// One that begins.
    pub fn begun(at: UnixMillis) -> Self {
        Self {
            started_at: at,
            ended_at: None,
            outcome: None,
            code: None,
            message: None,
            provider_log_id: None,
            request_sha256: None,
            script_hash: None,
        }
    }

    /// Does nobody know whether the platform took the message? Of an attempt that never ended, its process died.
    pub fn is_unclear(&self) -> bool {
        match &self.outcome {
            None | Some(Outcome::Unclear) => true,
            Some(
                Outcome::Delivered { .. }
                | Outcome::Throttled { .. }
                | Outcome::Transient
                | Outcome::TokenExpired
                | Outcome::QuotaExhausted { .. }
                | Outcome::RecipientRefused { .. }
                | Outcome::ContentRefused { .. }
                | Outcome::EndpointRefused
                | Outcome::UnknownCode
                | Outcome::Withheld { .. },
            ) => false,
        }
    }
}

/// Which random owner holds a claim. Only the owner may complete it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(pub uuid::Uuid);

/// How far a delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Somebody works on it until the deadline.
    Claimed {
        /// The owner's token.
        owner: FencingToken,
        /// After it, the claim may be taken over.
        deadline: UnixMillis,
    },
    /// Given back, to be tried again.
    Waiting {
        /// Not before.
        until: UnixMillis,
    },
    /// Taken by the platform.
    Delivered,
    /// Not sent, for good; the last attempt says why.
    Refused,
    /// Unclear, and the channel has no idempotency: never repeated blindly, listed by reconciliation.
    InDoubt,
}

impl DeliveryState {
    /// Will nothing more happen by itself?
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Delivered | Self::Refused | Self::InDoubt => true,
            Self::Claimed { .. } | Self::Waiting { .. } => false,
        }
    }

    /// As shown in tables and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "claimed",
            Self::Waiting { .. } => "waiting",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// Another destination, for the assigned one can not be used by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// Where the message goes instead.
    pub destination: DestinationId,
    /// Why: the platform's code, Sluice's word, or `endpoint_disabled`.
    pub code: String,
    /// Since when.
    pub at: UnixMillis,
}

/// One delivery: keyed by its event, for an event leads to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event.
    #[serde(flatten)]
    pub key: EventKey,
    /// The trace that opened it.
    pub trace_id: TraceId,
    /// The commitment to the callback's raw body, as the event has it; empty in records of earlier versions.
    #[serde(default)]
    pub payload_sha256: String,
    /// Whose event.
    pub person: PersonId,
    /// Script, variant, destination.
    pub assignment: Assignment,
    /// The destination in place of the assigned one; once decided, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// When it was first claimed.
    pub opened_at: UnixMillis,
    /// How far it is.
    #[serde(flatten)]
    pub state: DeliveryState,
    /// Every try, in order: the last [`Delivery::ATTEMPTS_KEPT`], and in place of the oldest of them the first whose result nobody knows.
    pub attempts: Vec<Attempt>,
    /// How many tries are not kept any more; the first whose result nobody knows is none of them. Earlier versions forgot without counting.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forgotten: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Delivery {
    /// A record's size is bounded.
    pub const ATTEMPTS_KEPT: usize = 20;

    /// Notes an attempt, and forgets an old one where there are too many.
    ///
    /// Never the first whose result nobody knows: its age says whether the platform still recognises a repeat, its script whether it would be one.
    pub fn note(&mut self, attempt: Attempt) {
        let uncounted = self.has_forgotten_uncounted();
        self.attempts.push(attempt);
        while self.attempts.len() > Self::ATTEMPTS_KEPT {
            let doubt = self.attempts.iter().position(Attempt::is_unclear);
            self.attempts.remove(usize::from(doubt == Some(0)));
            if !uncounted {
                self.forgotten = self.forgotten.saturating_add(1);
            }
        }
    }

    /// Has an earlier version forgotten attempts? It did not look at their results.
    pub fn has_forgotten_uncounted(&self) -> bool {
        self.forgotten == 0 && self.attempts.first().is_some_and(|first| first.started_at > self.opened_at)
    }

    /// Where it goes: the fall-back, if that was decided, else as it was assigned.
    pub fn destination(&self) -> &DestinationId {
        self.fallback.as_ref().map_or(&self.assignment.destination, |fallback| &fallback.destination)
    }
}

/// One person's first exposure to an experiment: sticky, whatever the configuration says later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Whose experiment.
    pub tenant: crate::id::TenantId,
    /// Which; events outside any experiment are exposed to `none`.
    pub experiment: crate::id::ExperimentId,
    /// Who.
    pub person: PersonId,
    /// The bucket of 10 000; `None` outside any experiment.
    pub bucket: Option<u32>,
    /// The arm.
    pub variant: Option<crate::id::VariantId>,
    /// The event that exposed them first.
    pub trace_id: TraceId,
    /// When.
    pub exposed_at: UnixMillis,
}

impl Delivery {
    /// Did the last attempt end because the message waits for a review?
    pub fn waits_for_review(&self) -> bool {
        let waits = |attempt: &Attempt| attempt.code.as_deref() == Some(WAITS_FOR_REVIEW);
        matches!(self.state, DeliveryState::Waiting { .. }) && self.attempts.last().is_some_and(waits)
    }
}

impl FencingToken {
    /// A token of 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}
