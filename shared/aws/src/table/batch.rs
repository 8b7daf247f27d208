//! Many items in one call, and again for those that were left out: bounded, with a pause that grows.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use futures_util::future::try_join_all;
use sluice_ports::PortError;

use super::Tables;
use super::item::Attributes;
use super::schema::Table;

/// The most keys of one `BatchGetItem`.
const GETS: usize = 100;
/// The most items of one `BatchWriteItem`.
const PUTS: usize = 25;
/// How often what was left out is asked for again.
const ROUNDS: u32 = 5;
/// The first pause; each further one is twice as long, so that all of them together stay below a second.
const PAUSE: Duration = Duration::from_millis(25);

async fn pause(round: u32) {
    if round > 0 {
        tokio::time::sleep(PAUSE.saturating_mul(1 << (round - 1).min(10))).await;
    }
}

impl Tables {
    /// The items of these keys that there are, in no order. The keys must be different. Strongly consistent.
    pub(crate) async fn get_many(
        &self,
        table: Table,
        keys: Vec<Attributes>,
    ) -> Result<Vec<Attributes>, PortError> {
        let pages = try_join_all(keys.chunks(GETS).map(|keys| self.get_page(table, keys.to_vec()))).await?;
        Ok(pages.into_iter().flatten().collect())
    }

    async fn get_page(&self, table: Table, keys: Vec<Attributes>) -> Result<Vec<Attributes>, PortError> {
        let name = self.name(table)?;
        let mut items = Vec::with_capacity(keys.len());
        let mut left = keys;
        // More than the rounds of throttling: an answer may also end at 16 MB, and then it has brought something.
        let mut idle = 0;
        while idle < ROUNDS {
            pause(idle).await;
            let asked = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build();
            let asked = asked.map_err(|_| incomplete(table))?;
            let got = self.client().batch_get_item().request_items(name, asked).send().await;
            let got = got.map_err(|error| self.fault(table, &error))?;
            let found: Vec<_> = got.responses.unwrap_or_default().into_values().flatten().collect();
            left =
                got.unprocessed_keys.unwrap_or_default().into_values().flat_map(|keys| keys.keys).collect();
            if left.is_empty() {
                items.extend(found);
                return Ok(items);
            }
            idle = if found.is_empty() { idle + 1 } else { 1 };
            items.extend(found);
        }
        Err(self.throttled(table))
    }

    /// Stores items, whatever is there. Their keys must be different. Some may be stored when it fails.
    pub(crate) async fn put_many(&self, table: Table, items: Vec<Attributes>) -> Result<(), PortError> {
        try_join_all(items.chunks(PUTS).map(|items| self.put_page(table, items))).await.map(drop)
    }

    async fn put_page(&self, table: Table, items: &[Attributes]) -> Result<(), PortError> {
        let name = self.name(table)?;
        let mut left = items.iter().map(|item| put(table, item)).collect::<Result<Vec<_>, _>>()?;
        for round in 0..ROUNDS {
            pause(round).await;
            let written = self
                .client()
                .batch_write_item()
                .set_request_items(Some(HashMap::from([(name.to_owned(), left)])));
            let written = written.send().await.map_err(|error| self.fault(table, &error))?;
            left = written.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(self.throttled(table))
    }
}

fn put(table: Table, item: &Attributes) -> Result<WriteRequest, PortError> {
    let put = PutRequest::builder().set_item(Some(item.clone())).build().map_err(|_| incomplete(table))?;
    Ok(WriteRequest::builder().put_request(put).build())
}

fn incomplete(table: Table) -> PortError {
    PortError::Corrupt { what: table.as_str(), cause: "a batch request lacks its keys".to_owned() }
}
