//! Erasing a person: an operator's work, not a function's. Consents, exposures and counts are found by their keys. Orders and deliveries know
//! their person inside, and no index is paid for what is asked so rarely: both tables are scanned.
//!
//! The entry that the person was erased is written first. Whatever dies after it leaves nothing standing, and beginning again ends it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use sluice_domain::order::OrderEntry;
use sluice_ports::{Destroyed, Erasure, ErasureRequest, Outbox, PortError};

use super::acquaintances::{acquaintance_key, other_of};
use super::consents::{Remains, remains};
use super::contacts::counts_key;
use super::deliveries::renamed_data;
use super::item::{Attributes, RECORD, WRITER, json, read_text, record, text};
use super::key::{of_person, shard_of_person, tenant_partition};
use super::schema::{ID, PERSON, TENANT_SHARD, Table};
use super::write_once::Put;
use super::{Tables, unseen};
use crate::store::Store;

/// How often an item that changed meanwhile is looked at again.
const LOOKS: usize = 5;
/// Counts of contacts are kept two days after theirs; a day more either way for clocks of other zones.
const COUNTED_DAYS: i64 = 4;
const DAY_MS: i64 = sluice_domain::time::DAY_MS;

impl<Q: Outbox> Erasure for Store<Q> {
    async fn erase(&self, request: ErasureRequest) -> Result<Destroyed, PortError> {
        let mut done = Destroyed::default();
        self.tables.erase_consents(&request, &mut done).await?;
        self.tables.erase_exposures(&request, &mut done.destroyed).await?;
        self.tables.erase_counts(&request, &mut done.destroyed).await?;
        let orders = self.tables.rename_all(Table::Orders, RECORD, &request, |item| {
            let mut entry: OrderEntry = record(Table::Orders, item)?;
            if entry.person.as_ref() != Some(&request.person) {
                return Ok(None);
            }
            entry.person = Some(request.reference.clone());
            json(Table::Orders, &entry).map(Some)
        });
        add(&mut done.restricted, "orders", orders.await?);
        let data = super::deliveries::DATA;
        let deliveries =
            self.tables.rename_all(Table::Deliveries, data, &request, |item| renamed_data(item, &request));
        add(&mut done.restricted, "deliveries", deliveries.await?);
        Ok(done)
    }
}

fn add(counts: &mut BTreeMap<&'static str, u64>, store: &'static str, count: u64) {
    if count > 0 {
        *counts.entry(store).or_default() += count;
    }
}

impl Tables {
    async fn erase_consents(&self, request: &ErasureRequest, done: &mut Destroyed) -> Result<(), PortError> {
        let person = of_person(&request.tenant, &request.person);
        for _ in 0..LOOKS {
            let items = self.items_of(&person).await?;
            let Remains { entry: (entry, seen), moved, marked } = remains(&items, request)?;
            if let Put::Old(_) = self.put_if(Table::Consent, entry, seen.as_deref()).await? {
                continue;
            }
            for (item, kept) in moved {
                let count = if let Some(kept) = kept {
                    // There already when an earlier try died after this.
                    let _there = self.put_new(Table::Consent, kept).await?;
                    &mut done.restricted
                } else {
                    &mut done.destroyed
                };
                add(count, "consents", 1);
                self.delete(Table::Consent, key_of(Table::Consent, &item)).await?;
            }
            add(&mut done.destroyed, "person_marks", u64::from(marked));
            return self.erase_acquaintances(request, &items, done).await;
        }
        let cause = "the person's consents changed several times while they were erased".to_owned();
        Err(PortError::Unavailable { what: Table::Consent.as_str(), cause })
    }

    /// The other's item first: it is found by this one's.
    async fn erase_acquaintances(
        &self,
        request: &ErasureRequest,
        items: &[Attributes],
        done: &mut Destroyed,
    ) -> Result<(), PortError> {
        for item in items {
            let Some(other) = other_of(item)? else { continue };
            let theirs = acquaintance_key(&request.tenant, &other, &request.person);
            self.delete(Table::Consent, theirs).await?;
            let gone = self.delete(Table::Consent, key_of(Table::Consent, item)).await?;
            add(&mut done.destroyed, "acquaintances", u64::from(gone));
        }
        Ok(())
    }

