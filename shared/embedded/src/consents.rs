//! Consents, and the withdrawals that may come before the grants they end.
//!
//! Platforms deliver late and out of order. So the latest withdrawal of each consent, and of each person as a whole, is kept
//! apart: a grant that arrives after it but was given before it is stored as withdrawn. In whatever order grants and
//! withdrawals come, the standing at the end is the same.

use redb::ReadableTable as _;
use sluice_domain::consent::{ConsentKey, ConsentRecord, Withdrawal, after_grant, after_withdrawal};
use sluice_domain::id::{PersonId, TenantId};
use sluice_ports::{ConsentStore, PortError};

use crate::fault::{Fault, storage};
use crate::key::Key;
use crate::store::Store;
use crate::tables::{self, Name, Tables};

fn person_key(tenant: &TenantId, person: &PersonId) -> Key {
    Key::of(tenant).part(person.as_str())
}

fn consent_key(key: &ConsentKey) -> Key {
    person_key(&key.tenant, &key.person).part(key.purpose.as_str()).part(key.recipient.as_str())
}

impl ConsentStore for Store {
    async fn consents(&self, keys: &[ConsentKey]) -> Result<Vec<Option<ConsentRecord>>, PortError> {
        let table = tables::read(&self.snapshot()?, Name::Consents)?;
        keys.iter()
            .map(|key| {
                let found = table.get(consent_key(key).as_slice()).map_err(storage)?;
                found.map(|found| tables::parse(Name::Consents, found.value())).transpose()
            })
            .collect()
    }

    async fn consents_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> Result<Vec<ConsentRecord>, PortError> {
        let table = tables::read(&self.snapshot()?, Name::Consents)?;
        let prefix = person_key(tenant, person);
        let end = prefix.after_prefix();
        let range = prefix.as_slice()..end.as_slice();
        let mut records = Vec::new();
        for entry in table.range::<&[u8]>(range).map_err(storage)? {
            records.push(tables::parse(Name::Consents, entry.map_err(storage)?.1.value())?);
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
}

fn grant(tables: &mut Tables<'_>, record: ConsentRecord) -> Result<bool, Fault> {
    let key = consent_key(&record.key);
    let person = person_key(&record.key.tenant, &record.key.person);
    let stored: Option<ConsentRecord> = tables.json(Name::Consents, key.as_slice())?;
    let Some(mut record) = after_grant(stored.as_ref(), record) else { return Ok(false) };
    let of_person: Option<Withdrawal> = tables.json(Name::Withdrawals, person.as_slice())?;
    let of_key: Option<Withdrawal> = tables.json(Name::Withdrawals, key.as_slice())?;
    let latest = of_person.into_iter().chain(of_key).max_by_key(|withdrawal| withdrawal.at);
    record.withdrawn = latest.filter(|withdrawal| withdrawal.at >= record.granted_at);
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
