//! Who holds which message until when.
//!
//! INVARIANT: a message whose id is below the queue's `cursor` and which is still wanted has an entry in `held`; one without an
//! entry is finished, whatever the file says. Ids at or above the cursor have not been looked at by this run of the program,
//! but for messages sent with a delay: those are in `held` from their commit on, and in `passed` once they are finished.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sluice_domain::time::UnixMillis;
use sluice_ports::{PortError, Queue};
use tokio::sync::watch;

use crate::fault::malformed;
use crate::open::ReceiveLimits;
use crate::tables::Effect;

/// What a held message is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Received; its handle is valid until it is received anew.
    InFlight,
    /// Waiting for its time: sent with a delay, or given back.
    Waiting,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// When it can be received (again).
    pub(super) visible_at: i64,
    /// Receives so far, those of earlier runs included.
    pub(super) receives: u32,
    pub(super) doing: Doing,
}

/// One queue's state.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(super) cursor: u64,
    pub(super) held: HashMap<u64, Held>,
    timers: BTreeSet<(i64, u64)>,
    /// Finished messages at or above the cursor: they were sent with a delay and received before their turn.
    passed: BTreeSet<u64>,
    /// Messages on the queue, of every kind. May lag behind a commit for a moment, even below zero.
    total: i64,
}

impl State {
    pub(super) fn hold(&mut self, id: u64, held: Held) {
        if let Some(before) = self.held.insert(id, held) {
            self.timers.remove(&(before.visible_at, id));
        }
        self.timers.insert((held.visible_at, id));
    }

    /// The message is finished.
    fn forget(&mut self, id: u64) {
        if let Some(held) = self.held.remove(&id) {
            self.timers.remove(&(held.visible_at, id));
            self.total -= 1;
            if id >= self.cursor {
                self.passed.insert(id);
            }
        }
    }

    /// Moves the cursor beyond a message; says whether nobody has looked at that one before.
    pub(super) fn pass(&mut self, id: u64) -> bool {
        self.cursor = id.saturating_add(1);
        let finished = self.passed.contains(&id);
        // Those that are gone from the file are never met: everything below the cursor goes.
        self.passed = self.passed.split_off(&self.cursor);
        !finished && !self.held.contains_key(&id)
    }

    /// The message can not be used by this run of the program.
    pub(super) fn skip(&mut self, id: u64) {
        if self.held.contains_key(&id) {
            self.forget(id);
        } else {
            self.total -= 1;
        }
    }

    /// Messages whose time has come, oldest first.
    pub(super) fn due(&self, now: UnixMillis, max: usize) -> Vec<u64> {
        self.timers.range(..=(now.0, u64::MAX)).take(max).map(|(_, id)| *id).collect()
    }

    /// A message nobody has looked at may be there.
    fn unseen(&self) -> i64 {
        self.total - i64::try_from(self.held.len()).unwrap_or(i64::MAX)
    }

    pub(super) fn next_visible_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        if self.unseen() > 0 {
            return Some(now);
        }
        self.timers.first().map(|(at, _)| UnixMillis(*at))
    }

    /// Visible, in flight, delayed.
    pub(super) fn counts(&self, now: UnixMillis) -> (u64, u64, u64) {
        let due = self.timers.range(..=(now.0, u64::MAX)).count();
        let pending = self.held.values().filter(|held| held.visible_at > now.0);
        let (in_flight, delayed): (Vec<&Held>, Vec<&Held>) =
            pending.partition(|held| held.doing == Doing::InFlight);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let unseen = u64::try_from(self.unseen()).unwrap_or(0);
        (unseen + count(due), count(in_flight.len()), count(delayed.len()))
    }
}

/// A message as its receiver names it. Valid for one receive of one run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) id: u64,
    pub(super) receives: u32,
}

impl Handle {
    pub(super) fn text(self, run: u32) -> String {
        format!("{:016x}.{:08x}.{run:08x}", self.id, self.receives)
    }

    fn parse(text: &str, run: u32) -> Option<Self> {
        let mut parts = text.split('.');
        let id = u64::from_str_radix(parts.next()?, 16).ok()?;
        let receives = u32::from_str_radix(parts.next()?, 16).ok()?;
        let same_run = u32::from_str_radix(parts.next()?, 16).ok()? == run;
        (same_run && parts.next().is_none()).then_some(Self { id, receives })
    }
}

