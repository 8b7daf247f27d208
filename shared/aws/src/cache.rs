//! What is asked of AWS once and kept for a while: tenants' keys and secrets.
//!
//! An entry is *fresh*, then *ageing*, then gone. The first caller who finds it ageing asks again while the others still get what
//! is there; one that is gone is never handed out, whatever AWS says (fail closed). Per entry one question is under way at a time:
//! who comes meanwhile takes its answer, a failure included. After a failure nobody asks for a moment, so that an outage is not
//! met with a storm; after a definite refusal (no such secret, key disabled, access denied) the entry is dropped at once.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sluice_domain::failure::FailureKind;
use sluice_domain::time::UnixMillis;
use sluice_ports::{Clock, PortError};

/// How long entries are used, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Younger entries are handed out without asking, in milliseconds.
    pub(crate) fresh_ms: i64,
    /// Older ones never, in milliseconds.
    pub(crate) usable_ms: i64,
    /// Nor those handed out so often.
    pub(crate) uses: u64,
    /// How long nobody asks after a failure, in milliseconds.
    pub(crate) pause_ms: i64,
    /// A caller who could use the old entry waits no longer than this for a new one.
    pub(crate) patience: Duration,
    /// Entries at most; the longest unasked goes first.
    pub(crate) entries: usize,
}

/// Entries by key.
pub(crate) struct Cache<K, T> {
    what: &'static str,
    limits: Limits,
    clock: Arc<dyn Clock>,
    cells: Mutex<HashMap<K, Arc<Cell<T>>>>,
}

struct Cell<T> {
    state: Mutex<State<T>>,
    /// Held by whoever asks.
    flight: tokio::sync::Mutex<()>,
}

struct State<T> {
    kept: Option<Kept<T>>,
    failure: Option<(UnixMillis, PortError)>,
    /// Answers so far.
    landed: u64,
    asked_for: UnixMillis,
}

struct Kept<T> {
    value: Arc<T>,
    /// When it was asked for: it can not be older than that.
    since: UnixMillis,
    uses: u64,
}

/// What a caller finds.
enum Found<T> {
    Fresh(Arc<T>),
    Ageing(Arc<T>),
    Paused(PortError),
    Nothing { landed: u64 },
}

impl<K: Eq + Hash + Clone, T> Cache<K, T> {
    pub(crate) fn new(what: &'static str, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self { what, limits, clock, cells: Mutex::default() }
    }

    /// The entry of a key; `load` asks AWS for it when it must.
    pub(crate) async fn get<F, Answer>(&self, key: &K, load: F) -> Result<Arc<T>, PortError>
    where
        F: FnOnce() -> Answer,
        Answer: Future<Output = Result<T, PortError>>,
    {
        let cell = self.cell(key);
        let landed = match cell.look(self.clock.now(), &self.limits) {
            Found::Fresh(value) => return Ok(value),
            Found::Paused(error) => return Err(error),
            Found::Ageing(value) => return self.renew(&cell, value, load).await,
            Found::Nothing { landed } => landed,
        };
        let _flight = cell.flight.lock().await;
        let (answers, failure) = {
            let state = cell.state();
            (state.landed, state.failure.as_ref().map(|(_, error)| error.clone()))
        };
        if answers != landed {
            // Somebody else's answer came while this caller waited.
            match cell.look(self.clock.now(), &self.limits) {
                Found::Fresh(value) | Found::Ageing(value) => return Ok(value),
                Found::Paused(error) => return Err(error),
                Found::Nothing { .. } => {
                    if let Some(error) = failure {
                        return Err(error);
                    }
                }
            }
        }
        // Boxed: an SDK's call is large, and the happy path never makes one.
        self.ask(&cell, Box::pin(load())).await
    }

    async fn renew<F, Answer>(&self, cell: &Cell<T>, old: Arc<T>, load: F) -> Result<Arc<T>, PortError>
    where
        F: FnOnce() -> Answer,
        Answer: Future<Output = Result<T, PortError>>,
    {
        let Ok(_flight) = cell.flight.try_lock() else { return Ok(old) };
        let patient = async {
            let late = || PortError::Unavailable { what: self.what, cause: "no answer in time".to_owned() };
            tokio::time::timeout(self.limits.patience, Box::pin(load())).await.unwrap_or_else(|_| Err(late()))
        };
        match self.ask(cell, patient).await {
            Err(error) if passes(&error) => {
                tracing::warn!("what is kept is used a little longer: {error}");
                Ok(old)
            }
            answer => answer,
        }
    }

    async fn ask(
        &self,
        cell: &Cell<T>,
        answer: impl Future<Output = Result<T, PortError>>,
    ) -> Result<Arc<T>, PortError> {
        let since = self.clock.now();
        let answer = answer.await.map(Arc::new);
        let now = self.clock.now();
        let mut state = cell.state();
        state.landed = state.landed.wrapping_add(1);
        match answer {
            Ok(value) => {
                state.failure = None;
                state.kept = Some(Kept { value: Arc::clone(&value), since, uses: 1 });
                Ok(value)
            }
            Err(error) => {
                if !passes(&error) {
                    state.kept = None;
                }
                state.failure = Some((now, error.clone()));
                Err(error)
            }
        }
    }

    fn cells(&self) -> MutexGuard<'_, HashMap<K, Arc<Cell<T>>>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, key: &K) -> Arc<Cell<T>> {
        let mut cells = self.cells();
        if let Some(cell) = cells.get(key) {
            return Arc::clone(cell);
        }
        if cells.len() >= self.limits.entries {
            let oldest = cells.iter().min_by_key(|(_, cell)| cell.state().asked_for);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                cells.remove(&key);
            }
        }
        let cell = Arc::new(Cell::new(self.clock.now()));
        cells.insert(key.clone(), Arc::clone(&cell));
        cell
    }
}

impl<T> Cell<T> {
    fn new(now: UnixMillis) -> Self {
        let state = State { kept: None, failure: None, landed: 0, asked_for: now };
        Self { state: Mutex::new(state), flight: tokio::sync::Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, now: UnixMillis, limits: &Limits) -> Found<T> {
        let mut state = self.state();
        state.asked_for = now;
        let paused = state.failure.as_ref().filter(|(at, _)| within(now, *at, limits.pause_ms));
        let paused = paused.map(|(_, error)| error.clone());
        if let Some(kept) = &mut state.kept
            && within(now, kept.since, limits.usable_ms)
            && kept.uses < limits.uses
        {
            kept.uses += 1;
            let value = Arc::clone(&kept.value);
            let fresh = within(now, kept.since, limits.fresh_ms) || paused.is_some();
            return if fresh { Found::Fresh(value) } else { Found::Ageing(value) };
        }
        state.kept = None;
        match paused {
            Some(error) => Found::Paused(error),
            None => Found::Nothing { landed: state.landed },
        }
    }
}

/// A clock that was put back must not make an entry younger: then it is too old.
fn within(now: UnixMillis, since: UnixMillis, ms: i64) -> bool {
    (0..ms).contains(&now.since(since))
}

/// May the same question be answered otherwise in a moment, without a person?
fn passes(error: &PortError) -> bool {
    match error.kind() {
        FailureKind::Retry | FailureKind::ThrottledUntil(_) => true,
        FailureKind::Permanent | FailureKind::InDoubt | FailureKind::Configuration => false,
    }
}

#[cfg(test)]
mod tests;
