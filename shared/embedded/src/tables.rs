//! The tables of the file. Keys and values are bytes: keys as `key` builds them, values JSON, which an operator can read with
//! any tool and a later version can extend. (postcard would be a third smaller, but serde's `flatten` and tagged enums, which
//! the domain's records use, need a self-describing format.)

use redb::{ReadableTable as _, Table, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_domain::time::UnixMillis;
use sluice_ports::{PortError, Queue};

use crate::fault::{Fault, storage, unreadable};
use crate::generation::{Reading, Snapshot};

type Bytes = &'static [u8];

/// Every table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Name {
    About,
    Receipts,
    Consents,
    Withdrawals,
    PersonMarks,
    ContactCounts,
    Acquaintances,
    Audits,
    AuditTraces,
    AuditDays,
    Orders,
    OrderDays,
    Exposures,
    Deliveries,
    DeliveryDays,
    TenantKeys,
    Schedule,
    Events,
    Cleared,
    Assigned,
    DeadEvents,
    DeadCleared,
    DeadAssigned,
    Reviews,
    ReviewStates,
    Checks,
    DeadChecks,
    CheckedTexts,
    CheckBudgets,
    ChannelStates,
}

const COUNT: usize = Name::ChannelStates as usize + 1;

impl Name {
    pub(crate) const ALL: [Self; COUNT] = [
        Self::About,
        Self::Receipts,
        Self::Consents,
        Self::Withdrawals,
        Self::PersonMarks,
        Self::ContactCounts,
        Self::Acquaintances,
        Self::Audits,
        Self::AuditTraces,
        Self::AuditDays,
        Self::Orders,
        Self::OrderDays,
        Self::Exposures,
        Self::Deliveries,
        Self::DeliveryDays,
        Self::TenantKeys,
        Self::Schedule,
        Self::Events,
        Self::Cleared,
        Self::Assigned,
        Self::DeadEvents,
        Self::DeadCleared,
        Self::DeadAssigned,
        Self::Reviews,
        Self::ReviewStates,
        Self::Checks,
        Self::DeadChecks,
        Self::CheckedTexts,
        Self::CheckBudgets,
        Self::ChannelStates,
    ];

    /// The messages of a queue.
    pub(crate) fn messages(queue: Queue) -> Self {
        match queue {
            Queue::Events => Self::Events,
            Queue::Cleared => Self::Cleared,
            Queue::Assigned => Self::Assigned,
            Queue::Checks => Self::Checks,
        }
    }

    /// Its dead letters.
    pub(crate) fn dead(queue: Queue) -> Self {
        match queue {
            Queue::Events => Self::DeadEvents,
            Queue::Cleared => Self::DeadCleared,
            Queue::Assigned => Self::DeadAssigned,
            Queue::Checks => Self::DeadChecks,
        }
    }

    /// As errors name it, and as it is called in the file.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Receipts => "receipts",
            Self::Consents => "consents",
            Self::Withdrawals => "withdrawals",
            Self::PersonMarks => "person_marks",
            Self::ContactCounts => "contact_counts",
            Self::Acquaintances => "acquaintances",
            Self::Audits => "audits",
            Self::AuditTraces => "audit_traces",
            Self::AuditDays => "audit_days",
            Self::Orders => "orders",
            Self::OrderDays => "order_days",
            Self::Exposures => "exposures",
            Self::Deliveries => "deliveries",
            Self::DeliveryDays => "delivery_days",
            Self::TenantKeys => "tenant_keys",
            Self::Schedule => "schedule",
            Self::Events => "queue_events",
            Self::Cleared => "queue_cleared",
            Self::Assigned => "queue_assigned",
            Self::DeadEvents => "dead_events",
            Self::DeadCleared => "dead_cleared",
            Self::DeadAssigned => "dead_assigned",
            Self::Reviews => "reviews",
            Self::ReviewStates => "review_states",
            Self::Checks => "queue_checks",
            Self::DeadChecks => "dead_checks",
            Self::CheckedTexts => "checked_texts",
            Self::CheckBudgets => "check_budgets",
            Self::ChannelStates => "channel_states",
        }
    }

    pub(crate) fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(self.as_str())
    }
}

