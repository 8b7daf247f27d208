//! The keys table: `tenant` (hash), `version` (range), one wrapped key a row.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use sluice_domain::id::TenantId;
use sluice_domain::time::UnixMillis;
use sluice_ports::PortError;

use super::version::Version;
use crate::answer::Refusal;

/// What errors call it.
pub(super) const WHAT: &str = "keys";

type Item = HashMap<String, AttributeValue>;

/// The rows of wrapped keys.
#[derive(Debug, Clone)]
pub(super) struct KeysTable {
    pub(super) client: Client,
    pub(super) name: String,
}

/// One wrapped key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) version: Version,
    pub(super) wrapped: Vec<u8>,
    /// The KMS key that wrapped it, as the set-up named it.
    pub(super) wrapped_by: String,
    pub(super) made_at: UnixMillis,
    /// A data key seals from this moment on; it opens from the beginning.
    pub(super) seals_from: UnixMillis,
}

impl KeysTable {
    /// Every row of a tenant, by version. Consistent: whoever lost a race must see the winner's row.
    pub(super) async fn rows(&self, tenant: &TenantId, now: UnixMillis) -> Result<Vec<Row>, PortError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#tenant = :tenant")
            .expression_attribute_names("#tenant", "tenant")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .into_paginator()
            .items()
            .send();
        let mut rows = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| fault(&Refusal::of(&error), now))?;
            rows.push(read(&item).ok_or_else(|| malformed(tenant))?);
        }
        Ok(rows)
    }

    /// Stores a row unless there is one of its version; gives the one that is there then.
    ///
    /// KMS never gives the same wrapped key twice, so a row that is there and equals ours was written by this very call, whose
    /// first answer was lost.
    pub(super) async fn put_new(
        &self,
        tenant: &TenantId,
        row: &Row,
        now: UnixMillis,
    ) -> Result<Row, PortError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item(tenant, row)))
            .condition_expression("attribute_not_exists(#tenant)")
            .expression_attribute_names("#tenant", "tenant")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(row.clone()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(found)) => {
                    found.item().and_then(read).ok_or_else(|| malformed(tenant))
                }
                _ => Err(fault(&Refusal::of(&error), now)),
            },
        }
    }

    /// Exchanges a wrapped key for the same key wrapped anew; `false` when the row was changed meanwhile.
    pub(super) async fn exchange(
        &self,
        tenant: &TenantId,
        old: &Row,
        wrapped: &[u8],
        wrapped_by: &str,
        now: UnixMillis,
    ) -> Result<bool, PortError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key(tenant, old.version)))
            .condition_expression("#wrapped = :old")
            .update_expression("SET #wrapped = :new, #by = :by, #at = :at")
            .expression_attribute_names("#wrapped", "wrapped")
            .expression_attribute_names("#by", "kms_key")
            .expression_attribute_names("#at", "rewrapped_at")
            .expression_attribute_values(":old", bytes(&old.wrapped))
            .expression_attribute_values(":new", bytes(wrapped))
            .expression_attribute_values(":by", text(wrapped_by))
            .expression_attribute_values(":at", number(now.0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match update {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // Ours, when the answer to our own write was lost.
                Some(UpdateItemError::ConditionalCheckFailedException(found)) => {
                    Ok(found.item().and_then(read).is_some_and(|row| row.wrapped == wrapped))
                }
                _ => Err(fault(&Refusal::of(&error), now)),
            },
        }
    }

    pub(super) async fn delete(
        &self,
        tenant: &TenantId,
        version: Version,
        now: UnixMillis,
    ) -> Result<(), PortError> {
        let deletion =
            self.client.delete_item().table_name(&self.name).set_key(Some(key(tenant, version))).send();
        deletion.await.map(drop).map_err(|error| fault(&Refusal::of(&error), now))
    }

    /// Every tenant that has a row: a scan, for operators only.
    pub(super) async fn tenants(&self, now: UnixMillis) -> Result<Vec<TenantId>, PortError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.name)
            .projection_expression("#tenant")
            .expression_attribute_names("#tenant", "tenant")
            .into_paginator()
            .items()
            .send();
        let mut tenants = std::collections::BTreeSet::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| fault(&Refusal::of(&error), now))?;
            let tenant = item.get("tenant").and_then(|value| value.as_s().ok());
            tenants.extend(tenant.and_then(|text| TenantId::new(text.clone()).ok()));
        }
        Ok(tenants.into_iter().collect())
    }
}

fn fault(refusal: &Refusal, now: UnixMillis) -> PortError {
    refusal.clone().into_port(
        WHAT,
        now,
        "the role needs the table that `SLUICE_TABLE_KEYS` names, with its actions",
    )
}

fn malformed(tenant: &TenantId) -> PortError {
    PortError::Corrupt {
        what: WHAT,
        cause: format!("a row of tenant `{tenant}` is not one that Sluice writes"),
    }
}

fn item(tenant: &TenantId, row: &Row) -> Item {
    let mut item = key(tenant, row.version);
    item.insert("wrapped".to_owned(), bytes(&row.wrapped));
    item.insert("kms_key".to_owned(), text(&row.wrapped_by));
    item.insert("made_at".to_owned(), number(row.made_at.0));
    item.insert("seals_from".to_owned(), number(row.seals_from.0));
    item
}

fn read(item: &Item) -> Option<Row> {
    let moment = |name: &str| Some(UnixMillis(item.get(name)?.as_n().ok()?.parse().ok()?));
    Some(Row {
        version: Version::parse(item.get("version")?.as_s().ok()?)?,
        wrapped: item.get("wrapped")?.as_b().ok()?.as_ref().to_vec(),
        wrapped_by: item.get("kms_key")?.as_s().ok()?.clone(),
        made_at: moment("made_at")?,
        seals_from: moment("seals_from")?,
    })
}

fn key(tenant: &TenantId, version: Version) -> Item {
    HashMap::from([
        ("tenant".to_owned(), text(tenant.as_str())),
        ("version".to_owned(), text(&version.to_string())),
    ])
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
