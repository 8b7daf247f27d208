use redb::ReadableTableMetadata as _;
use sluice_domain::audit::Receipt;
use sluice_domain::event::{Event, EventKind};
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{Intake, OutboundMessage, Page, PortError, Queue};

use crate::fault::malformed;
use crate::key::{Key, Parts};
use crate::listing::{self, Range};
use crate::queue::{Outgoing, checked, enqueue, trace_of};
use crate::store::Store;
use crate::tables::{self, Name};

/// tenant, arrival, trace, source, message: everything a receipt says but the event's kind, which is the value.
fn receipt_key(event: &Event) -> Key {
    Key::of(&event.key.tenant)
        .time(event.received_at)
        .bytes(event.trace_id.as_bytes())
        .part(event.key.source.as_str())
        .part(event.key.message.as_str())
}

fn receipt(tenant: &TenantId, key: &[u8], value: &[u8]) -> Result<Receipt, PortError> {
    let kind: EventKind = tables::parse(Name::Receipts, value)?;
    let mut parts = Parts::of(key);
    let mut read = || {
        parts.part()?;
        let received_at = parts.time()?;
        let trace_id = trace_of(parts.fixed()?)?;
        Some(Receipt { key: parts.event_of(tenant)?, trace_id, kind, received_at })
    };
    read().ok_or_else(|| malformed("receipts"))
}

impl Intake for Store {
    async fn accept(&self, events: Vec<Event>) -> Result<(), PortError> {
        let now = self.now();
        let mut accepted: Vec<(Key, Vec<u8>, Outgoing)> = Vec::with_capacity(events.len());
        // Sizes are checked and JSON is made here, on the callers' threads: the writer only copies bytes.
        for event in &events {
            let body =
                serde_json::to_string(event).map_err(|error| crate::fault::unreadable("events", &error))?;
            let message = OutboundMessage { body, trace_id: event.trace_id, delay_seconds: 0 };
            let kind = tables::json(Name::Receipts, &event.kind)?;
            accepted.push((receipt_key(event), kind, checked(message, now)?));
        }
        self.write(move |tables| {
            for (key, kind, message) in &accepted {
                tables.put(Name::Receipts, key.as_slice(), kind)?;
                enqueue(tables, Queue::Events, message)?;
            }
            Ok(())
        })
        .await
    }

    /// `accept` wrote the receipts in the transaction that queued the events.
    async fn arrived(&self, _: &[Event]) -> Result<(), PortError> {
        Ok(())
    }

    async fn receipts(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Receipt>, PortError> {
        let table = tables::read(&self.snapshot()?, Name::Receipts)?;
        listing::page(&table, &Range::day(tenant, day), cursor.as_deref(), |key, value| {
            receipt(tenant, key, value)
        })
    }
}

impl Store {
    /// How many receipts there are, of all tenants and days.
    pub fn accepted(&self) -> Result<u64, PortError> {
        tables::read(&self.snapshot()?, Name::Receipts)?.len().map_err(crate::fault::storage)
    }
}
