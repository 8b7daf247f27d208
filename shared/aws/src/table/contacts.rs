//! How many messages a person got on a day: one item a person and day among the receipts, whose table forgets by itself. It holds a set of
//! events for all channels together and one for each channel; the size of a set is the count, so an event is counted once however often
//! its message is asked for, and one conditional write settles everything.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use sluice_domain::contact::Slot;
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::time::{BusinessDay, DAY_MS};
use sluice_ports::{ContactLimits, Outbox, Place, PortError};

use super::Tables;
use super::item::{Attributes, number, text};
use super::key::{of_contacts, of_event};
use super::schema::{AT, DAY_SHARD, EXPIRES_AT, Table};
use crate::store::Store;

const TABLE: Table = Table::Receipts;
/// The range key of the one item.
const CONTACTS: &str = "contacts";
/// The set of all channels; each channel's own has its name behind it.
const EVENTS: &str = "events";
/// Until when a day's counts are kept after it.
const KEPT_MS: i64 = 2 * DAY_MS;

fn set_of(channel: Option<&str>) -> String {
    channel.map_or_else(|| EVENTS.to_owned(), |channel| format!("{EVENTS}_{channel}"))
}

impl Tables {
    async fn take_place(&self, slot: &Slot) -> Result<Place, PortError> {
        let event = of_event(&slot.event);
        let (all, own) = (set_of(None), set_of(Some(&slot.channel)));
        let expires = slot.day.end().plus_ms(KEPT_MS).as_secs();
        let mut update = self
            .client()
            .update_item()
            .table_name(self.name(TABLE)?)
            .key(DAY_SHARD, text(of_contacts(&slot.tenant, slot.day, &slot.person)))
            .key(AT, text(CONTACTS))
            .update_expression("ADD #all :events, #own :events SET #expires = :expires")
            .expression_attribute_names("#all", &all)
            .expression_attribute_names("#own", &own)
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_values(":events", AttributeValue::Ss(vec![event.clone()]))
            .expression_attribute_values(":expires", number(expires));
        let mut room = Vec::with_capacity(slot.limits.len());
        for (place, limit) in slot.limits.iter().enumerate() {
            let set = if limit.channel.is_some() { "#own" } else { "#all" };
            room.push(format!("(attribute_not_exists({set}) OR size({set}) < :most{place})"));
            update = update.expression_attribute_values(format!(":most{place}"), number(limit.most.into()));
        }
        if !room.is_empty() {
            // DynamoDB refuses parentheses around parentheses.
            let room = if room.len() == 1 { room.concat() } else { format!("({})", room.join(" AND ")) };
            let condition = format!("contains(#all, :event) OR {room}");
            update =
                update.condition_expression(condition).expression_attribute_values(":event", text(event));
        }
        match update.return_values_on_condition_check_failure(AllOld).send().await {
            Ok(_) => Ok(Place::Taken),
            Err(error) => match error.as_service_error() {
                // A repeat whose first answer was lost finds its own event in the set, so this is never one of ours.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Place::Full),
                _ => Err(self.fault(TABLE, &error)),
            },
        }
    }
}

/// The key of a person's counts of a day.
pub(super) fn counts_key(tenant: &TenantId, day: BusinessDay, person: &PersonId) -> Attributes {
    Attributes::from([
        (DAY_SHARD.to_owned(), text(of_contacts(tenant, day, person))),
        (AT.to_owned(), text(CONTACTS)),
    ])
}

impl<Q: Outbox> ContactLimits for Store<Q> {
    async fn take_place(&self, slot: &Slot) -> Result<Place, PortError> {
        self.tables.take_place(slot).await
    }
}
