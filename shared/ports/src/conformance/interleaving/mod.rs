//! Every interleaving of workers that have the same message, against a real adapter.
//!
//! [`explore`] runs workers over an adapter of [`Deliveries`] and decides before each of their operations what happens: it is
//! done, its answer is lost, it never arrives, the process dies, another worker receives the message, the claim's deadline
//! passes. It tries all of these in all orders, up to the bounds of a [`Scenario`], and after every operation compares the
//! adapter's answers and records with a ledger of its own. Where no worker is left it lets the faults cease and checks that the
//! delivery comes to its end. The first breach found has the shortest schedule, which is printed.
//!
//! # Why not `loom` or `shuttle`
//! They explore the interleavings of *threads over memory*: atomics, locks, channels of their own kind in place of the
//! standard ones. A claim is not decided in memory but by a conditional write in a database, in another process or another
//! country. Under `loom` one would test a model of the adapter, written for the test. Here the adapter is the real one, whichever it
//! is, and what interleaves is what interleaves in production: whole calls, and the loss of their answers.
//! What this leaves out, the adapter's own memory orderings, is covered by [`clients`], with real parallel clients.
//!
//! # Why a state may be skipped
//! A worker's program is a function of the answers it got, and when; these, the adapter's record, the channel, the clock and what may still
//! happen are the state. Each schedule is replayed from the start on an event of its own, so that no adapter needs a way back.

mod broken;
mod channel;
pub mod clients;
mod explorer;
mod gate;
mod hands;
mod ledger;
mod worker;
mod world;

pub use broken::{Broken, Mistake};
pub use channel::Memory;
pub use explorer::{Counterexample, Explored, explore};
pub use gate::{Fate, Operation};
pub use hands::Hands;
pub use ledger::{Breach, Property};
pub use worker::{Ending, by_the_rule, deleting_what_is_held, deleting_when_fenced, repeating_blindly};
pub use world::{Action, Scenario};

use super::Harness;
use crate::Deliveries;

const HOURS: Memory = Memory::Window { ms: 4 * 3_600_000 };

/// Two workers and one fault: enough for every mistake that is known, and quick over a wire.
pub const SHORT: Scenario =
    Scenario { workers: 2, receives: 2, faults: 1, jumps: 1, memory: Memory::Nothing };

/// Two workers, three receives, two faults, two jumps.
pub const LONG: Scenario = Scenario { workers: 2, receives: 3, faults: 2, jumps: 2, memory: Memory::Nothing };

/// Three workers at the same time.
pub const WIDE: Scenario = Scenario { workers: 3, receives: 3, faults: 1, jumps: 2, memory: Memory::Nothing };

async fn holds<S: Deliveries + Clone + 'static>(store: &S, scenario: Scenario) -> Explored {
    let explored = explore(store, scenario, by_the_rule).await.unwrap_or_else(|found| panic!("{found}"));
    assert!(explored.endings > 0, "{explored:?}");
    explored
}

/// On a channel that remembers nothing.
pub async fn of_two_workers_every_schedule_sends_once_or_leaves_a_doubt<H: Harness>(harness: H) {
    holds(harness.store(), SHORT).await;
}

/// On a channel that remembers.
pub async fn a_channel_that_remembers_gets_repeats_and_shows_one_message<H: Harness>(harness: H) {
    holds(harness.store(), Scenario { memory: HOURS, ..SHORT }).await;
}

/// The test can fail: of each mistake the property that it breaks is named.
pub async fn every_mistake_of_an_adapter_is_found<H: Harness>(harness: H) {
    for (mistake, property) in [
        (Mistake::IgnoresTheOwner, Property::OneOwner),
        (Mistake::WritesThoughFenced, Property::Fenced),
        (Mistake::IgnoresTheDeadline, Property::OneOwner),
        (Mistake::NeverTakesOver, Property::Progress),
        (Mistake::ReopensWhatIsSettled, Property::OneOwner),
        (Mistake::HidesTheOpenAttempt, Property::Effect),
        (Mistake::LosesTheEnd, Property::Books),
    ] {
        let store = Broken { inner: harness.store().clone(), mistake };
        match explore(&store, SHORT, by_the_rule).await {
            Ok(explored) => panic!("{mistake:?} was not found: {explored:?}"),
            Err(found) => assert_eq!(found.breach.property, property, "{mistake:?}: {found}"),
        }
    }
}

/// So it can for what a worker does wrong.
pub async fn every_mistake_of_a_worker_is_found<H: Harness>(harness: H) {
    let blind = explore(harness.store(), SHORT, repeating_blindly).await.unwrap_err();
    assert_eq!(blind.breach.property, Property::Effect, "{blind}");
    let deleting = explore(harness.store(), SHORT, deleting_what_is_held).await.unwrap_err();
    assert_eq!(deleting.breach.property, Property::Progress, "{deleting}");
    let two_faults = Scenario { faults: 2, ..SHORT };
    let fenced = explore(harness.store(), two_faults, deleting_when_fenced).await.unwrap_err();
    assert_eq!(fenced.breach.property, Property::Progress, "{fenced}");
}

/// For adapters that answer in microseconds: thousands of schedules.
pub async fn long_schedules_hold<H: Harness>(harness: H) {
    let explored = holds(harness.store(), LONG).await;
    assert!(explored.schedules > 10_000, "{explored:?}");
}

/// The same, on a channel that remembers.
pub async fn long_schedules_hold_where_the_channel_remembers<H: Harness>(harness: H) {
    let explored = holds(harness.store(), Scenario { memory: HOURS, jumps: 1, ..LONG }).await;
    assert!(explored.schedules > 10_000, "{explored:?}");
}

/// The same, with three workers at the same time.
pub async fn of_three_workers_every_schedule_holds<H: Harness>(harness: H) {
    let explored = holds(harness.store(), WIDE).await;
    assert!(explored.schedules > 5_000, "{explored:?}");
}

/// Expands to a module of tests: the interleavings of claims, and real parallel clients. `$fresh` is as in
/// [`conformance_tests!`](crate::conformance_tests). With `long`, for adapters that answer in microseconds, also long schedules, and the
/// proof that mistakes are found, which is the explorer's and the same for every adapter.
#[macro_export]
macro_rules! interleaving_tests {
    ($module:ident, $fresh:path) => {
        mod $module {
            $crate::conformance_cases! { $fresh;
                interleaving: of_two_workers_every_schedule_sends_once_or_leaves_a_doubt,
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn of_parallel_clients_one_sends() {
                $crate::conformance::interleaving::clients::of_parallel_clients_one_sends($fresh().await)
                    .await;
            }
        }
    };
    ($module:ident, $fresh:path, long) => {
        $crate::interleaving_tests!($module, $fresh);
        mod long {
            $crate::conformance_cases! { $fresh;
                interleaving: a_channel_that_remembers_gets_repeats_and_shows_one_message,
                interleaving: every_mistake_of_an_adapter_is_found,
                interleaving: every_mistake_of_a_worker_is_found,
                interleaving: long_schedules_hold,
                interleaving: long_schedules_hold_where_the_channel_remembers,
                interleaving: of_three_workers_every_schedule_holds,
            }
        }
    };
}
