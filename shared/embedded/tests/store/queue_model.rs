//! The queue beside a model of what SQS promises, under arbitrary sequences of calls and clock movements.

use proptest::prelude::*;
use sluice_embedded::{ReceiveLimits, Redrive, Store};
use sluice_ports::{Inbox as _, OutboundMessage, Outbox as _, Queue};

use crate::support::{START, clock, message, options};

const LIMIT: u32 = 3;

#[derive(Debug, Clone)]
enum Call {
    Send { delay: u32 },
    Receive { max: usize, visibility_ms: i64 },
    Delete { which: prop::sample::Index },
    Postpone { which: prop::sample::Index, seconds: u32 },
    Fail { which: prop::sample::Index, retry_in_ms: i64 },
    Advance { ms: i64 },
    Redrive,
}

fn call() -> impl Strategy<Value = Call> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        3 => (0..3_u32).prop_map(|delay| Call::Send { delay }),
        4 => (1..4_usize, 0..4_000_i64).prop_map(|(max, visibility_ms)| Call::Receive { max, visibility_ms }),
        2 => which().prop_map(|which| Call::Delete { which }),
        1 => (which(), 0..5_u32).prop_map(|(which, seconds)| Call::Postpone { which, seconds }),
        1 => (which(), 0..3_000_i64).prop_map(|(which, retry_in_ms)| Call::Fail { which, retry_in_ms }),
        3 => (0..3_000_i64).prop_map(|ms| Call::Advance { ms }),
        1 => Just(Call::Redrive),
    ]
}

#[derive(Debug, Clone)]
struct Modelled {
    body: String,
    visible_at: i64,
    receives: u32,
    /// The latest receive's handle, while it is one.
    handle: Option<String>,
}

#[derive(Default)]
struct Model {
    now: i64,
    alive: Vec<Modelled>,
    dead: Vec<String>,
}

impl Model {
    /// Checks a receive against what may be received, and takes it over.
    fn received(
        &mut self,
        batch: &[sluice_embedded::ReceivedMessage],
        max: usize,
        visibility_ms: i64,
        given_up: usize,
    ) {
        let due = self.alive.iter().filter(|one| one.visible_at <= self.now).count();
        assert!(batch.len() <= max);
        // Messages that were given up took places of the batch; all other places are used.
        assert!(batch.len() >= max.saturating_sub(given_up).min(due), "{} of {due}", batch.len());
        for message in batch {
            let one =
                self.alive.iter_mut().find(|one| one.body == message.body).expect("not deleted, not dead");
            assert!(one.visible_at <= self.now, "hidden until {}", one.visible_at);
            one.receives += 1;
            assert_eq!(message.receive_count, one.receives);
            assert!(one.receives <= LIMIT);
            one.visible_at = self.now + visibility_ms;
            one.handle = Some(message.receipt_handle.clone());
        }
    }

    fn by_handle(&mut self, handle: &str) -> Option<&mut Modelled> {
        self.alive.iter_mut().find(|one| one.handle.as_deref() == Some(handle))
    }

    /// Takes over which messages the store gave up, and says how many: only those that were due and spent may be.
    fn gave_up(&mut self, dead: &[String]) -> usize {
        let before = self.dead.len();
        for body in dead.iter().filter(|body| !self.dead.contains(body)) {
            let place = self.alive.iter().position(|one| one.body == *body).expect("it was alive");
            let one = self.alive.remove(place);
            assert!(one.receives >= LIMIT && one.visible_at <= self.now, "{one:?} given up too early");
        }
        self.dead = dead.to_vec();
        self.dead.len() - before
    }
}

fn dead(store: &Store) -> Vec<String> {
    store.dead_letters(Queue::Events, None).unwrap().items.into_iter().map(|letter| letter.body).collect()
}

async fn run(calls: Vec<Call>) {
    let clock = clock();
    let receive_limits = ReceiveLimits { events: LIMIT, ..ReceiveLimits::default() };
    let store = Store::in_memory(sluice_embedded::Options { receive_limits, ..options(&clock) }).unwrap();
    let mut model = Model { now: START.0, ..Model::default() };
    // Stale ones included: they must do nothing.
    let mut handles: Vec<String> = Vec::new();
    let (mut sent, queue) = (0, Queue::Events);
    for call in calls {
        match call {
            Call::Send { delay } => {
                sent += 1;
                let body = format!("m{sent}");
                let message = OutboundMessage { delay_seconds: delay, ..message(&body) };
                assert!(store.send(queue, vec![message]).await.is_empty());
                let visible_at = model.now + i64::from(delay) * 1_000;
                model.alive.push(Modelled { body, visible_at, receives: 0, handle: None });
            }
            Call::Receive { max, visibility_ms } => {
                let batch = store.receive(queue, max, visibility_ms).await.unwrap();
                let given_up = model.gave_up(&dead(&store));
                model.received(&batch, max, visibility_ms, given_up);
                handles.extend(batch.into_iter().map(|message| message.receipt_handle));
            }
            Call::Delete { which } if !handles.is_empty() => {
                let handle = which.get(&handles).clone();
                store.delete(queue, vec![handle.clone()]).await.unwrap();
                model.alive.retain(|one| one.handle.as_ref() != Some(&handle));
            }
            Call::Postpone { which, seconds } if !handles.is_empty() => {
                let handle = which.get(&handles).clone();
                store.postpone(queue, &handle, seconds).await.unwrap();
                let until = model.now + i64::from(seconds) * 1_000;
                if let Some(one) = model.by_handle(&handle) {
                    one.visible_at = until;
                }
            }
            Call::Fail { which, retry_in_ms } if !handles.is_empty() => {
                let handle = which.get(&handles).clone();
                store.fail(queue, &handle, retry_in_ms).await.unwrap();
                let until = model.now + retry_in_ms;
                if let Some(one) = model.by_handle(&handle) {
                    (one.visible_at, one.handle) = (until, None);
                }
            }
            Call::Advance { ms } => {
                clock.advance_ms(ms);
                model.now += ms;
            }
            Call::Redrive => {
                let back = store.redrive(queue, Redrive::All).await.unwrap();
                assert_eq!(back, model.dead.len());
                let visible_at = model.now;
                let put_back = |body| Modelled { body, visible_at, receives: 0, handle: None };
                model.alive.extend(std::mem::take(&mut model.dead).into_iter().map(put_back));
            }
            Call::Delete { .. } | Call::Postpone { .. } | Call::Fail { .. } => {}
        }
        let depth = store.depth(queue).unwrap();
        let visible = model.alive.iter().filter(|one| one.visible_at <= model.now).count();
        // Delayed messages that nobody has looked for yet count as visible only after a restart, which this test has none of.
        assert_eq!(usize::try_from(depth.visible).unwrap(), visible);
        assert_eq!(
            usize::try_from(depth.visible + depth.in_flight + depth.delayed).unwrap(),
            model.alive.len()
        );
        assert_eq!(usize::try_from(depth.dead).unwrap(), model.dead.len());
        let next = model.alive.iter().map(|one| one.visible_at.max(model.now)).min();
        assert_eq!(store.next_visible_at(queue).unwrap().map(|at| at.0.max(model.now)), next);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_model_does(calls in prop::collection::vec(call(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(calls));
    }
}
