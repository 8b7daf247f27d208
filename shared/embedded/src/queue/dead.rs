use serde::{Deserialize, Serialize};
use sluice_domain::id::TraceId;
use sluice_domain::time::UnixMillis;
use sluice_ports::{BuriedMessage, Page, PortError, Queue};

use super::{Header, Outgoing, enqueue};
use crate::fault::Fault;
use crate::listing::{self, Range};
use crate::store::Store;
use crate::tables::{self, Effect, Name, Tables};

/// A message that will not be delivered again by itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its place among the dead letters: what `redrive` takes.
    #[serde(default, skip_serializing)]
    pub id: String,
    /// The body as it was sent.
    pub body: String,
    /// Its trace, if known.
    pub trace_id: Option<TraceId>,
    /// Stable code of the reason: `max_receives`, `malformed_message`, …
    pub code: String,
    /// The reason in words.
    pub detail: String,
    /// When it was buried.
    pub buried_at: UnixMillis,
    /// How often it had come back from the dead letters before.
    #[serde(default)]
    pub redrives: u32,
}

/// Without the body.
impl std::fmt::Debug for DeadLetter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("DeadLetter")
            .field("id", &self.id)
            .field("code", &self.code)
            .field("detail", &self.detail)
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
}

/// Which dead letters go back to their queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redrive {
    /// All of them.
    All,
    /// Those of one event.
    Trace(TraceId),
    /// One, by [`DeadLetter::id`].
    One(String),
}

impl Redrive {
    fn takes(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::All => true,
            Self::Trace(trace) => letter.trace_id == Some(*trace),
            Self::One(id) => letter.id == *id,
        }
    }
}

impl DeadLetter {
    pub(super) fn buried(message: BuriedMessage, at: UnixMillis) -> Self {
        let BuriedMessage { body, trace_id, code, detail } = message;
        Self { id: String::new(), body, trace_id, code, detail, buried_at: at, redrives: 0 }
    }

    fn stored(name: Name, key: &[u8], value: &[u8]) -> Result<Self, PortError> {
        Ok(Self { id: hex::encode(key), ..tables::parse(name, value)? })
    }
}

/// Stores a dead letter.
pub(super) fn put(tables: &mut Tables<'_>, queue: Queue, letter: &DeadLetter) -> Result<(), Fault> {
    let value = tables::json(Name::dead(queue), letter)?;
    let id = tables.next_id(letter.buried_at);
    tables.put(Name::dead(queue), &id.to_be_bytes(), &value)
}

/// Moves a message that was received too often.
pub(super) fn spent(
    tables: &mut Tables<'_>,
    queue: Queue,
    id: u64,
    limit: u32,
    now: UnixMillis,
) -> Result<(), Fault> {
    let Some(value) = tables.bytes(Name::messages(queue), &id.to_be_bytes())? else { return Ok(()) };
    let (header, body) = Header::of(&value)?;
    let letter = DeadLetter {
        id: String::new(),
        body: body.to_owned(),
        trace_id: header.trace_id,
        code: "max_receives".to_owned(),
        detail: format!("received {limit} times and never finished"),
        buried_at: now,
        redrives: header.redrives,
    };
    put(tables, queue, &letter)?;
    tables.remove(Name::messages(queue), &id.to_be_bytes())?;
    tables.effects.push(Effect::Left { queue, id });
    Ok(())
}

/// Writes a receive count.
pub(super) fn count(tables: &mut Tables<'_>, queue: Queue, id: u64, receives: u32) -> Result<(), Fault> {
    let Some(value) = tables.bytes(Name::messages(queue), &id.to_be_bytes())? else { return Ok(()) };
    let (header, body) = Header::of(&value)?;
    tables.put(Name::messages(queue), &id.to_be_bytes(), &Header { receives, ..header }.with(body))
}

impl Store {
    /// The dead letters of a queue, oldest first, a page at a time.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as every listing of the ports: hand the page's `next` back"
    )]
    pub fn dead_letters(&self, queue: Queue, cursor: Option<String>) -> Result<Page<DeadLetter>, PortError> {
        let name = Name::dead(queue);
        let snapshot = self.snapshot()?;
        let table = tables::read(&snapshot, name)?;
        listing::page(&table, &Range::everything(), cursor.as_deref(), |key, value| {
            DeadLetter::stored(name, key, value)
        })
    }

    /// Puts dead letters back on their queue with a receive count of zero; says how many.
    pub async fn redrive(&self, queue: Queue, which: Redrive) -> Result<usize, PortError> {
        if let Redrive::One(id) = which {
            return Ok(self.redrive_these(queue, vec![id]).await?.len());
        }
        let (mut cursor, mut redriven) = (None, 0);
        loop {
            let page = self.dead_letters(queue, cursor)?;
            let taken = page.items.into_iter().filter(|letter| which.takes(letter));
            let ids: Vec<_> = taken.map(|letter| letter.id).collect();
            if !ids.is_empty() {
                redriven += self.redrive_these(queue, ids).await?.len();
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(redriven),
            }
        }
    }

    /// Puts the dead letters of these ids back; gives the ids of those that were there.
    pub(crate) async fn redrive_these(
        &self,
        queue: Queue,
        ids: Vec<String>,
    ) -> Result<Vec<String>, PortError> {
        let now = self.now();
        self.write(move |tables| put_back(tables, queue, ids, now)).await
    }
}

fn put_back(
    tables: &mut Tables<'_>,
    queue: Queue,
    ids: Vec<String>,
    now: UnixMillis,
) -> Result<Vec<String>, Fault> {
    let mut redriven = Vec::with_capacity(ids.len());
    for id in ids {
        let key = hex::decode(&id).unwrap_or_default();
        // Somebody else may have put it back meanwhile.
        let Some(letter) = tables.json::<DeadLetter>(Name::dead(queue), &key)? else { continue };
        tables.remove(Name::dead(queue), &key)?;
        let redrives = letter.redrives.saturating_add(1);
        let header =
            Header { receives: 0, redrives, not_before: now, sent_at: now, trace_id: letter.trace_id };
        enqueue(tables, queue, &Outgoing::redriven(header, letter.body))?;
        redriven.push(id);
    }
    Ok(redriven)
}
