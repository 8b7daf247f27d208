//! The order book: what the platform said of an order, kept for reconciliation.

use serde::{Deserialize, Serialize};

use crate::id::{EventKey, PersonId, TraceId};
use crate::money::Fen;
use crate::time::UnixMillis;

/// What one callback says of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// The platform's order id, as text (抖店 ids exceed 2^53).
    pub order_id: String,
    /// The after-sale, certificate or sub-order it is about, if one.
    pub part_id: Option<String>,
    /// The platform's action or tag name: `pay_success`, `refund_success`, `101`, …
    pub action: String,
    /// The platform's raw status number; unknown ones are kept, not refused.
    pub status: Option<i64>,
    /// The amount paid or refunded.
    pub amount: Option<Fen>,
    /// When the platform says it changed.
    pub changed_at: Option<UnixMillis>,
}

/// One line of the order book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEntry {
    /// The event that said so; the key of the entry.
    #[serde(flatten)]
    pub key: EventKey,
    /// Its trace.
    pub trace_id: TraceId,
    /// The buyer's pseudonym.
    pub person: Option<PersonId>,
    /// What it said.
    pub state: OrderState,
    /// When Sluice wrote it.
    pub recorded_at: UnixMillis,
}
