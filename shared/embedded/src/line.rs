//! The waiting line in front of the writer.
//!
//! A caller wakes the writer only when it must: when the writer waits for a first call, or when the company it waits for is
//! complete. With a wake for every call, sixteen callers would cost sixteen switches between threads for one batch.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where callers leave what the one reader takes in batches.
#[derive(Debug)]
pub(crate) struct Line<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    /// The reader sleeps until so many wait; `usize::MAX` while it works.
    wanted: usize,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Both sides are there.
    Open,
    /// Nobody comes any more; what waits is still taken.
    Closed,
    /// The reader is gone.
    Abandoned,
}

/// What a look at the line gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    /// At least one.
    Some(Vec<T>),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    End,
}

/// How long the reader waits, and for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the first; `None` is for ever.
    pub(crate) first: Option<Duration>,
    /// Once there is a first, for so many in all …
    pub(crate) company: usize,
    /// … for at most so long.
    pub(crate) company_for: Duration,
    /// The most that are taken.
    pub(crate) limit: usize,
}

impl<T> Line<T> {
    pub(crate) fn new() -> Self {
        let state = State { waiting: VecDeque::new(), wanted: usize::MAX, end: End::Open };
        Self { state: Mutex::new(state), ready: Condvar::new() }
    }

    /// Joins the line; gives the item back when the reader is gone or nobody may join any more.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.end != End::Open {
            return Err(item);
        }
        state.waiting.push_back(item);
        let wake = state.waiting.len() >= state.wanted;
        drop(state);
        if wake {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Nobody joins any more; what waits is still taken.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = End::Closed;
        }
        drop(state);
        self.ready.notify_one();
    }

    /// The reader is gone: what waits is dropped, so that whoever waits for an answer learns of it.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.end = End::Abandoned;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        drop(dropped);
    }

    /// Takes what waits. Only one thread may call it.
    pub(crate) fn take(&self, patience: Patience) -> Taken<T> {
        let mut state = self.wait_for(self.lock(), 1, patience.first);
        if state.waiting.is_empty() {
            return if state.end == End::Open { Taken::Nothing } else { Taken::End };
        }
        if state.waiting.len() < patience.company.min(patience.limit) {
            state = self.wait_for(state, patience.company.min(patience.limit), Some(patience.company_for));
        }
        let count = state.waiting.len().min(patience.limit);
        Taken::Some(state.waiting.drain(..count).collect())
    }

    /// Sleeps until `wanted` wait, the time is over, or the line is closed.
    fn wait_for<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        wanted: usize,
        longest: Option<Duration>,
    ) -> MutexGuard<'a, State<T>> {
        let deadline = longest.map(|longest| Instant::now() + longest);
        while state.waiting.len() < wanted && state.end == End::Open {
            state.wanted = wanted;
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => self.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state.wanted = usize::MAX;
        state
    }

    /// Nothing that holds the lock panics half-way, so a poisoned line is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn patience(company: usize) -> Patience {
        Patience { first: None, company, company_for: Duration::from_mins(1), limit: 8 }
    }

    #[test]
    fn the_reader_gets_the_whole_company_at_once() {
        let line = Arc::new(Line::new());
        let callers = Arc::clone(&line);
        let thread = std::thread::spawn(move || (0..5).for_each(|number| callers.push(number).unwrap()));
        assert_eq!(line.take(patience(5)), Taken::Some(vec![0, 1, 2, 3, 4]));
        thread.join().unwrap();
    }

    #[test]
    fn no_more_are_taken_than_the_limit() {
        let line = Line::new();
        (0..10).for_each(|number| line.push(number).unwrap());
        assert_eq!(line.take(patience(1)), Taken::Some((0..8).collect()));
        assert_eq!(line.take(patience(1)), Taken::Some(vec![8, 9]));
    }

    #[test]
    fn nothing_in_time_is_nothing() {
        let line = Line::<u8>::new();
        let hurried = Patience { first: Some(Duration::from_millis(1)), ..patience(1) };
        assert_eq!(line.take(hurried), Taken::Nothing);
    }

    #[test]
    fn what_waits_is_taken_after_the_close_and_then_it_ends() {
        let line = Line::new();
        line.push(1).unwrap();
        line.close();
        assert_eq!(line.push(2), Err(2));
        assert_eq!(line.take(patience(5)), Taken::Some(vec![1]));
        assert_eq!(line.take(patience(5)), Taken::End);
    }

    #[test]
    fn an_abandoned_line_drops_what_waits_and_turns_everybody_away() {
        let (line, item) = (Line::new(), Arc::new(()));
        line.push(Arc::clone(&item)).unwrap();
        line.abandon();
        assert_eq!(Arc::strong_count(&item), 1);
        assert!(line.push(item).is_err());
    }
}
