//! Who agreed to what purpose, towards which recipient, under which text, when, how, until when; withdrawn when.
//!
//! PIPL art. 14 (informed, voluntary; again when purpose, method or kind changes), 15 (withdrawal), 23 (separate consent per recipient).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventKind};
use crate::id::{EventKey, InvalidId, PersonId, TenantId, TraceId};
use crate::time::UnixMillis;

macro_rules! consent_word {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses it: 1 to 64 of `[a-z0-9_.-]`.
            ///
            /// # Errors
            /// [`InvalidId`] otherwise.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b));
                if plain && (1..=64).contains(&text.len()) {
                    return Ok(Self(text));
                }
                Err(InvalidId { what: $what, limit: 64, got: format!("{} bytes", text.len()) })
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> String {
                word.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

mod opt_out;
mod receipt;
mod register;
mod terms;

pub use opt_out::OptOutWords;
pub use receipt::{ReceiptHead, receipt, receipt_message};
pub use register::{RecipientEntry, RecipientRole, SeparateBox};
pub use terms::{
    Age, ConsentTerms, Kind, MAINLAND, Mark, Marked, Marks, Method, Notice, Receiver, Separate, is_sensitive,
};

/// The effect in the audit record of an event after which its person is to be erased.
pub const ERASURE_DUE: &str = "erasure_due";

consent_word!(
    /// What the person agreed to be contacted for: `sales_contact`, `after_sale`, …
    Purpose, "purpose"
);
consent_word!(
    /// Who may receive the person's data: `wecom_sales`, `feishu_leads`, … One configured recipient name, not an endpoint.
    Recipient, "recipient"
);

/// What one consent is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConsentKey {
    /// Towards which company.
    pub tenant: TenantId,
    /// Who.
    pub person: PersonId,
    /// For what.
    pub purpose: Purpose,
    /// To whom.
    pub recipient: Recipient,
}

/// The text a person saw when agreeing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentText {
    /// The version the form's owner gave it.
    pub version: String,
    /// Lower-case hex SHA-256 of the text.
    pub sha256: String,
}

impl ConsentText {
    /// The text as it was shown, by its hash.
    pub fn shown(version: impl Into<String>, text: &str) -> Self {
        use sha2::Digest as _;
        Self { version: version.into(), sha256: hex::encode(sha2::Sha256::digest(text.as_bytes())) }
    }
}

/// What proves a grant or a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Evidence {
    /// A genuine platform event.
    Event {
        /// Which.
        key: EventKey,
        /// Its trace.
        trace_id: TraceId,
        /// Its kind.
        kind: EventKind,
        /// The commitment to the callback's raw body, as the event has it: the same signed bytes prove one grant, not two.
        payload_sha256: String,
        /// What the platform called the event, which says through which of its channels it came: `im_receive_msg`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        channel: String,
        /// The pseudonym of the person's network address, where the form carries one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// An operator, by `sluice consent`.
    Operator {
        /// What they gave as the reason.
        note: String,
    },
    /// The answer of a channel to a message: it says that the person wants, or can get, no such messages.
    Channel {
        /// Which: `wechat_custom`.
        channel: String,
        /// The platform's own code: `48002`.
        code: String,
        /// The event whose message was refused.
        key: EventKey,
        /// Its trace.
        trace_id: TraceId,
    },
    /// The person was erased; what was granted until then is no more.
    Erasure {
        /// The payloads that proved the grants that were there: the same signed bytes revive none of them.
        payloads: BTreeSet<String>,
    },
}

impl Evidence {
    /// The evidence of a genuine event.
    pub fn of(event: &Event) -> Self {
        Self::Event {
            key: event.key.clone(),
            trace_id: event.trace_id,
            kind: event.kind,
            payload_sha256: event.payload_sha256.clone(),
            channel: event.name.clone(),
            address: None,
        }
    }

    /// The signed bytes that it rests on.
    pub fn payload(&self) -> Option<&str> {
        match self {
            Self::Event { payload_sha256, .. } => Some(payload_sha256),
            Self::Operator { .. } | Self::Channel { .. } | Self::Erasure { .. } => None,
        }
    }

    /// Does it rest on the same signed bytes? An operator's word is never the same twice.
    fn is_same_payload(&self, other: &Self) -> bool {
        self.payload().is_some_and(|mine| other.payload() == Some(mine))
    }
}

