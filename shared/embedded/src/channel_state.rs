//! What senders know together, a document a key. In one process it outlives a restart: a limit that was spent before it is spent after it.

use redb::ReadableTable as _;
use serde::{Deserialize, Serialize};
use sluice_domain::time::UnixMillis;
use sluice_ports::{ChannelState, PortError, Replaced, StateDocument, StateKey};

use crate::fault::Fault;
use crate::key::Key;
use crate::store::Store;
use crate::tables::{self, Name, Tables};

const TABLE: Name = Name::ChannelStates;
/// Each write looks at so many of its neighbours, and takes those away whose time is over.
const LOOKED_AT: usize = 16;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    forget_at: UnixMillis,
    body: String,
}

impl Stored {
    fn document(self) -> StateDocument {
        StateDocument { body: self.body, version: self.version.to_string() }
    }
}

/// A tenant's name is never empty, so what nobody owns has a place of its own.
fn key_of(key: &StateKey) -> Key {
    let tenant = key.tenant.as_ref().map_or("", |tenant| tenant.as_str());
    Key::default().part(tenant).part(key.kind).part(&key.name)
}

fn replace(
    tables: &mut Tables<'_>,
    key: &Key,
    seen: Option<&str>,
    new: (String, UnixMillis),
    now: UnixMillis,
) -> Result<Replaced, Fault> {
    let there: Option<Stored> = tables.json(TABLE, key.as_slice())?;
    let version = there.as_ref().map(|there| there.version.to_string());
    if version.as_deref() != seen {
        return Ok(Replaced::Overtaken(there.map(Stored::document)));
    }
    // Ids rise for ever: a document that was forgotten and comes back never has a version again that somebody still holds.
    let (version, (body, forget_at)) = (tables.next_id(now), new);
    let stored = Stored { version, forget_at, body };
    tables.put(TABLE, key.as_slice(), &tables::json(TABLE, &stored)?)?;
    forget(tables, key, now)?;
    Ok(Replaced::Done { version: version.to_string() })
}

fn forget(tables: &mut Tables<'_>, after: &Key, now: UnixMillis) -> Result<(), Fault> {
    let mut old = Vec::new();
    for entry in
        tables.table(TABLE)?.range::<&[u8]>(after.as_slice()..).map_err(Fault::store)?.take(LOOKED_AT)
    {
        let (key, value) = entry.map_err(Fault::store)?;
        if tables::parse::<Stored>(TABLE, value.value())?.forget_at < now {
            old.push(key.value().to_vec());
        }
    }
    for key in old {
        tables.remove(TABLE, &key)?;
    }
    Ok(())
}

impl ChannelState for Store {
    async fn document(&self, key: &StateKey) -> Result<Option<StateDocument>, PortError> {
        Ok(self.lookup::<Stored>(TABLE, key_of(key).as_slice())?.map(Stored::document))
    }

    async fn replace(
        &self,
        key: &StateKey,
        seen: Option<&str>,
        body: String,
        forget_at: UnixMillis,
    ) -> Result<Replaced, PortError> {
        let (limit, got) = (Self::LARGEST, body.len());
        if got > limit {
            return Err(PortError::TooLarge { what: TABLE.as_str(), limit, got });
        }
        let (key, seen, now) = (key_of(key), seen.map(str::to_owned), self.now());
        self.write(move |tables| replace(tables, &key, seen.as_deref(), (body, forget_at), now)).await
    }
}
