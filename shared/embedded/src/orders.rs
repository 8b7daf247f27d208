use sluice_domain::id::TenantId;
use sluice_domain::order::OrderEntry;
use sluice_domain::time::BusinessDay;
use sluice_ports::{OrderBook, Page, PortError, Written};

use crate::key::{Key, of_event};
use crate::store::Store;
use crate::tables::{self, Name};

impl OrderBook for Store {
    async fn enter(&self, entry: OrderEntry) -> Result<Written<OrderEntry>, PortError> {
        let key = of_event(&entry.key);
        let of_day = Key::of(&entry.key.tenant).time(entry.recorded_at).bytes(key.as_slice());
        let value = tables::json(Name::Orders, &entry)?;
        self.write(move |tables| {
            if let Some(stored) = tables.json(Name::Orders, key.as_slice())? {
                return Ok(Written::Existing(stored));
            }
            tables.put(Name::Orders, key.as_slice(), &value)?;
            tables.put(Name::OrderDays, of_day.as_slice(), key.as_slice())?;
            Ok(Written::New)
        })
        .await
    }

    async fn orders(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<OrderEntry>, PortError> {
        self.of_day(Name::OrderDays, Name::Orders, tenant, day, cursor.as_deref())
    }
}
