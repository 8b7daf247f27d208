//! Receipts. The door writes none: it has one call, to SQS. The first step writes those of its batch in one call.

use sluice_domain::audit::Receipt;
use sluice_domain::event::{Event, EventKind};
use sluice_domain::id::TenantId;
use sluice_domain::time::{BusinessDay, DAY_MS};
use sluice_ports::{Intake, OutboundMessage, Outbox, Page, PortError, Queue};

use super::Tables;
use super::item::{Attributes, RECORD, json, number, parse, read_text, text};
use super::key::{Place, day_partitions, parse_place};
use super::schema::{AT, DAY_SHARD, EXPIRES_AT, Table};
use crate::store::{Store, small_enough};

const TABLE: Table = Table::Receipts;
/// Reconciliation looks back a month at most, and some days more if nobody looks at its report.
const KEPT_DAYS: i64 = 35;

/// Everything in it follows from the event, so a second put of it changes nothing.
fn item(event: &Event) -> Result<Attributes, PortError> {
    let place = Place::of(&event.key, event.trace_id, event.received_at);
    let expires = event.received_at.plus_ms(KEPT_DAYS * DAY_MS).as_secs();
    Ok(Attributes::from([
        (DAY_SHARD.to_owned(), text(place.partition)),
        (AT.to_owned(), text(place.at)),
        (RECORD.to_owned(), text(json(TABLE, &event.kind)?)),
        (EXPIRES_AT.to_owned(), number(expires)),
    ]))
}

fn receipt(tenant: &TenantId, item: &Attributes) -> Result<Receipt, PortError> {
    let kind: EventKind = parse(TABLE, read_text(TABLE, item, RECORD)?)?;
    let (received_at, trace_id, key) = parse_place(tenant, read_text(TABLE, item, AT)?)
        .ok_or_else(|| PortError::Corrupt { what: TABLE.as_str(), cause: "a key is malformed".to_owned() })?;
    Ok(Receipt { key, trace_id, kind, received_at })
}

impl<Q: Outbox> Intake for Store<Q> {
    /// All or none is the promise of `Ok`. When SQS takes some messages of a callback and refuses others, the callback is not
    /// acknowledged, the platform sends it again, and the first copies are known by their keys.
    async fn accept(&self, events: Vec<Event>) -> Result<(), PortError> {
        let mut messages = Vec::with_capacity(events.len());
        for event in &events {
            let body = serde_json::to_string(event).map_err(|error| PortError::Corrupt {
                what: "events",
                cause: format!("an event is no JSON: line {} column {}", error.line(), error.column()),
            })?;
            let message = OutboundMessage { body, trace_id: event.trace_id, delay_seconds: 0 };
            small_enough(&message)?;
            messages.push(message);
        }
        match self.queues.send(Queue::Events, messages).await.into_iter().next() {
            None => Ok(()),
            Some(failure) => Err(failure.error),
        }
    }

    async fn arrived(&self, events: &[Event]) -> Result<(), PortError> {
        self.tables.note_receipts(events).await
    }

    async fn receipts(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<Receipt>, PortError> {
        let page = self.tables.list(TABLE, day_partitions(tenant, day), cursor.as_deref()).await?;
        let items = page.items.iter().map(|item| receipt(tenant, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}

impl Tables {
    async fn note_receipts(&self, events: &[Event]) -> Result<(), PortError> {
        let mut items = Vec::with_capacity(events.len());
        let mut seen = std::collections::HashSet::with_capacity(events.len());
        for event in events {
            // `BatchWriteItem` refuses a key twice; a queue may give a message twice.
            if seen.insert((&event.key, event.trace_id, event.received_at)) {
                items.push(item(event)?);
            }
        }
        self.put_many(TABLE, items).await
    }
}
