//! Erasing a person: one transaction over every table, then a new file, for a page that was freed still holds what it held.

use redb::ReadableTable as _;
use sluice_domain::consent::{ConsentRecord, Withdrawal};
use sluice_domain::delivery::Delivery;
use sluice_domain::order::OrderEntry;
use sluice_ports::{Destroyed, Erasure, ErasureRequest, PortError, Queue};

use crate::consents::{consent_key, person_key};
use crate::fault::Fault;
use crate::key::{Key, Parts};
use crate::queue::{DeadLetter, Header};
use crate::store::Store;
use crate::tables::{self, Name, Tables};

impl Erasure for Store {
    async fn erase(&self, request: ErasureRequest) -> Result<Destroyed, PortError> {
        let destroyed = self.write(move |tables| erase(tables, &request)).await?;
        if !destroyed.is_empty() {
            self.rewrite().await?;
        }
        Ok(destroyed)
    }
}

fn erase(tables: &mut Tables<'_>, request: &ErasureRequest) -> Result<Destroyed, Fault> {
    let mut done = Destroyed::default();
    queues(tables, request, &mut done)?;
    consents(tables, request, &mut done)?;
    keyed_by_person(tables, request, &mut done)?;
    acquaintances(tables, request, &mut done)?;
    renamed::<Delivery>(tables, request, Name::Deliveries, &mut done, |record| {
        let mine = record.person == request.person;
        if mine {
            record.person = request.reference.clone();
        }
        mine
    })?;
    renamed::<OrderEntry>(tables, request, Name::Orders, &mut done, |record| {
        let mine = record.person.as_ref() == Some(&request.person);
        if mine {
            record.person = Some(request.reference.clone());
        }
        mine
    })?;
    Ok(done)
}

/// Messages keep their place; what is left of them runs out as refused.
fn queues(tables: &mut Tables<'_>, request: &ErasureRequest, done: &mut Destroyed) -> Result<(), Fault> {
    for queue in Queue::ALL {
        for (key, value) in under(tables, Name::messages(queue), None)? {
            let (header, body) = Header::of(&value)?;
            if let Some(body) = request.emptied(queue, body) {
                tables.put(Name::messages(queue), &key, &header.with(&body))?;
                Destroyed::count(&mut done.emptied, Name::messages(queue).as_str());
            }
        }
        for (key, value) in under(tables, Name::dead(queue), None)? {
            let letter: DeadLetter = tables::parse(Name::dead(queue), &value)?;
            if let Some(body) = request.emptied(queue, &letter.body) {
                let value = tables::json(Name::dead(queue), &DeadLetter { body, ..letter })?;
                tables.put(Name::dead(queue), &key, &value)?;
                Destroyed::count(&mut done.emptied, Name::dead(queue).as_str());
            }
        }
    }
    Ok(())
}

fn consents(tables: &mut Tables<'_>, request: &ErasureRequest, done: &mut Destroyed) -> Result<(), Fault> {
    let person = person_key(&request.tenant, &request.person);
    let mut payloads = Vec::new();
    for (key, value) in under(tables, Name::Consents, Some(&person))? {
        let record: ConsentRecord = tables::parse(Name::Consents, &value)?;
        payloads.extend(record.evidence.payload().map(str::to_owned));
        let kept = request.restricted(record);
        let value = tables::json(Name::Consents, &kept)?;
        tables.put(Name::Consents, consent_key(&kept.key).as_slice(), &value)?;
        tables.remove(Name::Consents, &key)?;
        Destroyed::count(&mut done.restricted, Name::Consents.as_str());
    }
    let before: Option<Withdrawal> = tables.json(Name::Withdrawals, person.as_slice())?;
    for (key, _) in under(tables, Name::Withdrawals, Some(&person))? {
        tables.remove(Name::Withdrawals, &key)?;
        if key != person.as_slice() {
            Destroyed::count(&mut done.destroyed, Name::Withdrawals.as_str());
        }
    }
    if tables.remove(Name::PersonMarks, person.as_slice())? {
        Destroyed::count(&mut done.destroyed, Name::PersonMarks.as_str());
    }
    let entry = request.entry(before.as_ref(), payloads);
    tables.put(Name::Withdrawals, person.as_slice(), &tables::json(Name::Withdrawals, &entry)?)
}

/// Exposures and counts of contacts: their keys end in the person.
fn keyed_by_person(
    tables: &mut Tables<'_>,
    request: &ErasureRequest,
    done: &mut Destroyed,
) -> Result<(), Fault> {
    let tenant = Key::of(&request.tenant);
    for (name, timed) in [(Name::Exposures, false), (Name::ContactCounts, true)] {
        for (key, _) in under(tables, name, Some(&tenant))? {
            let mut parts = Parts::of(&key);
            let _tenant = parts.part();
            if timed {
                let _day = parts.time();
            } else {
                let _experiment = parts.part();
            }
            if parts.part() == Some(request.person.as_str()) {
                tables.remove(name, &key)?;
                Destroyed::count(&mut done.destroyed, name.as_str());
            }
        }
    }
    Ok(())
}

/// Under the contact and then the person: whichever of them is erased.
fn acquaintances(
    tables: &mut Tables<'_>,
    request: &ErasureRequest,
    done: &mut Destroyed,
) -> Result<(), Fault> {
    for (key, _) in under(tables, Name::Acquaintances, Some(&Key::of(&request.tenant)))? {
        let mut parts = Parts::of(&key);
        let _tenant = parts.part();
        let (contact, person) = (parts.part(), parts.part());
        if [contact, person].contains(&Some(request.person.as_str())) {
            tables.remove(Name::Acquaintances, &key)?;
            Destroyed::count(&mut done.destroyed, Name::Acquaintances.as_str());
        }
    }
    Ok(())
}

/// Puts the person's records of a table under the reference.
fn renamed<R: serde::Serialize + serde::de::DeserializeOwned>(
    tables: &mut Tables<'_>,
    request: &ErasureRequest,
    name: Name,
    done: &mut Destroyed,
    rename: impl Fn(&mut R) -> bool,
) -> Result<(), Fault> {
    let needle = request.person.as_str().as_bytes();
    for (key, value) in under(tables, name, Some(&Key::of(&request.tenant)))? {
        // Most records are of others, and reading their JSON is what costs.
        if !value.windows(needle.len()).any(|part| part == needle) {
            continue;
        }
        let mut record: R = tables::parse(name, &value)?;
        if rename(&mut record) {
            tables.put(name, &key, &tables::json(name, &record)?)?;
            Destroyed::count(&mut done.restricted, name.as_str());
        }
    }
    Ok(())
}

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// Every entry whose key begins so, or every one.
fn under(tables: &mut Tables<'_>, name: Name, prefix: Option<&Key>) -> Result<Entries, Fault> {
    let range = prefix.map(|prefix| (prefix.as_slice().to_vec(), prefix.after_prefix()));
    let table = tables.table(name)?;
    let found = match &range {
        Some((from, to)) => table.range::<&[u8]>(from.as_slice()..to.as_slice()),
        None => table.iter(),
    };
    let mut entries = Vec::new();
    for entry in found.map_err(Fault::store)? {
        let (key, value) = entry.map_err(Fault::store)?;
        entries.push((key.value().to_vec(), value.value().to_vec()));
    }
    Ok(entries)
}