/// All queues' states.
#[derive(Debug)]
pub(crate) struct Queues {
    states: [Mutex<State>; Queue::ALL.len()],
    arrivals: [watch::Sender<u64>; Queue::ALL.len()],
    limits: ReceiveLimits,
    newest_id: AtomicU64,
    /// Ids up to this one were on disk when the program started.
    pub(super) left_behind: u64,
    /// Random: handles of an earlier run are not taken.
    run: u32,
}

fn place(queue: Queue) -> usize {
    match queue {
        Queue::Events => 0,
        Queue::Cleared => 1,
        Queue::Assigned => 2,
        Queue::Checks => 3,
    }
}

impl Queues {
    /// Queues of which so many messages, with ids up to `newest_id`, are on disk already.
    pub(crate) fn new(
        totals: [u64; Queue::ALL.len()],
        newest_id: u64,
        limits: ReceiveLimits,
        run: u32,
    ) -> Self {
        let state = |total: u64| {
            Mutex::new(State { total: i64::try_from(total).unwrap_or(i64::MAX), ..State::default() })
        };
        Self {
            states: totals.map(state),
            arrivals: std::array::from_fn(|_| watch::Sender::new(0)),
            limits,
            newest_id: AtomicU64::new(newest_id),
            left_behind: newest_id,
            run,
        }
    }

    pub(super) fn lock(&self, queue: Queue) -> MutexGuard<'_, State> {
        #[expect(clippy::indexing_slicing, reason = "`place` is below the number of queues")]
        let state = &self.states[place(queue)];
        // Every change of a state is complete before anything in it could panic.
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bell(&self, queue: Queue) -> &watch::Sender<u64> {
        #[expect(clippy::indexing_slicing, reason = "`place` is below the number of queues")]
        &self.arrivals[place(queue)]
    }

    pub(super) fn ring(&self, queue: Queue) {
        self.bell(queue).send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    pub(super) fn listen(&self, queue: Queue) -> watch::Receiver<u64> {
        self.bell(queue).subscribe()
    }

    pub(super) fn limit(&self, queue: Queue) -> u32 {
        self.limits.of(queue)
    }

    pub(crate) fn newest_id(&self) -> u64 {
        self.newest_id.load(Ordering::Acquire)
    }

    /// Takes over what a commit made true. Called by the writer alone, in the order of the commits.
    pub(crate) fn committed(&self, effects: &[Effect], newest_id: u64) {
        self.newest_id.store(newest_id, Ordering::Release);
        for queue in Queue::ALL {
            let mut changed = false;
            let mut state = None;
            for effect in effects.iter().filter(|effect| effect.queue() == queue) {
                let state = state.get_or_insert_with(|| self.lock(queue));
                match *effect {
                    Effect::Sent { id, not_before, sent_at, .. } => {
                        state.total += 1;
                        // A receiver that saw the commit first has passed it already, and holds it if it is still wanted.
                        if not_before > sent_at && id >= state.cursor {
                            state.hold(
                                id,
                                Held { visible_at: not_before, receives: 0, doing: Doing::Waiting },
                            );
                        }
                    }
                    Effect::Left { id, .. } => state.forget(id),
                }
                changed = true;
            }
            drop(state);
            if changed {
                self.ring(queue);
            }
        }
    }

    pub(super) fn handle(&self, handle: Handle) -> String {
        handle.text(self.run)
    }

    /// The message that a handle names, if it is the one of its latest receive.
    pub(super) fn resolve(&self, state: &State, handle: &str) -> Result<Option<(u64, Held)>, PortError> {
        let Some(handle) = Handle::parse(handle, self.run) else {
            return Err(malformed("receipt handle"));
        };
        let held = state.held.get(&handle.id).copied();
        Ok(held
            .filter(|held| held.receives == handle.receives && held.doing == Doing::InFlight)
            .map(|held| (handle.id, held)))
    }

    /// Takes finished messages off the queue; gives the ids that are to be removed from the file. Stale handles name nothing.
    pub(super) fn finish(&self, queue: Queue, handles: &[String]) -> Result<Vec<u64>, PortError> {
        let mut state = self.lock(queue);
        let found: Vec<_> =
            handles.iter().map(|handle| self.resolve(&state, handle)).collect::<Result<_, _>>()?;
        let ids: Vec<u64> = found.into_iter().flatten().map(|(id, _)| id).collect();
        for id in &ids {
            state.forget(*id);
        }
        Ok(ids)
    }
}
