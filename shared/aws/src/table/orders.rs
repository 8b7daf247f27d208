use sluice_domain::id::TenantId;
use sluice_domain::order::OrderEntry;
use sluice_domain::time::BusinessDay;
use sluice_ports::{OrderBook, Outbox, Page, PortError, Written};

use super::item::{Attributes, RECORD, json, record, text};
use super::key::{Place, day_partitions, of_event};
use super::schema::{AT, DAY_SHARD, ID, Table};
use super::write_once::Put;
use crate::store::Store;

const TABLE: Table = Table::Orders;

fn item(entry: &OrderEntry) -> Result<Attributes, PortError> {
    let place = Place::of(&entry.key, entry.trace_id, entry.recorded_at);
    Ok(Attributes::from([
        (ID.to_owned(), text(of_event(&entry.key))),
        (DAY_SHARD.to_owned(), text(place.partition)),
        (AT.to_owned(), text(place.at)),
        (RECORD.to_owned(), text(json(TABLE, entry)?)),
    ]))
}

impl<Q: Outbox> OrderBook for Store<Q> {
    async fn enter(&self, entry: OrderEntry) -> Result<Written<OrderEntry>, PortError> {
        match self.tables.put_new(TABLE, item(&entry)?).await? {
            Put::New => Ok(Written::New),
            Put::Old(old) => record(TABLE, &old).map(Written::Existing),
        }
    }

    async fn orders(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<OrderEntry>, PortError> {
        let page = self.tables.list(TABLE, day_partitions(tenant, day), cursor.as_deref()).await?;
        let items = page.items.iter().map(|item| record(TABLE, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}
