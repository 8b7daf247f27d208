use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::hands::Hands;
use super::ledger::Breach;
use super::worker::Ending;
use super::world::{Action, Scenario, World};
use crate::Deliveries;

/// So many schedules are replayed at the same time, each on an event of its own.
const AT_ONCE: usize = 64;
/// Beyond it a scenario is too large to be called exhaustive.
const MOST_STATES: usize = 2_000_000;

/// Numbers the events of all explorations of this process: they may share a store.
static EVENT: AtomicU32 = AtomicU32::new(1);

/// How much was explored, without a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Schedules replayed: each ends in a step that no other takes from that state.
    pub schedules: usize,
    /// States with no worker at work, from each of which the delivery was brought to its end.
    pub endings: usize,
}

/// The shortest schedule that breaks a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// What does not hold.
    pub breach: Breach,
    /// How to get there.
    pub schedule: Vec<Action>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.breach)?;
        for (number, action) in (1..).zip(&self.schedule) {
            writeln!(out, "{number:3}. {action}")?;
        }
        out.write_str("  then without faults to the end, if the breach is not there yet")
    }
}

/// Where a schedule leads.
struct Reached {
    schedule: Vec<Action>,
    /// What may happen next; nothing when another schedule was here before.
    enabled: Vec<Action>,
    quiet: bool,
}

/// Replays every schedule of a scenario, breadth first, so that the first breach has the shortest one. A state that was reached
/// before is not explored again.
///
/// The state is compared whole, not by a hash of it: no collision can hide one.
///
/// # Errors
/// [`Counterexample`].
pub async fn explore<S, P, F>(store: &S, scenario: Scenario, program: P) -> Result<Explored, Counterexample>
where
    S: Deliveries + Clone + 'static,
    P: Fn(Hands<S>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Ending> + Send + 'static,
{
    let visited = Arc::new(Mutex::new(HashSet::new()));
    let mut explored = Explored { states: 0, schedules: 0, endings: 0 };
    let mut frontier = vec![Vec::new()];
    while !frontier.is_empty() {
        let (mut replays, mut next) = (JoinSet::new(), Vec::new());
        let mut waiting = std::mem::take(&mut frontier).into_iter();
        let mut first: Option<Counterexample> = None;
        loop {
            while first.is_none() && replays.len() < AT_ONCE {
                let Some(schedule) = waiting.next() else { break };
                let number = EVENT.fetch_add(1, Ordering::Relaxed);
                let world = World::new(store.clone(), program.clone(), scenario, number);
                replays.spawn(replay(world, schedule, Arc::clone(&visited)));
            }
            let Some(replayed) = replays.join_next().await else { break };
            explored.schedules += 1;
            match replayed.unwrap() {
                Ok(Some(reached)) => {
                    explored.states += 1;
                    explored.endings += usize::from(reached.quiet);
                    next.extend(reached.enabled.into_iter().map(|action| {
                        let mut schedule = reached.schedule.clone();
                        schedule.push(action);
                        schedule
                    }));
                }
                Ok(None) => {}
                Err(counterexample) => first = first.or(Some(counterexample)),
            }
            assert!(explored.states <= MOST_STATES, "the scenario is too large to explore: {scenario:?}");
        }
        if let Some(counterexample) = first {
            return Err(counterexample);
        }
        frontier = next;
    }
    Ok(explored)
}

async fn replay<S, P, F>(
    mut world: World<S, P>,
    schedule: Vec<Action>,
    visited: Arc<Mutex<HashSet<String>>>,
) -> Result<Option<Reached>, Counterexample>
where
    S: Deliveries + Clone + 'static,
    P: Fn(Hands<S>) -> F,
    F: Future<Output = Ending> + Send + 'static,
{
    let walk = async {
        for action in &schedule {
            world.apply(*action).await?;
        }
        let state = world.state().await?;
        if !visited.lock().unwrap().insert(state) {
            return Ok(None);
        }
        let (enabled, quiet) = (world.enabled().await?, world.is_quiet());
        if quiet {
            world.finish().await?;
        }
        Ok(Some((enabled, quiet)))
    };
    let walked: Result<_, Breach> = walk.await;
    match walked {
        Ok(reached) => Ok(reached.map(|(enabled, quiet)| Reached { schedule, enabled, quiet })),
        Err(breach) => Err(Counterexample { breach, schedule }),
    }
}
