//! `DynamoDB`: one file a port, over the few calls below. Keys and access patterns: `docs/adr/0007-dynamodb-keys.md`.

mod acquaintances;
mod audits;
mod batch;
mod channel_state;
mod checks;
mod consents;
mod contacts;
mod cursor;
mod deliveries;
mod erasure;
mod exposures;
mod item;
mod key;
mod listing;
mod orders;
mod packed;
mod receipts;
mod reviews;
pub mod schema;
mod write_once;

pub(crate) use item::Attributes;
pub use schema::Table;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::de::DeserializeOwned;
use sluice_ports::{Clock, Entropy, PortError};

use crate::fault::{code, port_error};
use crate::names::Names;
use item::{WRITER, read_text, text};

/// The eight tables. Cheap to clone.
#[derive(Clone)]
pub struct Tables {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    names: Names,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tables").field("names", &self.inner.names).finish_non_exhaustive()
    }
}

impl Tables {
    /// Tables of those names. A function that has no name for a table gets [`PortError::Missing`] when it asks for it.
    pub fn new(client: Client, names: Names, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { inner: Arc::new(Inner { client, names, clock, entropy }) }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(crate) fn name(&self, table: Table) -> Result<&str, PortError> {
        self.inner.names.get(table.resource())
    }

    /// A nonce that no other write has.
    pub(crate) fn writer(&self) -> String {
        let mut bytes = [0; 16];
        self.inner.entropy.fill(&mut bytes);
        hex::encode(bytes)
    }

    pub(crate) fn fault<E: ProvideErrorMetadata>(
        &self,
        table: Table,
        error: &SdkError<E, HttpResponse>,
    ) -> PortError {
        let what = table.as_str();
        match code(error) {
            // The same request would be refused for ever: poison, not weather.
            Some(code @ ("ValidationException" | "SerializationException")) => {
                PortError::Corrupt { what, cause: format!("the request was refused with `{code}`") }
            }
            _ => port_error(what, error, self.inner.clock.now()),
        }
    }

    /// What was still not done after every try was throttled; `DynamoDB` gives no other reason for leaving out a part of a batch.
    pub(crate) fn throttled(&self, table: Table) -> PortError {
        PortError::Throttled { what: table.as_str(), until: self.inner.clock.now().plus_ms(1_000) }
    }

    /// One item by its hash key, as it is now and not as it was a moment ago: a strongly consistent read.
    pub(crate) async fn get(&self, table: Table, id: &str) -> Result<Option<Attributes>, PortError> {
        let get = self.client().get_item().table_name(self.name(table)?).consistent_read(true);
        let found = get.key(table.schema().partition, text(id)).send().await;
        found.map(|found| found.item).map_err(|error| self.fault(table, &error))
    }

    /// The record of an item.
    pub(crate) async fn record<R: DeserializeOwned>(
        &self,
        table: Table,
        id: &str,
    ) -> Result<Option<R>, PortError> {
        self.get(table, id).await?.map(|item| item::record(table, &item)).transpose()
    }
}

/// Did this very call write the item, so that only the answer was lost?
pub(crate) fn is_own(table: Table, item: &Attributes, writer: &str) -> Result<bool, PortError> {
    Ok(read_text(table, item, WRITER)? == writer)
}

/// A condition failed, but the item that failed it did not come with the answer.
pub(crate) fn unseen(table: Table) -> PortError {
    let cause = "a condition failed and the item did not come with the answer".to_owned();
    PortError::Unavailable { what: table.as_str(), cause }
}
