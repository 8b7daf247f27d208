use sluice_domain::delivery::Exposure;
use sluice_domain::id::{ExperimentId, PersonId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{Exposures, Page, PortError, Queue, Step, Written};

use crate::fault::{Fault, apart};
use crate::key::Key;
use crate::listing::{self, Range};
use crate::queue::{Outgoing, checked, enqueue};
use crate::store::Store;
use crate::tables::{self, Name, Tables};

fn exposure_key(tenant: &TenantId, experiment: &ExperimentId, person: &PersonId) -> Key {
    Key::of(tenant).part(experiment.as_str()).part(person.as_str())
}

struct Ready {
    key: Key,
    value: Vec<u8>,
    next: Option<Outgoing>,
}

fn ready(step: Step<Exposure>, now: UnixMillis) -> Result<Ready, PortError> {
    let Step { record, next } = step;
    Ok(Ready {
        key: exposure_key(&record.tenant, &record.experiment, &record.person),
        value: tables::json(Name::Exposures, &record)?,
        next: next.map(|message| checked(message, now)).transpose()?,
    })
}

fn expose(tables: &mut Tables<'_>, step: &Ready) -> Result<Written<Exposure>, Fault> {
    if let Some(stored) = tables.json(Name::Exposures, step.key.as_slice())? {
        return Ok(Written::Existing(stored));
    }
    tables.put(Name::Exposures, step.key.as_slice(), &step.value)?;
    if let Some(message) = &step.next {
        enqueue(tables, Queue::Assigned, message)?;
    }
    Ok(Written::New)
}

impl Exposures for Store {
    async fn expose(&self, steps: Vec<Step<Exposure>>) -> Vec<Result<Written<Exposure>, PortError>> {
        let now = self.now();
        let steps: Vec<_> = steps.into_iter().map(|step| ready(step, now)).collect();
        let count = steps.len();
        let written = self
            .write(move |tables| {
                let each = steps.into_iter().map(|step| match step {
                    Ok(step) => apart(expose(tables, &step)),
                    Err(error) => Ok(Err(error)),
                });
                each.collect()
            })
            .await;
        written.unwrap_or_else(|error| vec![Err(error); count])
    }

    async fn exposure(
        &self,
        tenant: &TenantId,
        experiment: &ExperimentId,
        person: &PersonId,
    ) -> Result<Option<Exposure>, PortError> {
        self.lookup(Name::Exposures, exposure_key(tenant, experiment, person).as_slice())
    }

    async fn exposures(
        &self,
        tenant: &TenantId,
        cursor: Option<String>,
    ) -> Result<Page<Exposure>, PortError> {
        let table = tables::read(&self.snapshot()?, Name::Exposures)?;
        listing::page(&table, &Range::under(&Key::of(tenant)), cursor.as_deref(), |_, value| {
            tables::parse(Name::Exposures, value)
        })
    }
}