/// One consent as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What it is about.
    #[serde(flatten)]
    pub key: ConsentKey,
    /// The text that was shown.
    pub text: ConsentText,
    /// When the person agreed.
    pub granted_at: UnixMillis,
    /// What proves it.
    pub evidence: Evidence,
    /// Until when it holds; `None` = until withdrawn.
    pub valid_until: Option<UnixMillis>,
    /// When and how it was withdrawn.
    pub withdrawn: Option<Withdrawal>,
    /// What the person was told besides the purpose; `None` where nobody recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// What the person agreed to apart from the rest.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub separate: BTreeSet<Separate>,
    /// What the person said of their age.
    #[serde(default, skip_serializing_if = "Age::is_not_asked")]
    pub age: Age,
    /// What is known of the person as a whole. Kept apart and filled in when it is read: a grant never carries any.
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
}

impl ConsentRecord {
    /// A consent without an end, of which nothing more is known.
    pub fn new(key: ConsentKey, text: ConsentText, granted_at: UnixMillis, evidence: Evidence) -> Self {
        Self {
            key,
            text,
            granted_at,
            evidence,
            valid_until: None,
            withdrawn: None,
            notice: None,
            separate: BTreeSet::new(),
            age: Age::NotAsked,
            marks: Marks::default(),
        }
    }
}

/// The end of a consent by the person's will (PIPL art. 15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When.
    pub at: UnixMillis,
    /// What proves it.
    pub evidence: Evidence,
}

impl Withdrawal {
    /// Does it end a grant? One that was given until then; and, of a person who was erased, also the same signed bytes under a new name.
    pub fn ends(&self, grant: &ConsentRecord) -> bool {
        let repeated = match &self.evidence {
            Evidence::Erasure { payloads } => {
                grant.evidence.payload().is_some_and(|payload| payloads.contains(payload))
            }
            Evidence::Event { .. } | Evidence::Operator { .. } | Evidence::Channel { .. } => false,
        };
        self.at >= grant.granted_at || repeated
    }
}

/// Does a consent stand at a moment?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Standing {
    /// It stands.
    Granted,
    /// There is no record.
    Missing,
    /// It was withdrawn.
    Withdrawn,
    /// It ended by time.
    Expired,
    /// It begins later than the moment asked for.
    NotYet,
    /// What is done with the data changed since: another method or kind than the person was told (PIPL art. 14).
    Outdated,
    /// The person did not agree apart to the data being given to another handler (PIPL art. 23).
    SharingMissing,
    /// The person did not agree apart to the data leaving the mainland (PIPL art. 39).
    CrossBorderMissing,
    /// The person did not agree apart to the handling of sensitive data (PIPL art. 29).
    SensitiveMissing,
    /// The person is under fourteen, or may be, and no guardian agreed (PIPL art. 31).
    GuardianMissing,
    /// The person can not be reached on any channel of the route.
    Unreachable,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Granted,
        Self::Missing,
        Self::Withdrawn,
        Self::Expired,
        Self::NotYet,
        Self::Outdated,
        Self::SharingMissing,
        Self::CrossBorderMissing,
        Self::SensitiveMissing,
        Self::GuardianMissing,
        Self::Unreachable,
    ];

    /// As written in rules and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Missing => "missing",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Outdated => "outdated",
            Self::SharingMissing => "sharing_missing",
            Self::CrossBorderMissing => "cross_border_missing",
            Self::SensitiveMissing => "sensitive_missing",
            Self::GuardianMissing => "guardian_missing",
            Self::Unreachable => "unreachable",
        }
    }
}

/// The standing of a look-up's result at a moment.
pub fn standing(record: Option<&ConsentRecord>, at: UnixMillis) -> Standing {
    let Some(record) = record else { return Standing::Missing };
    if record.withdrawn.is_some() {
        return Standing::Withdrawn;
    }
    if record.granted_at > at {
        return Standing::NotYet;
    }
    match record.valid_until {
        Some(until) if until <= at => Standing::Expired,
        _ => Standing::Granted,
    }
}

/// What becomes of a stored consent when a grant arrives, in whatever order callbacks come.
///
/// A grant older than the last withdrawal revives nothing: platforms deliver late and out of order. Nor do the same signed bytes
/// a second time: not every message id is signed, and not every body carries a time, so whoever captured a callback could
/// otherwise undo a withdrawal by sending it again under another id. Consent that is given anew has a new callback, or is
/// recorded by an operator.
/// Returns the record to store, or `None` when the stored one stays.
pub fn after_grant(stored: Option<&ConsentRecord>, grant: ConsentRecord) -> Option<ConsentRecord> {
    let Some(stored) = stored else { return Some(grant) };
    let ended = stored.withdrawn.as_ref().map(|withdrawal| withdrawal.at);
    let revives = ended.is_none_or(|at| grant.granted_at > at);
    let newer = grant.granted_at > stored.granted_at;
    let repeated = ended.is_some() && grant.evidence.is_same_payload(&stored.evidence);
    (revives && newer && !repeated).then_some(grant)
}

