//! Limits: no call leaves that would be one too many, whichever process sends it.
//!
//! [`ledger`] is what the processes know together, [`pool`] what one of them holds, [`needs`] which limits a send has.

mod cap;
mod ledger;
pub(crate) mod needs;
mod pool;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_domain::limit::LimitName;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError, Replaced, StateKey};

use crate::shared::Shared;
use cap::Cap;
use ledger::{Answer, Ask, Ledger};
use pool::{Found, Permit, Pool};

/// How often a ledger that others write at the same time is read again.
const LOOKS: usize = 8;
/// More limits than these are not kept in mind when nothing is going on at them.
const MOST_CELLS: usize = 4_096;
/// Whoever comes first waits so long for the whole block, in hand.
const SOON_MS: i64 = 1_000;
/// A message that had its permits looks again so often when it was held up on the way.
const TRIES: usize = 3;

/// One permit that a send needs.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    pub(crate) name: LimitName,
    pub(crate) key: StateKey,
    pub(crate) cap: Cap,
    /// Whose, where companies share the limit.
    pub(crate) tenant: String,
}

/// Why a send does not leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// A limit is reached until then.
    Until(LimitName, UnixMillis),
    /// What is spent can not be known: nothing leaves.
    Unknown(PortError),
}

/// The limits of this process.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    cells: Mutex<HashMap<(StateKey, String), Arc<Cell>>>,
}

#[derive(Debug, Default)]
struct Cell {
    pool: Mutex<Pool>,
    waiting: AtomicU32,
    /// Held by whoever asks the ledger.
    flight: tokio::sync::Mutex<()>,
}

/// One more that waits for permits, for as long as it does.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn at(cell: &'a Cell) -> Self {
        cell.waiting.fetch_add(1, Ordering::Relaxed);
        Self(&cell.waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cell {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    /// Returns when the send may leave, at once; or says when to come back.
    pub(crate) async fn admit(
        &self,
        shared: &Shared,
        clock: &impl Clock,
        needs: &[Need],
    ) -> Result<Admitted, NotAdmitted> {
        for _ in 0..TRIES {
            let mut going = Going { permits: Vec::with_capacity(needs.len()), used: false };
            for need in needs {
                let cell = self.cell(need, clock.now().0);
                let permit = self.permit(shared, clock, need, &cell).await?;
                going.permits.push((cell, permit));
                // Its moment first: the next permit may not last as long.
                until(clock, permit.from).await;
            }
            if let Some(admitted) = going.depart(clock, needs).await {
                return Ok(admitted);
            }
        }
        let name = needs.first().map_or(LimitName::WecomBot, |need| need.name);
        Err(NotAdmitted::Until(name, clock.now().plus_ms(1_000)))
    }

    async fn permit(
        &self,
        shared: &Shared,
        clock: &impl Clock,
        need: &Need,
        cell: &Cell,
    ) -> Result<Permit, NotAdmitted> {
        let _waiting = Waiting::at(cell);
        loop {
            if let Some(found) = found(shared, clock, need, cell) {
                return found;
            }
            let _flight = cell.flight.lock().await;
            // Whoever had it before may have brought permits for all, or the news that there are none.
            if let Some(found) = found(shared, clock, need, cell) {
                return found;
            }
            self.ask(shared, clock, need, cell).await.map_err(NotAdmitted::Unknown)?;
        }
    }

    /// Asks the ledger for a block, once for everybody who waits here.
    async fn ask(
        &self,
        shared: &Shared,
        clock: &impl Clock,
        need: &Need,
        cell: &Cell,
    ) -> Result<(), PortError> {
        let holder = match need.tenant.as_str() {
            "" => shared.instance().to_owned(),
            tenant => format!("{}/{tenant}", shared.instance()),
        };
        let mut stored = shared.document(&need.key).await?;
        let (eager, kept, mut waits) = {
            let mut pool = cell.pool();
            (pool.eager(), pool.settle(), pool.is_first())
        };
        for _ in 0..LOOKS {
            let mut ledger: Ledger = match &stored {
                Some(stored) => crate::shared::parse(&need.key, &stored.body)?,
                None => Ledger::default(),
            };
            let now = clock.now().0;
            let ask = Ask {
                now,
                holder: &holder,
                tenant: &need.tenant,
                need: cell.waiting.load(Ordering::Relaxed),
                eager,
                kept,
            };
            let (answer, changed) = ledger.take(&need.cap, ask);
            if changed {
                let seen = stored.as_ref().map(|stored| stored.version.as_str());
                let forget_at = UnixMillis(ledger.forget_at(&need.cap));
                let body = crate::shared::json(&need.key, &ledger)?;
                if let Replaced::Overtaken(newer) = shared.replace(&need.key, seen, body, forget_at).await? {
                    stored = newer;
                    continue;
                }
            }
            match answer {
                Answer::Block(block) => cell.pool().open(block),
                Answer::Wait(at) if waits && at <= now + SOON_MS => {
                    // Back in the queue, it would come after the others, and these would divide the block between them.
                    waits = false;
                    until(clock, at).await;
                    stored = shared.document(&need.key).await?;
                    continue;
                }
                Answer::Wait(at) => cell.pool().close(at.max(now + 1)),
            }
            return Ok(());
        }
        cell.pool().close(clock.now().0 + 250);
        Ok(())
    }

    fn cell(&self, need: &Need, now: i64) -> Arc<Cell> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= MOST_CELLS {
            cells.retain(|_, cell| Arc::strong_count(cell) > 1 || !cell.pool().is_over(&need.cap, now));
        }
        Arc::clone(cells.entry((need.key.clone(), need.tenant.clone())).or_default())
    }
}

