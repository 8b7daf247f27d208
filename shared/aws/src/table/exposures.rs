use sluice_domain::delivery::Exposure;
use sluice_domain::id::{ExperimentId, PersonId, TenantId};
use sluice_ports::{Exposures, Outbox, Page, PortError, Queue, Step, Written};

use super::item::{Attributes, RECORD, json, record, text};
use super::key::{of_exposure, shard_of_person, tenant_partition, tenant_partitions};
use super::schema::{ID, TENANT_SHARD, Table};
use crate::store::Store;

const TABLE: Table = Table::Exposures;

fn item(exposure: &Exposure) -> Result<Attributes, PortError> {
    let Exposure { tenant, experiment, person, .. } = exposure;
    Ok(Attributes::from([
        (ID.to_owned(), text(of_exposure(tenant, experiment, person))),
        (TENANT_SHARD.to_owned(), text(tenant_partition(tenant, shard_of_person(person)))),
        (RECORD.to_owned(), text(json(TABLE, exposure)?)),
    ]))
}

impl<Q: Outbox> Exposures for Store<Q> {
    async fn expose(&self, steps: Vec<Step<Exposure>>) -> Vec<Result<Written<Exposure>, PortError>> {
        self.write_then_send(TABLE, Queue::Assigned, steps, item).await
    }

    async fn exposure(
        &self,
        tenant: &TenantId,
        experiment: &ExperimentId,
        person: &PersonId,
    ) -> Result<Option<Exposure>, PortError> {
        self.tables.record(TABLE, &of_exposure(tenant, experiment, person)).await
    }

    async fn exposures(
        &self,
        tenant: &TenantId,
        cursor: Option<String>,
    ) -> Result<Page<Exposure>, PortError> {
        let page = self.tables.list(TABLE, tenant_partitions(tenant), cursor.as_deref()).await?;
        let items = page.items.iter().map(|item| record(TABLE, item)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }
}
