use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use sluice_domain::audit::AuditRecord;
use sluice_domain::id::{EventKey, TenantId, TraceId};
use sluice_domain::time::BusinessDay;
use sluice_ports::{AuditLog, Outbox, Page, PortError, Queue, Step, Written};

use super::Tables;
use super::item::{Attributes, RECORD, packed, read_text, record, text};
use super::key::{Place, day_partition, day_partitions, of_event, shard_of_trace, time};
use super::schema::{AT, DAY_SHARD, ID, Table};
use crate::store::Store;

const TABLE: Table = Table::Audit;

pub(super) fn item(record: &AuditRecord) -> Result<Attributes, PortError> {
    let place = Place::of(&record.key, record.trace_id, record.received_at);
    Ok(Attributes::from([
        (ID.to_owned(), text(of_event(&record.key))),
        (DAY_SHARD.to_owned(), text(place.partition)),
        (AT.to_owned(), text(place.at)),
        (RECORD.to_owned(), packed(TABLE, record)?),
    ]))
}

impl<Q: Outbox> AuditLog for Store<Q> {
    async fn record(&self, steps: Vec<Step<AuditRecord>>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        self.write_then_send(TABLE, Queue::Cleared, steps, item).await
    }

    async fn audit(&self, key: &EventKey) -> Result<Option<AuditRecord>, PortError> {
        self.tables.record(TABLE, &of_event(key)).await
    }

    /// A trace id holds the moment of arrival, so the record's partition and place in the day are known but for the event's name: one
    /// query, no index of its own. Asked for by people, and for whoever came by a link: by the engine once, by the night for messages of other days.
    async fn audit_of_trace(
        &self,
        tenant: &TenantId,
        trace: TraceId,
    ) -> Result<Option<AuditRecord>, PortError> {
        match self.tables.key_of_trace(tenant, trace).await? {
            Some(id) => self.tables.record(TABLE, &id).await,
            None => Ok(None),
        }
    }

    async fn audits(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<AuditRecord>, PortError> {
        let page = self.tables.day(TABLE, tenant, day, cursor.as_deref()).await?;
        let items = page.items.iter().map(|item| record(TABLE, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}

impl Tables {
    /// A page of a day, of a table whose index holds keys alone.
    pub(crate) async fn day(
        &self,
        table: Table,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<&str>,
    ) -> Result<Page<Attributes>, PortError> {
        self.listed(table, day_partitions(tenant, day), cursor).await
    }

    /// The hash key of a trace's audit record.
    async fn key_of_trace(&self, tenant: &TenantId, trace: TraceId) -> Result<Option<String>, PortError> {
        // The door makes the trace id at the moment it notes as the arrival: that is the first look. A trace id from elsewhere may
        // be off, so the rest of its shard of the day is looked through next, and then the days around it.
        let made = trace.at();
        let exact = format!("{}#{trace}#", time(made));
        let partition = |day| day_partition(tenant, day, shard_of_trace(trace));
        let day = made.business_day();
        if let Some(found) = self.trace_in(&partition(day), trace, Some(&exact)).await? {
            return Ok(Some(found));
        }
        let days = [day, day.previous(), day.end().business_day()];
        let found = try_join_all(days.map(|day| {
            let partition = partition(day);
            async move { self.trace_in(&partition, trace, None).await }
        }));
        Ok(found.await?.into_iter().flatten().next())
    }

    async fn trace_in(
        &self,
        partition: &str,
        trace: TraceId,
        prefix: Option<&str>,
    ) -> Result<Option<String>, PortError> {
        let index = TABLE.schema().index.map_or("", |index| index.name);
        let query = self
            .client()
            .query()
            .table_name(self.name(TABLE)?)
            .index_name(index)
            .expression_attribute_names("#partition", DAY_SHARD)
            .expression_attribute_names("#sort", AT)
            .expression_attribute_values(":partition", text(partition));
        let query = match prefix {
            Some(prefix) => query
                .key_condition_expression("#partition = :partition AND begins_with(#sort, :prefix)")
                .expression_attribute_values(":prefix", text(prefix)),
            None => query
                .key_condition_expression("#partition = :partition AND #sort >= :first")
                .expression_attribute_values(":first", AttributeValue::S("0".to_owned())),
        };
        let mut entries = query.into_paginator().items().send();
        let middle = format!("#{trace}#");
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| self.fault(TABLE, &error))?;
            if read_text(TABLE, &entry, AT)?.contains(&middle) {
                return read_text(TABLE, &entry, ID).map(|id| Some(id.to_owned()));
            }
        }
        Ok(None)
    }
}