/// The tables of one write transaction, opened when first used.
pub(crate) struct Tables<'txn> {
    transaction: &'txn WriteTransaction,
    open: [Option<Table<'txn, Bytes, Bytes>>; COUNT],
    /// What becomes true in memory once the transaction is on disk.
    pub(crate) effects: Vec<Effect>,
    /// The newest message id given out in this transaction or before it.
    pub(crate) newest_id: u64,
}

/// A change of a queue that readers may see only after the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A message was put on the queue.
    Sent { queue: Queue, id: u64, sent_at: i64, not_before: i64 },
    /// A message left the queue for its dead-letter queue.
    Left { queue: Queue, id: u64 },
}

impl Effect {
    pub(crate) fn queue(self) -> Queue {
        match self {
            Self::Sent { queue, .. } | Self::Left { queue, .. } => queue,
        }
    }
}

impl<'txn> Tables<'txn> {
    pub(crate) fn of(transaction: &'txn WriteTransaction, newest_id: u64) -> Self {
        Self { transaction, open: [const { None }; COUNT], effects: Vec::new(), newest_id }
    }

    pub(crate) fn table(&mut self, name: Name) -> Result<&mut Table<'txn, Bytes, Bytes>, Fault> {
        #[expect(clippy::indexing_slicing, reason = "the array has a place for every discriminant of `Name`")]
        let place = &mut self.open[name as usize];
        match place {
            Some(table) => Ok(table),
            None => Ok(place.insert(self.transaction.open_table(name.definition()).map_err(Fault::store)?)),
        }
    }

    /// The id of a new message: ids rise for ever, and their upper bits tell the millisecond.
    pub(crate) fn next_id(&mut self, now: UnixMillis) -> u64 {
        self.newest_id = self.newest_id.saturating_add(1).max(now.as_u64() << 20);
        self.newest_id
    }

    pub(crate) fn put(&mut self, name: Name, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        self.table(name)?.insert(key, value).map_err(Fault::store)?;
        Ok(())
    }

    /// Says whether it was there.
    pub(crate) fn remove(&mut self, name: Name, key: &[u8]) -> Result<bool, Fault> {
        Ok(self.table(name)?.remove(key).map_err(Fault::store)?.is_some())
    }

    pub(crate) fn bytes(&mut self, name: Name, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.table(name)?.get(key).map_err(Fault::store)?.map(|found| found.value().to_vec()))
    }

    pub(crate) fn json<R: DeserializeOwned>(&mut self, name: Name, key: &[u8]) -> Result<Option<R>, Fault> {
        let found = self.table(name)?.get(key).map_err(Fault::store)?;
        Ok(found.map(|found| parse(name, found.value())).transpose()?)
    }
}

/// Makes every table, so that readers find them all.
pub(crate) fn create(transaction: &WriteTransaction) -> Result<(), PortError> {
    for name in Name::ALL {
        transaction.open_table(name.definition()).map_err(storage)?;
    }
    Ok(())
}

/// One table of a snapshot.
pub(crate) fn read(snapshot: &Snapshot, name: Name) -> Result<Reading, PortError> {
    snapshot.table(name)
}

/// A stored record.
pub(crate) fn parse<R: DeserializeOwned>(name: Name, value: &[u8]) -> Result<R, PortError> {
    serde_json::from_slice(value).map_err(|error| unreadable(name.as_str(), &error))
}

/// A record as it is stored.
pub(crate) fn json<R: Serialize>(name: Name, record: &R) -> Result<Vec<u8>, PortError> {
    serde_json::to_vec(record).map_err(|error| unreadable(name.as_str(), &error))
}
