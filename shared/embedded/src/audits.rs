use sluice_domain::audit::AuditRecord;
use sluice_domain::id::{EventKey, TenantId, TraceId};
use sluice_domain::time::{BusinessDay, UnixMillis};
use sluice_ports::{AuditLog, Page, PortError, Queue, Step, Written};

use crate::fault::{Fault, apart, malformed, storage};
use crate::key::{Key, of_event};
use crate::listing::{self, Range};
use crate::queue::{Outgoing, checked, enqueue};
use crate::store::Store;
use crate::tables::{self, Name, Tables};

/// A step whose record is JSON already and whose message is small enough.
pub(crate) struct Ready {
    key: Key,
    value: Vec<u8>,
    of_trace: Key,
    of_day: Key,
    next: Option<Outgoing>,
}

fn trace_key(tenant: &TenantId, trace: TraceId) -> Key {
    Key::of(tenant).bytes(trace.as_bytes())
}

pub(crate) fn ready(step: Step<AuditRecord>, now: UnixMillis) -> Result<Ready, PortError> {
    let Step { record, next } = step;
    let tenant = &record.key.tenant;
    let key = of_event(&record.key);
    Ok(Ready {
        value: tables::json(Name::Audits, &record)?,
        of_trace: trace_key(tenant, record.trace_id),
        of_day: Key::of(tenant).time(record.received_at).bytes(key.as_slice()),
        key,
        next: next.map(|message| checked(message, now)).transpose()?,
    })
}

pub(crate) fn record(tables: &mut Tables<'_>, step: &Ready) -> Result<Written<AuditRecord>, Fault> {
    if let Some(stored) = tables.json(Name::Audits, step.key.as_slice())? {
        return Ok(Written::Existing(stored));
    }
    tables.put(Name::Audits, step.key.as_slice(), &step.value)?;
    tables.put(Name::AuditTraces, step.of_trace.as_slice(), step.key.as_slice())?;
    tables.put(Name::AuditDays, step.of_day.as_slice(), step.key.as_slice())?;
    if let Some(message) = &step.next {
        enqueue(tables, Queue::Cleared, message)?;
    }
    Ok(Written::New)
}

impl AuditLog for Store {
    async fn record(&self, steps: Vec<Step<AuditRecord>>) -> Vec<Result<Written<AuditRecord>, PortError>> {
        let now = self.now();
        let steps: Vec<_> = steps.into_iter().map(|step| ready(step, now)).collect();
        let count = steps.len();
        let written = self
            .write(move |tables| {
                let each = steps.into_iter().map(|step| match step {
                    Ok(step) => apart(record(tables, &step)),
                    Err(error) => Ok(Err(error)),
                });
                each.collect()
            })
            .await;
        written.unwrap_or_else(|error| vec![Err(error); count])
    }

    async fn audit(&self, key: &EventKey) -> Result<Option<AuditRecord>, PortError> {
        self.lookup(Name::Audits, of_event(key).as_slice())
    }

    async fn audit_of_trace(
        &self,
        tenant: &TenantId,
        trace: TraceId,
    ) -> Result<Option<AuditRecord>, PortError> {
        let snapshot = self.snapshot()?;
        let traces = tables::read(&snapshot, Name::AuditTraces)?;
        let Some(key) = traces.get(trace_key(tenant, trace).as_slice()).map_err(storage)? else {
            return Ok(None);
        };
        let found = tables::read(&snapshot, Name::Audits)?.get(key.value()).map_err(storage)?;
        found.map(|found| tables::parse(Name::Audits, found.value())).transpose()
    }

    async fn audits(
        &self,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<String>,
    ) -> Result<Page<AuditRecord>, PortError> {
        self.of_day(Name::AuditDays, Name::Audits, tenant, day, cursor.as_deref())
    }
}

impl Store {
    /// The records that a day's index points to.
    pub(crate) fn of_day<R: serde::de::DeserializeOwned>(
        &self,
        index: Name,
        records: Name,
        tenant: &TenantId,
        day: BusinessDay,
        cursor: Option<&str>,
    ) -> Result<Page<R>, PortError> {
        let snapshot = self.snapshot()?;
        let (index, table) = (tables::read(&snapshot, index)?, tables::read(&snapshot, records)?);
        listing::page(&index, &Range::day(tenant, day), cursor, |_, key| {
            let found = table.get(key).map_err(storage)?.ok_or_else(|| malformed(records.as_str()))?;
            tables::parse(records, found.value())
        })
    }
}
