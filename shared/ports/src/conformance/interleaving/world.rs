use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use sluice_domain::delivery::{Delivery, DeliveryState};
use sluice_domain::time::UnixMillis;

use super::channel::Memory;
use super::gate::{Fate, Operation};
use super::hands::{Hands, Surroundings, shape};
use super::ledger::{Breach, Property};
use super::worker::Ending;
use crate::Deliveries;
use crate::conformance::samples::{NOON, brand, key};

/// How far the explorer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// Workers at the same time.
    pub workers: usize,
    /// How often the message is received, repeats by the queue included.
    pub receives: u8,
    /// Crashes, lost requests, lost answers, refusals by the channel.
    pub faults: u8,
    /// How often the time jumps to the end of a claim or a pause, or beyond the channel's memory.
    pub jumps: u8,
    /// What the channel remembers.
    pub memory: Memory,
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The queue hands the message to a further worker, whether or not another still has it.
    Receive,
    /// A worker's next operation happens.
    Step(u8, Operation, Fate),
    /// A worker's process ends where it is.
    Crash(u8),
    /// The deadline of the claim, or the end of the pause, passes.
    DeadlinePasses,
    /// So much time passes that the channel remembers nothing of before.
    ChannelForgets,
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receive => out.write_str("the message is received"),
            Self::Step(worker, operation, fate) => write!(out, "worker {worker}: {operation:?}, {fate:?}"),
            Self::Crash(worker) => write!(out, "worker {worker} dies"),
            Self::DeadlinePasses => out.write_str("the deadline passes"),
            Self::ChannelForgets => out.write_str("the channel forgets"),
        }
    }
}

type Running = Pin<Box<dyn Future<Output = Ending> + Send>>;

struct Worker<S> {
    hands: Hands<S>,
    program: Running,
}

/// One message, its delivery, and the workers that have it.
pub(super) struct World<S, P> {
    store: S,
    program: P,
    surroundings: Arc<Surroundings>,
    left: Scenario,
    received: u8,
    deleted: bool,
    workers: Vec<Worker<S>>,
}