fn found(
    shared: &Shared,
    clock: &impl Clock,
    need: &Need,
    cell: &Cell,
) -> Option<Result<Permit, NotAdmitted>> {
    let mut pool = cell.pool();
    match pool.take(&need.cap, clock.now().0, cell.waiting.load(Ordering::Relaxed)) {
        Found::Permit(permit) => Some(Ok(permit)),
        Found::Wait(until) => {
            let until = pool.line(&need.cap, until, shared.offset());
            Some(Err(NotAdmitted::Until(need.name, UnixMillis(until))))
        }
        Found::Nothing => None,
    }
}

/// A send that may leave, now.
#[derive(Debug)]
#[must_use = "the answer to it frees its place in the short spans"]
pub(crate) struct Admitted {
    left: Vec<(Arc<Cell>, u64)>,
}

impl Admitted {
    /// The platform has answered.
    pub(crate) fn answered(self, now: i64) {
        for (cell, ticket) in self.left {
            cell.pool().answered(ticket, now);
        }
    }
}

/// Waits for a moment.
async fn until(clock: &impl Clock, at: i64) {
    if let Ok(ms @ 1..) = u64::try_from(at - clock.now().0) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// A message with all its permits. Those it does not use go back, also when it is dropped on the way.
struct Going {
    permits: Vec<(Arc<Cell>, Permit)>,
    used: bool,
}

impl Going {
    /// Waits for the moment, and takes its place in the short spans. `None` when it was held up for too long: a permit is over.
    async fn depart(&mut self, clock: &impl Clock, needs: &[Need]) -> Option<Admitted> {
        let mut at = self.permits.iter().map(|(_, permit)| permit.from).max().unwrap_or_default();
        loop {
            let now = clock.now().0;
            if now < at {
                until(clock, at).await;
                continue;
            }
            let mut later = None;
            for (need, (cell, permit)) in needs.iter().zip(&self.permits) {
                match cell.pool().may_depart(&need.cap, *permit, now) {
                    Ok(()) => {}
                    Err(None) => return None,
                    Err(Some(at)) => later = later.max(Some(at)),
                }
            }
            if let Some(later) = later {
                at = later;
                continue;
            }
            // Another thread may depart between the looks and here: then a span is used more tightly, within its margin.
            let mut left = Vec::new();
            for (need, (cell, _)) in needs.iter().zip(&self.permits) {
                let ticket = cell.pool().departed(&need.cap, now);
                left.extend(ticket.map(|ticket| (Arc::clone(cell), ticket)));
            }
            self.used = true;
            return Some(Admitted { left });
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        for (cell, permit) in &self.permits {
            let mut pool = cell.pool();
            pool.gone();
            if !self.used {
                pool.give_back(*permit);
            }
        }
    }
}
