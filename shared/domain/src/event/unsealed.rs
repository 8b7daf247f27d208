use secrecy::{ExposeSecret as _, SecretString};

use super::{Event, EventKind, PersonalField, Subject};
use crate::id::{EventKey, MessageId, SourceId, TraceId};
use crate::sealed::{SealError, Sealed};
use crate::tenant::TenantKeys;
use crate::time::UnixMillis;

/// The table that the personal fields of events are sealed for; the record is the event's key.
pub const SEAL_TABLE: &str = "events";

/// What an id begins with that is the SHA-256 of a body, until the event is sealed.
pub(super) const DIGEST_ID: &str = "sha256:";

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
    /// With which a contact who has just come may be welcomed, once and at once (WeCom's `WelcomeCode`). Sealing forgets it: it is kept nowhere.
    pub welcome_code: Option<SecretString>,
}

impl Unsealed {
    /// Seals the personal fields, replaces what the person is known by with a pseudonym, and hashes of the body with commitments to it.
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
        let message = committed(self.message, keys);
        let key = EventKey { tenant: keys.tenant().clone(), source: source.clone(), message };
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
            payload_sha256: keys.payload(&self.payload_sha256).to_string(),
            person,
            account: self.account,
            subject: self.subject,
            personal,
        })
    }
}

/// An id that was made of a body (or of an id that can not be one) becomes a commitment to it, like the body's own hash.
fn committed(message: MessageId, keys: &TenantKeys) -> MessageId {
    let Some(sha256) = message.as_str().strip_prefix(DIGEST_ID) else { return message };
    #[expect(clippy::expect_used, reason = "69 characters of [a-z0-9:] are always a message id")]
    MessageId::new(format!("hmac:{}", keys.payload(sha256))).expect("prefix and hex")
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
