//! Which person a contact of a channel is: two items among the consents, one under the contact and one under the person, each with the other's
//! name. The one answers the pipeline's question; by the other an erasure finds what it must destroy. Neither has a consent in it.

use sluice_domain::contact::Acquaintance;
use sluice_domain::id::{PersonId, TenantId};
use sluice_ports::{Acquaintances, Outbox, PortError};

use super::item::{Attributes, json, parse, read_text, text};
use super::key::{ACQUAINTANCE, of_acquaintance, of_person};
use super::schema::{PERSON, PURPOSE_RECIPIENT, Table};
use super::write_once::Put;
use crate::store::Store;

const TABLE: Table = Table::Consent;
const KNOWN: &str = "acquaintance";

/// The key of the item of `one` with the name of the other.
pub(super) fn acquaintance_key(tenant: &TenantId, one: &PersonId, other: &PersonId) -> Attributes {
    Attributes::from([
        (PERSON.to_owned(), text(of_person(tenant, one))),
        (PURPOSE_RECIPIENT.to_owned(), text(of_acquaintance(other))),
    ])
}

/// The other one of an item, if it is an acquaintance.
pub(super) fn other_of(item: &Attributes) -> Result<Option<PersonId>, PortError> {
    let sort = read_text(TABLE, item, PURPOSE_RECIPIENT)?;
    let Some(name) = sort.strip_prefix(ACQUAINTANCE) else { return Ok(None) };
    let corrupt = |error: sluice_domain::id::InvalidId| PortError::Corrupt {
        what: TABLE.as_str(),
        cause: error.to_string(),
    };
    PersonId::new(name).map(Some).map_err(corrupt)
}

impl<Q: Outbox> Acquaintances for Store<Q> {
    /// The person's item first: what an erasure could not find must not be there.
    async fn acquaint(&self, acquaintance: Acquaintance) -> Result<(), PortError> {
        let Acquaintance { tenant, contact, person, .. } = &acquaintance;
        let value = json(TABLE, &acquaintance)?;
        for (one, other) in [(person, contact), (contact, person)] {
            let mut item = acquaintance_key(tenant, one, other);
            item.insert(KNOWN.to_owned(), text(value.as_str()));
            match self.tables.put_new(TABLE, item).await? {
                Put::New | Put::Old(_) => {}
            }
        }
        Ok(())
    }

    async fn known_as(&self, tenant: &TenantId, contact: &PersonId) -> Result<Vec<Acquaintance>, PortError> {
        let query = self
            .tables
            .client()
            .query()
            .table_name(self.tables.name(TABLE)?)
            .consistent_read(true)
            .key_condition_expression("#person = :contact AND begins_with(#sort, :acquaintance)")
            .expression_attribute_names("#person", PERSON)
            .expression_attribute_names("#sort", PURPOSE_RECIPIENT)
            .expression_attribute_values(":contact", text(of_person(tenant, contact)))
            .expression_attribute_values(":acquaintance", text(ACQUAINTANCE));
        let found = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let items = found.map_err(|error| self.tables.fault(TABLE, &error))?;
        items.iter().map(|item| parse(TABLE, read_text(TABLE, item, KNOWN)?)).collect()
    }
}
