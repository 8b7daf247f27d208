use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

/// What a worker is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Deliveries::claim`](crate::Deliveries::claim).
    Claim,
    /// [`Deliveries::settle`](crate::Deliveries::settle).
    Settle,
    /// The request to the channel.
    Send,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done and answered.
    Done,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is lost on the way; nobody is told.
    NotDone,
    /// The channel says: not now. Of [`Operation::Send`] alone.
    Busy,
    /// The channel says: never. Of [`Operation::Send`] alone.
    Refused,
}

impl Operation {
    /// What may happen to it but [`Fate::Done`].
    pub(super) fn faults(self) -> &'static [Fate] {
        match self {
            Self::Claim | Self::Settle => &[Fate::AnswerLost, Fate::NotDone],
            Self::Send => &[Fate::AnswerLost, Fate::NotDone, Fate::Busy, Fate::Refused],
        }
    }
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Free,
    Waiting(Operation),
    Told(Fate),
}

/// Where a worker stops before each of its operations, until the explorer tells it what becomes of it.
///
/// It keeps no waker: the explorer polls the worker itself, right after it has told.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate(Arc<Mutex<Slot>>);

impl Gate {
    pub(super) async fn pass(&self, operation: Operation) -> Fate {
        poll_fn(|_| {
            let mut slot = self.slot();
            if let Slot::Told(fate) = *slot {
                *slot = Slot::Free;
                return Poll::Ready(fate);
            }
            *slot = Slot::Waiting(operation);
            Poll::Pending
        })
        .await
    }

    /// What the worker waits to do.
    pub(super) fn waiting(&self) -> Option<Operation> {
        match *self.slot() {
            Slot::Waiting(operation) => Some(operation),
            Slot::Free | Slot::Told(_) => None,
        }
    }

    pub(super) fn tell(&self, fate: Fate) {
        *self.slot() = Slot::Told(fate);
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap()
    }
}
