//! Which person a contact of a channel is: one entry a pair, under the contact.

use sluice_domain::contact::Acquaintance;
use sluice_domain::id::{PersonId, TenantId};
use sluice_ports::{Acquaintances, PortError};

use crate::consents::person_key;
use crate::fault::storage;
use crate::store::Store;
use crate::tables::{self, Name};

impl Acquaintances for Store {
    async fn acquaint(&self, acquaintance: Acquaintance) -> Result<(), PortError> {
        self.write(move |tables| {
            let Acquaintance { tenant, contact, person, .. } = &acquaintance;
            let key = person_key(tenant, contact).part(person.as_str());
            if tables.bytes(Name::Acquaintances, key.as_slice())?.is_none() {
                let value = tables::json(Name::Acquaintances, &acquaintance)?;
                tables.put(Name::Acquaintances, key.as_slice(), &value)?;
            }
            Ok(())
        })
        .await
    }

    async fn known_as(&self, tenant: &TenantId, contact: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        let snapshot = self.snapshot()?;
        let table = tables::read(&snapshot, Name::Acquaintances)?;
        let prefix = person_key(tenant, contact);
        let end = prefix.after_prefix();
        let mut known = Vec::new();
        for entry in table.range::<&[u8]>(prefix.as_slice()..end.as_slice()).map_err(storage)? {
            known.push(tables::parse(Name::Acquaintances, entry.map_err(storage)?.1.value())?);
        }
        Ok(known)
    }
}
