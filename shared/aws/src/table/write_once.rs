//! Records that are written once by their key: the step's record is its idempotency record (`docs/adr/0006`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use sluice_ports::{PortError, Written};

use super::item::{self, Attributes, WRITER, fits, text};
use super::schema::{ID, Table};
use super::{Tables, is_own, unseen};

/// What a conditional put found.
#[derive(Debug)]
pub(crate) enum Put {
    /// Nothing: the item is stored.
    New,
    /// Another one.
    Old(Attributes),
}

impl Tables {
    /// Stores an item unless its key is taken: one call, whatever it finds.
    ///
    /// The SDK repeats a call whose answer was lost; the repeated put then fails on its own item, which it knows by the nonce.
    pub(crate) async fn put_new(&self, table: Table, item: Attributes) -> Result<Put, PortError> {
        self.put_if(table, item, None).await
    }

    /// Stores an item in place of the one that `seen` wrote, or of none.
    pub(crate) async fn put_if(
        &self,
        table: Table,
        mut item: Attributes,
        seen: Option<&str>,
    ) -> Result<Put, PortError> {
        let writer = self.writer();
        item.insert(WRITER.to_owned(), text(writer.as_str()));
        fits(table, &item)?;
        let put = self.client().put_item().table_name(self.name(table)?).set_item(Some(item));
        let put = match seen {
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", table.schema().partition),
            Some(seen) => put
                .condition_expression("#writer = :seen")
                .expression_attribute_names("#writer", WRITER)
                .expression_attribute_values(":seen", text(seen)),
        };
        match put.return_values_on_condition_check_failure(AllOld).send().await {
            Ok(_) => Ok(Put::New),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    let old = failed.item().ok_or_else(|| unseen(table))?;
                    Ok(if is_own(table, old, &writer)? { Put::New } else { Put::Old(old.clone()) })
                }
                _ => Err(self.fault(table, &error)),
            },
        }
    }

    /// Writes a batch, each item once, all at the same time: one call for each different key. The answers keep the order; of two
    /// with the same key the first is written and the second finds it.
    pub(crate) async fn write_all<R>(
        &self,
        table: Table,
        batch: Vec<Result<(R, Attributes), PortError>>,
    ) -> Vec<Result<Written<R>, PortError>>
    where
        R: DeserializeOwned + Clone,
    {
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut slots = Vec::with_capacity(batch.len());
        let mut puts = Vec::with_capacity(batch.len());
        for entry in batch {
            slots.push(match entry {
                Err(error) => Slot::Refused(error),
                Ok((record, item)) => match first.entry(id_of(table, &item)) {
                    Entry::Occupied(earlier) => Slot::Again(*earlier.get()),
                    Entry::Vacant(place) => {
                        place.insert(puts.len());
                        puts.push(self.put_new(table, item));
                        Slot::Put(puts.len() - 1, record)
                    }
                },
            });
        }
        let found: Vec<Result<Option<R>, PortError>> = join_all(puts)
            .await
            .into_iter()
            .map(|put| match put? {
                Put::New => Ok(None),
                Put::Old(old) => item::record(table, &old).map(Some),
            })
            .collect();
        answers(table, slots, &found)
    }
}

/// What becomes of one entry of a batch.
enum Slot<R> {
    /// Not written at all.
    Refused(PortError),
    /// Its own put, by number.
    Put(usize, R),
    /// The key of an earlier entry's put.
    Again(usize),
}

fn id_of(table: Table, item: &Attributes) -> String {
    item.get(table.schema().partition)
        .or_else(|| item.get(ID))
        .and_then(|id| id.as_s().ok())
        .cloned()
        .unwrap_or_default()
}

fn answers<R: Clone>(
    table: Table,
    slots: Vec<Slot<R>>,
    found: &[Result<Option<R>, PortError>],
) -> Vec<Result<Written<R>, PortError>> {
    let mut written: Vec<Option<R>> = vec![None; found.len()];
    let unknown = || Err(unseen(table));
    slots
        .into_iter()
        .map(|slot| match slot {
            Slot::Refused(error) => Err(error),
            Slot::Put(number, record) => match found.get(number) {
                Some(Ok(None)) => {
                    if let Some(place) = written.get_mut(number) {
                        *place = Some(record);
                    }
                    Ok(Written::New)
                }
                Some(Ok(Some(stored))) => Ok(Written::Existing(stored.clone())),
                Some(Err(error)) => Err(error.clone()),
                None => unknown(),
            },
            Slot::Again(number) => match (found.get(number), written.get(number)) {
                (Some(Ok(Some(stored))), _) | (Some(Ok(None)), Some(Some(stored))) => {
                    Ok(Written::Existing(stored.clone()))
                }
                (Some(Err(error)), _) => Err(error.clone()),
                _ => unknown(),
            },
        })
        .collect()
}