impl<S, P, F> World<S, P>
where
    S: Deliveries + Clone + 'static,
    P: Fn(Hands<S>) -> F,
    F: Future<Output = Ending> + Send + 'static,
{
    pub(super) fn new(store: S, program: P, scenario: Scenario, event: u32) -> Self {
        let surroundings = Arc::new(Surroundings::new(scenario.memory, event));
        Self {
            store,
            program,
            surroundings,
            left: scenario,
            received: 0,
            deleted: false,
            workers: Vec::new(),
        }
    }

    /// What may happen next.
    pub(super) async fn enabled(&mut self) -> Result<Vec<Action>, Breach> {
        let mut actions = Vec::new();
        let busy = self.busy_until().await?.is_some();
        for worker in &self.workers {
            let number = worker.hands.worker();
            let Some(operation) = worker.hands.gate().waiting() else { continue };
            actions.push(Action::Step(number, operation, Fate::Done));
            if self.left.faults > 0 {
                let faults = operation.faults().iter();
                actions.extend(faults.map(|fate| Action::Step(number, operation, *fate)));
                actions.push(Action::Crash(number));
            }
        }
        if self.left.receives > 0 && self.workers.len() < self.left.workers {
            actions.push(Action::Receive);
        }
        if self.left.jumps > 0 {
            if busy {
                actions.push(Action::DeadlinePasses);
            }
            // A process that stood still for hours between its look at the clock and its request is ended by its function's time
            // limit: no claim could fence that request.
            let sending =
                self.workers.iter().any(|worker| worker.hands.gate().waiting() == Some(Operation::Send));
            if matches!(self.left.memory, Memory::Window { .. }) && !sending && self.received > 0 {
                actions.push(Action::ChannelForgets);
            }
        }
        Ok(actions)
    }

    pub(super) async fn apply(&mut self, action: Action) -> Result<(), Breach> {
        match action {
            Action::Receive => self.receive().await,
            Action::Step(number, _, fate) => {
                if fate != Fate::Done {
                    self.left.faults = self.left.faults.saturating_sub(1);
                }
                self.step(number, fate).await;
            }
            Action::Crash(number) => {
                self.left.faults = self.left.faults.saturating_sub(1);
                self.workers.retain(|worker| worker.hands.worker() != number);
            }
            Action::DeadlinePasses => {
                self.left.jumps = self.left.jumps.saturating_sub(1);
                self.pass_deadline().await?;
            }
            Action::ChannelForgets => {
                self.left.jumps = self.left.jumps.saturating_sub(1);
                let Memory::Window { ms } = self.left.memory else { return Ok(()) };
                self.surroundings.now.fetch_add(ms, Ordering::SeqCst);
            }
        }
        let ledger = self.surroundings.ledger.lock().unwrap();
        ledger.breach().map_or(Ok(()), |breach| Err(breach.clone()))
    }

    async fn receive(&mut self) {
        self.left.receives = self.left.receives.saturating_sub(1);
        self.received = self.received.saturating_add(1);
        let hands = Hands::new(self.store.clone(), Arc::clone(&self.surroundings), self.received);
        let program = Box::pin((self.program)(hands.clone()));
        let mut worker = Worker { hands, program };
        match run(&mut worker).await {
            None => self.workers.push(worker),
            Some(ending) => self.ended(self.received, ending),
        }
    }

    async fn step(&mut self, number: u8, fate: Fate) {
        let Some(place) = self.workers.iter().position(|worker| worker.hands.worker() == number) else {
            return;
        };
        let worker = &mut self.workers[place];
        worker.hands.gate().tell(fate);
        if let Some(ending) = run(worker).await {
            self.workers.remove(place);
            self.ended(number, ending);
        }
    }

    fn ended(&mut self, number: u8, ending: Ending) {
        // SQS and the embedded queue delete by the latest receipt handle alone.
        self.deleted |= ending == Ending::Done && number == self.received;
    }

    async fn pass_deadline(&mut self) -> Result<(), Breach> {
        if let Some(until) = self.busy_until().await? {
            self.surroundings.now.store(until.0, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Until when nobody may claim the delivery, by its record.
    async fn busy_until(&mut self) -> Result<Option<UnixMillis>, Breach> {
        let record = self.record().await?;
        Ok(match record.map(|record| record.state) {
            Some(DeliveryState::Claimed { deadline: until, .. } | DeliveryState::Waiting { until }) => {
                (until > self.surroundings.now()).then_some(until)
            }
            _ => None,
        })
    }

    async fn record(&mut self) -> Result<Option<Delivery>, Breach> {
        let record = self.store.delivery(&key(brand(), self.surroundings.event)).await;
        record.map_err(|error| Breach { property: Property::Repeatable, what: error.to_string() })
    }

    /// Everything that what may still happen depends on. Two schedules that lead to the same have the same future.
    pub(super) async fn state(&mut self) -> Result<String, Breach> {
        let record = shape(self.record().await?.as_ref());
        let workers: Vec<_> = self.workers.iter().map(|worker| worker.hands.shape()).collect();
        let Scenario { receives, faults, jumps, .. } = self.left;
        let effects: Vec<_> = self.effects().iter().map(|at| at.since(NOON)).collect();
        Ok(format!(
            "{} {} {} {receives} {faults} {jumps} {effects:?} {} {record} {workers:?}",
            self.surroundings.now().since(NOON),
            self.received,
            self.deleted,
            self.surroundings.ledger.lock().unwrap().shape(),
        ))
    }

    fn effects(&self) -> Vec<UnixMillis> {
        self.surroundings.channel.lock().unwrap().effects().to_vec()
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.workers.is_empty()
    }

    /// Faults cease: the queue repeats the message until it is deleted. Then the books must balance.
    pub(super) async fn finish(&mut self) -> Result<(), Breach> {
        // One round takes the claim over, one sends after a pause, one finds it settled.
        for _ in 0..4 {
            if self.deleted {
                break;
            }
            self.pass_deadline().await?;
            self.apply(Action::Receive).await?;
            while let Some(number) = self.workers.first().map(|worker| worker.hands.worker()) {
                self.apply(Action::Step(number, Operation::Claim, Fate::Done)).await?;
            }
        }
        let record = self.record().await?;
        let mut ledger = self.surroundings.ledger.lock().unwrap();
        ledger.balance(self.effects().len(), record.as_ref());
        ledger.breach().map_or(Ok(()), |breach| Err(breach.clone()))
    }
}

/// Runs a worker up to its next operation, or its end.
async fn run<S>(worker: &mut Worker<S>) -> Option<Ending> {
    poll_fn(|context| match worker.program.as_mut().poll(context) {
        Poll::Ready(ending) => Poll::Ready(Some(ending)),
        Poll::Pending if worker.hands.gate().waiting().is_some() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}
