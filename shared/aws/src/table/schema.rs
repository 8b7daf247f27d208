//! The eight tables as data: what the tests create, what `template.yaml` is compared with, and what the code below names.
//!
//! `docs/adr/0007-dynamodb-keys.md` has the access patterns and the numbers.

use crate::names::Resource;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Consents and withdrawals.
    Consent,
    /// Audit records.
    Audit,
    /// First exposures.
    Exposures,
    /// Deliveries with their claims.
    Deliveries,
    /// The order book.
    Orders,
    /// Receipts of callbacks.
    Receipts,
    /// Wrapped keys of tenants.
    Keys,
    /// Reviews.
    Reviews,
}

/// The keys of a table and its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Hash key; a string, as every key is.
    pub partition: &'static str,
    /// Range key.
    pub sort: Option<&'static str>,
    /// The index, if it has one.
    pub index: Option<Index>,
    /// The attribute by which `DynamoDB` deletes items: seconds since 1970.
    pub expires: Option<&'static str>,
}

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// Hash key.
    pub partition: &'static str,
    /// Range key.
    pub sort: &'static str,
    /// What an entry holds.
    pub projection: Projection,
}

/// What an index holds of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    /// Everything: where items are small and never change, that costs what keys alone would.
    All,
    /// The keys of table and index; the item is read by its key.
    KeysOnly,
}

impl Projection {
    /// As `DynamoDB` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::KeysOnly => "KEYS_ONLY",
        }
    }
}

/// Hash key of what is written once: `tenant#source#message`, or `tenant#experiment#person`. Powertools' name.
pub(crate) const ID: &str = "id";
/// Hash key of a day's listing: `tenant#day#shard`.
pub(crate) const DAY_SHARD: &str = "day_shard";
/// Range key of a day's listing: `milliseconds#trace#source#message`.
pub(crate) const AT: &str = "at";
/// Hash key of a tenant's listing: `tenant#shard`.
pub(crate) const TENANT_SHARD: &str = "tenant_shard";
/// Hash key of a listing of reviews: `tenant#state#shard`.
pub(crate) const STATE_SHARD: &str = "state_shard";
/// Hash key of consents: `tenant#person`.
pub(crate) const PERSON: &str = "person";
/// Range key of consents: `purpose#recipient`.
pub(crate) const PURPOSE_RECIPIENT: &str = "purpose_recipient";
/// When a receipt goes: seconds since 1970.
pub(crate) const EXPIRES_AT: &str = "expires_at";

const fn by_day(projection: Projection) -> Index {
    Index { name: "by-day", partition: DAY_SHARD, sort: AT, projection }
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 8] = [
        Self::Consent,
        Self::Audit,
        Self::Exposures,
        Self::Deliveries,
        Self::Orders,
        Self::Receipts,
        Self::Keys,
        Self::Reviews,
    ];

    /// As errors name it; the end of its name in a deployment.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Audit => "audit",
            Self::Exposures => "exposures",
            Self::Deliveries => "deliveries",
            Self::Orders => "orders",
            Self::Receipts => "receipts",
            Self::Keys => "keys",
            Self::Reviews => "reviews",
        }
    }

    /// Its part of the stack, whose variable holds its name.
    pub fn resource(self) -> Resource {
        match self {
            Self::Consent => Resource::ConsentTable,
            Self::Audit => Resource::AuditTable,
            Self::Exposures => Resource::ExposuresTable,
            Self::Deliveries => Resource::DeliveriesTable,
            Self::Orders => Resource::OrdersTable,
            Self::Receipts => Resource::ReceiptsTable,
            Self::Keys => Resource::KeysTable,
            Self::Reviews => Resource::ReviewsTable,
        }
    }

    /// Its keys.
    pub const fn schema(self) -> Schema {
        match self {
            Self::Consent => {
                Schema { partition: PERSON, sort: Some(PURPOSE_RECIPIENT), index: None, expires: None }
            }
            // Audit records are of one to some kilobytes, and deliveries change with every claim and settlement. An entry of keys
            // alone is one write unit, once.
            Self::Audit | Self::Deliveries => {
                let index = Some(by_day(Projection::KeysOnly));
                Schema { partition: ID, sort: None, index, expires: None }
            }
            Self::Orders => {
                Schema { partition: ID, sort: None, index: Some(by_day(Projection::All)), expires: None }
            }
            Self::Exposures => Schema {
                partition: ID,
                sort: None,
                index: Some(Index {
                    name: "by-tenant",
                    partition: TENANT_SHARD,
                    sort: ID,
                    projection: Projection::All,
                }),
                expires: None,
            },
            Self::Receipts => {
                Schema { partition: DAY_SHARD, sort: Some(AT), index: None, expires: Some(EXPIRES_AT) }
            }
            // A review changes some times, and holds a whole event.
            Self::Reviews => Schema {
                partition: ID,
                sort: None,
                index: Some(Index {
                    name: "by-state",
                    partition: STATE_SHARD,
                    sort: AT,
                    projection: Projection::KeysOnly,
                }),
                expires: None,
            },
            Self::Keys => Schema { partition: "tenant", sort: Some("version"), index: None, expires: None },
        }
    }
}
