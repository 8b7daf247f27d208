//! How many messages a person got on a day: the events that have a place, by channel.

use std::collections::BTreeMap;

use redb::ReadableTable as _;
use sluice_domain::contact::{Limit, Slot};
use sluice_domain::time::DAY_MS;
use sluice_ports::{ContactLimits, Place, PortError};

use crate::fault::Fault;
use crate::key::Key;
use crate::store::Store;
use crate::tables::{self, Name, Tables};

/// Counts of days before yesterday serve nobody; each write takes a few of them away.
const KEPT_MS: i64 = 2 * DAY_MS;
const TAKEN_AWAY: usize = 64;

/// Event → channel.
type Counted = BTreeMap<String, String>;

fn count_key(slot: &Slot) -> Key {
    Key::of(&slot.tenant).time(slot.day.start()).part(slot.person.as_str())
}

fn has_room(counted: &Counted, limit: &Limit) -> bool {
    let of_channel = |channel: &&String| limit.channel.as_ref().is_none_or(|name| name == *channel);
    let count = counted.values().filter(of_channel).count();
    u32::try_from(count).is_ok_and(|count| count < limit.most)
}

fn take(tables: &mut Tables<'_>, slot: &Slot) -> Result<Place, Fault> {
    let key = count_key(slot);
    let mut counted: Counted = tables.json(Name::ContactCounts, key.as_slice())?.unwrap_or_default();
    let event = slot.event.to_string();
    if counted.contains_key(&event) {
        return Ok(Place::Taken);
    }
    if !slot.limits.iter().all(|limit| has_room(&counted, limit)) {
        return Ok(Place::Full);
    }
    counted.insert(event, slot.channel.clone());
    tables.put(Name::ContactCounts, key.as_slice(), &tables::json(Name::ContactCounts, &counted)?)?;
    forget(tables, slot)?;
    Ok(Place::Taken)
}

fn forget(tables: &mut Tables<'_>, slot: &Slot) -> Result<(), Fault> {
    let from = Key::of(&slot.tenant);
    let to = Key::of(&slot.tenant).time(slot.day.start().plus_ms(-KEPT_MS));
    let mut old = Vec::new();
    let range = from.as_slice()..to.as_slice();
    for entry in
        tables.table(Name::ContactCounts)?.range::<&[u8]>(range).map_err(Fault::store)?.take(TAKEN_AWAY)
    {
        old.push(entry.map_err(Fault::store)?.0.value().to_vec());
    }
    for key in old {
        tables.remove(Name::ContactCounts, &key)?;
    }
    Ok(())
}

impl ContactLimits for Store {
    async fn take_place(&self, slot: &Slot) -> Result<Place, PortError> {
        let slot = slot.clone();
        self.write(move |tables| take(tables, &slot)).await
    }
}