/// What becomes of a stored consent when a withdrawal arrives; `None` when it stays (already withdrawn, or granted later).
pub fn after_withdrawal(stored: &ConsentRecord, withdrawal: Withdrawal) -> Option<ConsentRecord> {
    let applies = stored.withdrawn.is_none() && stored.granted_at <= withdrawal.at;
    applies.then(|| ConsentRecord { withdrawn: Some(withdrawal), ..stored.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(granted_at: i64) -> ConsentRecord {
        let key = ConsentKey {
            tenant: TenantId::new("brand").unwrap(),
            person: PersonId::new("p-1").unwrap(),
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new("wecom_sales").unwrap(),
        };
        let text = ConsentText { version: "1".into(), sha256: "00".into() };
        let evidence = Evidence::Operator { note: "test".into() };
        let record = ConsentRecord::new(key, text, UnixMillis(granted_at), evidence);
        ConsentRecord { valid_until: Some(UnixMillis(1_000)), ..record }
    }

    fn withdrawal(at: i64) -> Withdrawal {
        Withdrawal { at: UnixMillis(at), evidence: Evidence::Operator { note: "test".into() } }
    }

    #[test]
    fn consent_stands_from_its_grant_until_its_end() {
        let record = record(10);
        assert_eq!(standing(Some(&record), UnixMillis(9)), Standing::NotYet);
        assert_eq!(standing(Some(&record), UnixMillis(10)), Standing::Granted);
        assert_eq!(standing(Some(&record), UnixMillis(1_000)), Standing::Expired);
        assert_eq!(standing(None, UnixMillis(10)), Standing::Missing);
    }

    #[test]
    fn a_late_grant_does_not_undo_a_withdrawal() {
        let withdrawn = after_withdrawal(&record(10), withdrawal(20)).unwrap();
        assert_eq!(standing(Some(&withdrawn), UnixMillis(30)), Standing::Withdrawn);
        assert_eq!(after_grant(Some(&withdrawn), record(15)), None);
        assert_eq!(after_grant(Some(&withdrawn), record(25)), Some(record(25)));
    }

    #[test]
    fn the_same_signed_bytes_do_not_undo_a_withdrawal_but_new_ones_do() {
        let by_event = |payload: &str, at| ConsentRecord {
            evidence: Evidence::Event {
                key: EventKey {
                    tenant: TenantId::new("brand").unwrap(),
                    source: crate::id::SourceId::new("life").unwrap(),
                    message: crate::id::MessageId::new(format!("m{at}")).unwrap(),
                },
                trace_id: TraceId::from_parts(UnixMillis(at), [0; 10]),
                kind: EventKind::FormSubmit,
                payload_sha256: payload.into(),
                channel: String::new(),
                address: None,
            },
            ..record(at)
        };
        let withdrawn = after_withdrawal(&by_event("aa", 10), withdrawal(20)).unwrap();
        assert_eq!(after_grant(Some(&withdrawn), by_event("aa", 30)), None);
        assert_eq!(after_grant(Some(&withdrawn), by_event("bb", 30)), Some(by_event("bb", 30)));
        assert_eq!(after_grant(Some(&withdrawn), record(30)), Some(record(30)));
    }

    #[test]
    fn a_late_withdrawal_does_not_end_a_newer_grant() {
        assert_eq!(after_withdrawal(&record(30), withdrawal(20)), None);
    }

    #[test]
    fn an_erasure_ends_what_was_granted_until_then_and_the_same_bytes_for_ever() {
        let erased = Withdrawal {
            at: UnixMillis(20),
            evidence: Evidence::Erasure { payloads: BTreeSet::from(["aa".to_owned()]) },
        };
        let by_bytes = |payload: &str, at| ConsentRecord {
            evidence: Evidence::Event {
                key: EventKey {
                    tenant: TenantId::new("brand").unwrap(),
                    source: crate::id::SourceId::new("life").unwrap(),
                    message: crate::id::MessageId::new("m").unwrap(),
                },
                trace_id: TraceId::from_parts(UnixMillis(at), [0; 10]),
                kind: EventKind::FormSubmit,
                payload_sha256: payload.into(),
                channel: String::new(),
                address: None,
            },
            ..record(at)
        };
        assert!(erased.ends(&record(20)) && !erased.ends(&record(21)));
        assert!(erased.ends(&by_bytes("aa", 30)) && !erased.ends(&by_bytes("bb", 30)));
    }
}