    async fn items_of(&self, person: &str) -> Result<Vec<Attributes>, PortError> {
        let query = self
            .client()
            .query()
            .table_name(self.name(Table::Consent)?)
            .consistent_read(true)
            .key_condition_expression("#person = :person")
            .expression_attribute_names("#person", PERSON)
            .expression_attribute_values(":person", text(person));
        let found = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        found.map_err(|error| self.fault(Table::Consent, &error))
    }

    /// Takes an item away; says whether it was there.
    async fn delete(&self, table: Table, key: Attributes) -> Result<bool, PortError> {
        let delete = self.client().delete_item().table_name(self.name(table)?).set_key(Some(key));
        let gone = delete.return_values(ReturnValue::AllOld).send().await;
        gone.map(|gone| gone.attributes.is_some()).map_err(|error| self.fault(table, &error))
    }

    async fn erase_exposures(
        &self,
        request: &ErasureRequest,
        destroyed: &mut BTreeMap<&'static str, u64>,
    ) -> Result<(), PortError> {
        let table = Table::Exposures;
        let index = table.schema().index.map(|index| index.name).ok_or_else(|| unseen(table))?;
        let query = self
            .client()
            .query()
            .table_name(self.name(table)?)
            .index_name(index)
            .key_condition_expression("#shard = :shard")
            .filter_expression("contains(#record, :person)")
            .expression_attribute_names("#shard", TENANT_SHARD)
            .expression_attribute_names("#record", RECORD)
            .expression_attribute_values(
                ":shard",
                text(tenant_partition(&request.tenant, shard_of_person(&request.person))),
            )
            .expression_attribute_values(":person", text(quoted(request)));
        let found = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        for item in found.map_err(|error| self.fault(table, &error))? {
            let gone = self.delete(table, key_of(table, &item)).await?;
            add(destroyed, "exposures", u64::from(gone));
        }
        Ok(())
    }

    async fn erase_counts(
        &self,
        request: &ErasureRequest,
        destroyed: &mut BTreeMap<&'static str, u64>,
    ) -> Result<(), PortError> {
        for days in -COUNTED_DAYS..=1 {
            let day = request.at.plus_ms(days * DAY_MS).business_day();
            let gone =
                self.delete(Table::Receipts, counts_key(&request.tenant, day, &request.person)).await?;
            add(destroyed, "contact_counts", u64::from(gone));
        }
        Ok(())
    }

    /// Puts the person's records of a table under the reference: `rename` gives the attribute's new text, or `None` when it is not theirs.
    async fn rename_all(
        &self,
        table: Table,
        attribute: &str,
        request: &ErasureRequest,
        rename: impl Fn(&Attributes) -> Result<Option<String>, PortError>,
    ) -> Result<u64, PortError> {
        let scan = self
            .client()
            .scan()
            .table_name(self.name(table)?)
            .consistent_read(true)
            .filter_expression("begins_with(#id, :tenant) AND contains(#attribute, :person)")
            .expression_attribute_names("#id", ID)
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":tenant", text(format!("{}#", request.tenant)))
            .expression_attribute_values(":person", text(quoted(request)));
        let found = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let mut renamed = 0;
        for item in found.map_err(|error| self.fault(table, &error))? {
            let Some(value) = rename(&item)? else { continue };
            let update = self
                .client()
                .update_item()
                .table_name(self.name(table)?)
                .set_key(Some(key_of(table, &item)))
                .update_expression("SET #attribute = :new, #writer = :writer")
                // What a record is about never changes; only another erasure could have been here.
                .condition_expression("#attribute = :old")
                .expression_attribute_names("#attribute", attribute)
                .expression_attribute_names("#writer", WRITER)
                .expression_attribute_values(":new", text(value))
                .expression_attribute_values(":old", text(read_text(table, &item, attribute)?))
                .expression_attribute_values(":writer", text(self.writer()));
            match update.send().await {
                Ok(_) => renamed += 1,
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {}
                Err(error) => return Err(self.fault(table, &error)),
            }
        }
        Ok(renamed)
    }
}

/// The person as JSON writes them, so that a longer name that begins alike is not found.
fn quoted(request: &ErasureRequest) -> String {
    format!("\"{}\"", request.person)
}

/// The keys of an item.
fn key_of(table: Table, item: &Attributes) -> Attributes {
    let schema = table.schema();
    let names = [Some(schema.partition), schema.sort];
    names.into_iter().flatten().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}
