//! What senders know together: an item a document among the receipts, whose table forgets by itself. The last writer's nonce is the
//! version, so a write whose answer was lost knows itself.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use sluice_domain::time::UnixMillis;
use sluice_ports::{ChannelState, Outbox, PortError, Replaced, StateDocument, StateKey};

use super::item::{Attributes, RECORD, WRITER, number, read_text, text};
use super::key::of_channel_state;
use super::schema::{AT, DAY_SHARD, EXPIRES_AT, Table};
use super::{Tables, is_own};
use crate::store::Store;

const TABLE: Table = Table::Receipts;
/// The range key of the one item.
const CHANNELS: &str = "channels";

fn document(item: &Attributes) -> Result<StateDocument, PortError> {
    Ok(StateDocument {
        body: read_text(TABLE, item, RECORD)?.to_owned(),
        version: read_text(TABLE, item, WRITER)?.to_owned(),
    })
}

impl Tables {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        let get = self
            .client()
            .get_item()
            .table_name(self.name(TABLE)?)
            .consistent_read(true)
            .key(DAY_SHARD, text(of_channel_state(key)))
            .key(AT, text(CHANNELS));
        let found = get.send().await.map_err(|error| self.fault(TABLE, &error))?;
        found.item.as_ref().map(document).transpose()
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Result<Replaced, PortError> {
        let writer = self.writer();
        let put = self
            .client()
            .put_item()
            .table_name(self.name(TABLE)?)
            .item(DAY_SHARD, text(of_channel_state(key)))
            .item(AT, text(CHANNELS))
            .item(RECORD, text(body))
            .item(WRITER, text(writer.as_str()))
            // Whole seconds, never before its time.
            .item(EXPIRES_AT, number(forget_at.as_secs().saturating_add(1)));
        let put = match seen {
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", DAY_SHARD),
            Some(seen) => put
                .condition_expression("#writer = :seen")
                .expression_attribute_names("#writer", WRITER)
                .expression_attribute_values(":seen", text(seen)),
        };
        match put.return_values_on_condition_check_failure(AllOld).send().await {
            Ok(_) => Ok(Replaced::Done { version: writer }),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    Some(old) if is_own(TABLE, old, &writer)? => Ok(Replaced::Done { version: writer }),
                    Some(old) => Ok(Replaced::Overtaken(Some(document(old)?))),
                    None => Ok(Replaced::Overtaken(None)),
                },
                _ => Err(self.fault(TABLE, &error)),
            },
        }
    }
}

impl<Q: Outbox> ChannelState for Store<Q> {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        self.tables.document(key).await
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Result<Replaced, PortError> {
        let (limit, got) = (Self::LARGEST, body.len());
        if got > limit {
            return Err(PortError::TooLarge { what: TABLE.as_str(), limit, got });
        }
        self.tables.replace(key, seen, body, forget_at).await
    }
}
