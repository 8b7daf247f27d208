use serde::{Deserialize, Serialize};

use crate::id::{EventKey, PersonId, TenantId, TraceId};
use crate::tenant::TenantKeys;
use crate::time::UnixMillis;

/// A contact of a channel who is known to be the person of a Douyin event: they came by a link or code that carried its state, or were written to
/// at an address that the event gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acquaintance {
    /// Whose customer.
    pub tenant: TenantId,
    /// The pseudonym of the contact, or of a message to them.
    pub contact: PersonId,
    /// The pseudonym of the person.
    pub person: PersonId,
    /// The event that led to it.
    pub event: EventKey,
    /// Its trace.
    pub trace_id: TraceId,
    /// Since when.
    pub since: UnixMillis,
}

/// The pseudonym of a contact: of what a platform calls them, by channel (`wecom`, `wechat`, `feishu`) and account.
pub fn contact_id(keys: &TenantKeys, channel: &str, account: &str, id: &str) -> PersonId {
    keys.person(&crate::event::contact_name(channel, account, id))
}

/// The pseudonym of a message, by the platform's id of it.
pub fn message_contact(keys: &TenantKeys, channel: &str, message_id: &str) -> PersonId {
    keys.person(&crate::event::contact_name(channel, "message", message_id))
}
