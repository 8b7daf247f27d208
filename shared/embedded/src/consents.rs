//! Consents, and the withdrawals that may come before the grants they end.
//!
//! Platforms deliver late and out of order. So the latest withdrawal of each consent, and of each person as a whole, is kept
//! apart: a grant that arrives after it but was given before it is stored as withdrawn. In whatever order grants and
//! withdrawals come, the standing at the end is the same.

use redb::ReadableTable as _;
use sluice_domain::consent::{
    ConsentKey, ConsentRecord, Evidence, Mark, Marks, Withdrawal, after_grant, after_withdrawal,
};
use sluice_domain::id::{PersonId, TenantId};
use sluice_domain::time::UnixMillis;
use sluice_ports::{ConsentStore, PortError};

use crate::fault::{Fault, storage};
use crate::key::Key;
use crate::store::Store;
use crate::tables::{self, Name, Tables};

pub(crate) fn person_key(tenant: &TenantId, person: &PersonId) -> Key {
    Key::of(tenant).part(person.as_str())
}

pub(crate) fn consent_key(key: &ConsentKey) -> Key {
    person_key(&key.tenant, &key.person).part(key.purpose.as_str()).part(key.recipient.as_str())
}

impl ConsentStore for Store {
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        let snapshot = self.snapshot()?;
        let (table, marks) =
            (tables::read(&snapshot, Name::Consents)?, tables::read(&snapshot, Name::PersonMarks)?);
        keys.iter()
            .map(|key| {
                let found = table.get(consent_key(key).as_slice()).map_err(storage)?;
                let Some(found) = found else { return Ok(None) };
                let mut record: ConsentRecord = tables::parse(Name::Consents, found.value())?;
                let known = marks.get(person_key(&key.tenant, &key.person).as_slice()).map_err(storage)?;
                if let Some(known) = known {
                    record.marks = tables::parse(Name::PersonMarks, known.value())?;
                }
                Ok(Some(record))
            })
            .collect()
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        let snapshot = self.snapshot()?;
        let table = tables::read(&snapshot, Name::Consents)?;
        let prefix = person_key(tenant, person);
        let end = prefix.after_prefix();
        let range = prefix.as_slice()..end.as_slice();
        let known = tables::read(&snapshot, Name::PersonMarks)?.get(prefix.as_slice()).map_err(storage)?;
        let marks: Marks = known
            .map(|known| tables::parse(Name::PersonMarks, known.value()))
            .transpose()?
            .unwrap_or_default();
        let mut records = Vec::new();
        for entry in table.range::<&[u8]>(range).map_err(storage)? {
            let mut record: ConsentRecord = tables::parse(Name::Consents, entry.map_err(storage)?.1.value())?;
            record.marks = marks.clone();
            records.push(record);
        }
        Ok(records)
    }

    async fn grant(&self, record: ConsentRecord) -> Result<bool, PortError> {
        self.write(move |tables| grant(tables, record)).await
    }

    async fn withdraw(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        key: Option<&ConsentKey>,
        withdrawal: Withdrawal,
    ) -> Result<usize, PortError> {
        let person = person_key(tenant, person);
        let one = key.map(consent_key);
        self.write(move |tables| withdraw(tables, &person, one.as_ref(), &withdrawal)).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: Mark,
        at: UnixMillis,
        evidence: Evidence,
    ) -> Result<bool, PortError> {
        let person = person_key(tenant, person);
        self.write(move |tables| {
            let known: Option<Marks> = tables.json(Name::PersonMarks, person.as_slice())?;
            let mut marks = known.unwrap_or_default();
            let changed = marks.note(&mark, at, evidence);
            if changed {
                let value = tables::json(Name::PersonMarks, &marks)?;
                tables.put(Name::PersonMarks, person.as_slice(), &value)?;
            }
            Ok(changed)
        })
        .await
    }
}

fn grant(tables: &mut Tables<'_>, record: ConsentRecord) -> Result<bool, Fault> {
    let key = consent_key(&record.key);
    let person = person_key(&record.key.tenant, &record.key.person);
    let stored: Option<ConsentRecord> = tables.json(Name::Consents, key.as_slice())?;
    let Some(mut record) = after_grant(stored.as_ref(), record) else { return Ok(false) };
    record.marks = Marks::default();
    let of_person: Option<Withdrawal> = tables.json(Name::Withdrawals, person.as_slice())?;
    let of_key: Option<Withdrawal> = tables.json(Name::Withdrawals, key.as_slice())?;
    let latest = of_person.into_iter().chain(of_key).max_by_key(|withdrawal| withdrawal.at);
    record.withdrawn = latest.filter(|withdrawal| withdrawal.ends(&record));
    tables.put(Name::Consents, key.as_slice(), &tables::json(Name::Consents, &record)?)?;
    Ok(true)
}

fn withdraw(
    tables: &mut Tables<'_>,
    person: &Key,
    one: Option<&Key>,
    withdrawal: &Withdrawal,
) -> Result<usize, Fault> {
    let scope = one.unwrap_or(person);
    let before: Option<Withdrawal> = tables.json(Name::Withdrawals, scope.as_slice())?;
    let mut ended = Vec::new();
    for entry in tables
        .table(Name::Consents)?
        .range::<&[u8]>(scope.as_slice()..scope.after_prefix().as_slice())
        .map_err(Fault::store)?
    {
        let (key, value) = entry.map_err(Fault::store)?;
        let stored: ConsentRecord = tables::parse(Name::Consents, value.value())?;
        if let Some(record) = after_withdrawal(&stored, withdrawal.clone()) {
            ended.push((key.value().to_vec(), tables::json(Name::Consents, &record)?));
        }
    }
    if before.is_none_or(|before| before.at < withdrawal.at) {
        tables.put(Name::Withdrawals, scope.as_slice(), &tables::json(Name::Withdrawals, withdrawal)?)?;
    }
    for (key, value) in &ended {
        tables.put(Name::Consents, key, value)?;
    }
    Ok(ended.len())
}
