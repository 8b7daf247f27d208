use secrecy::{ExposeSecret as _, SecretString};

use super::{Event, EventKind, PersonalField, Subject};
use crate::id::{EventKey, MessageId, SourceId, TraceId};
use crate::sealed::{SealError, Sealed};
use crate::tenant::TenantKeys;
use crate::time::UnixMillis;

/// The table that the personal fields of events are sealed for; the record is the event's key.
pub const SEAL_TABLE: &str = "events";

/// A normalised event whose personal fields are still plain. It never leaves the process: [`Unsealed::seal`] is its only use.
#[derive(Debug)]
pub struct Unsealed {
    /// The platform's id of it, or a digest.
    pub message: MessageId,
    /// What happened.
    pub kind: EventKind,
    /// What the platform called it.
    pub name: String,
    /// When, if the platform said so.
    pub occurred_at: Option<UnixMillis>,
    /// Lower-case hex SHA-256 of the callback's raw body.
    pub payload_sha256: String,
    /// What the person is known by: the open id, or for leads without one `tel:` and the number.
    pub person: Option<SecretString>,
    /// The merchant's own account.
    pub account: Option<String>,
    /// The facts that are not personal.
    pub subject: Subject,
    /// The personal fields; the first of a name wins.
    pub personal: Vec<(PersonalField, SecretString)>,
}

impl Unsealed {
    /// Seals the personal fields and replaces what the person is known by with a pseudonym.
    ///
    /// `nonce` must give another value each time, from secure randomness.
    ///
    /// # Errors
    /// [`SealError`] when the tenant has no data key.
    pub fn seal(
        self,
        source: &SourceId,
        keys: &TenantKeys,
        mut nonce: impl FnMut() -> [u8; 12],
        trace_id: TraceId,
        received_at: UnixMillis,
    ) -> Result<Event, SealError> {
        let key = EventKey { tenant: keys.tenant().clone(), source: source.clone(), message: self.message };
        let record = key.to_string();
        let person = self.person.as_ref().map(|known_by| keys.person(known_by.expose_secret()));
        let mut personal = std::collections::BTreeMap::<PersonalField, Sealed>::new();
        for (field, plain) in self.personal {
            if personal.contains_key(&field) {
                continue;
            }
            let sealed =
                keys.seal(SEAL_TABLE, &field.to_string(), &record, plain.expose_secret(), nonce())?;
            personal.insert(field, sealed);
        }
        Ok(Event {
            trace_id,
            key,
            kind: self.kind,
            name: self.name,
            occurred_at: self.occurred_at,
            received_at,
            payload_sha256: self.payload_sha256,
            person,
            account: self.account,
            subject: self.subject,
            personal,
        })
    }
}

impl Event {
    /// Opens one personal field; `None` when the event doesn't have it.
    ///
    /// # Errors
    /// [`SealError`], by cause.
    pub fn open(&self, keys: &TenantKeys, field: &PersonalField) -> Result<Option<SecretString>, SealError> {
        let Some(sealed) = self.personal.get(field) else { return Ok(None) };
        keys.open(SEAL_TABLE, &field.to_string(), &self.key.to_string(), sealed).map(Some)
    }
}
