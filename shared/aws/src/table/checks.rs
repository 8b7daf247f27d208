//! Remembered answers of remote checks, and how many requests a tenant made on a day: items among the receipts, whose table forgets by itself.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use sluice_domain::id::TenantId;
use sluice_domain::safety::{Answer, TextDigest};
use sluice_domain::time::{BusinessDay, DAY_MS, UnixMillis};
use sluice_ports::{CheckedTexts, Outbox, Place, PortError};

use super::Tables;
use super::item::{self, Attributes, RECORD, json, number, read_number, text};
use super::key::{of_checked, of_checks};
use super::schema::{AT, DAY_SHARD, EXPIRES_AT, Table};
use crate::store::Store;

const TABLE: Table = Table::Receipts;
/// The range key of an answer.
const ANSWER: &str = "answer";
/// The range key of a day's count, and its attribute.
const REQUESTS: &str = "requests";
/// Until when an answer holds, to the millisecond: the table deletes by the second, and takes its time.
const UNTIL: &str = "until_ms";
/// Until when a day's count is kept after it.
const KEPT_MS: i64 = 2 * DAY_MS;

impl Tables {
    async fn checked_answer(
        &self,
        tenant: &TenantId,
        digest: &TextDigest,
        now: UnixMillis,
    ) -> Result<Option<Answer>, PortError> {
        let get = self
            .client()
            .get_item()
            .table_name(self.name(TABLE)?)
            .key(DAY_SHARD, text(of_checked(tenant, digest)))
            .key(AT, text(ANSWER))
            // A review that comes back a moment later finds what was just remembered.
            .consistent_read(true);
        let found = get.send().await.map_err(|error| self.fault(TABLE, &error))?;
        let Some(found) = found.item else { return Ok(None) };
        if read_number(TABLE, &found, UNTIL)? <= now.0 {
            return Ok(None);
        }
        item::record(TABLE, &found).map(Some)
    }

    async fn remember_answer(
        &self,
        tenant: &TenantId,
        digest: &TextDigest,
        answer: &Answer,
        until: UnixMillis,
    ) -> Result<(), PortError> {
        let item = Attributes::from([
            (DAY_SHARD.to_owned(), text(of_checked(tenant, digest))),
            (AT.to_owned(), text(ANSWER)),
            (RECORD.to_owned(), text(json(TABLE, answer)?)),
            (UNTIL.to_owned(), number(until.0)),
            (EXPIRES_AT.to_owned(), number(until.as_secs().saturating_add(1))),
        ]);
        let put = self.client().put_item().table_name(self.name(TABLE)?).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| self.fault(TABLE, &error))
    }

    async fn count_request(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        most: u32,
    ) -> Result<Place, PortError> {
        if most == 0 {
            return Ok(Place::Full);
        }
        let update = self
            .client()
            .update_item()
            .table_name(self.name(TABLE)?)
            .key(DAY_SHARD, text(of_checks(tenant, day)))
            .key(AT, text(REQUESTS))
            .update_expression("ADD #requests :one SET #expires = :expires")
            .condition_expression("attribute_not_exists(#requests) OR #requests < :most")
            .expression_attribute_names("#requests", REQUESTS)
            .expression_attribute_names("#expires", EXPIRES_AT)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(most.into()))
            .expression_attribute_values(":expires", number(day.end().plus_ms(KEPT_MS).as_secs()));
        match update.send().await {
            Ok(_) => Ok(Place::Taken),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Place::Full),
                _ => Err(self.fault(TABLE, &error)),
            },
        }
    }
}

impl<Q: Outbox> CheckedTexts for Store<Q> {
    async fn checked(
        &self,
        tenant: &TenantId,
        text: &TextDigest,
        now: UnixMillis,
    ) -> Result<Option<Answer>, PortError> {
        self.tables.checked_answer(tenant, text, now).await
    }

    async fn remember(
        &self,
        tenant: &TenantId,
        text: &TextDigest,
        answer: Answer,
        until: UnixMillis,
    ) -> Result<(), PortError> {
        self.tables.remember_answer(tenant, text, &answer, until).await
    }

    async fn take_request(&self, tenant: &TenantId, day: BusinessDay, most: u32) -> Result<Place, PortError> {
        self.tables.count_request(tenant, day, most).await
    }
}
