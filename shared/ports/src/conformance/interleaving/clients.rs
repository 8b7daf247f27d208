//! Real parallel clients: the same message in the hands of many at the same moment, with seeded faults.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sluice_domain::delivery::{Attempt, DeliveryState, FencingToken, Outcome};
use tokio::task::JoinSet;

use crate::conformance::Harness;
use crate::conformance::samples::{NOON, attempt, brand, claim, key};
use crate::{Claim, Deliveries, PortError, Settlement};

/// Messages, and clients that each have every message.
const MESSAGES: u32 = 24;
const CLIENTS: u8 = 12;
/// Each round begins when the claims of the round before have passed their deadline.
const ROUNDS: i64 = 4;

/// What all clients together saw of one message.
#[derive(Debug, Default)]
struct Seen {
    wins: AtomicUsize,
    ends: AtomicUsize,
    effects: AtomicUsize,
    /// Those who died, with their round.
    dead: Mutex<Vec<(i64, FencingToken)>>,
}

/// In each round every client claims every message, all at once. A winner sends, unless an attempt before is unclear; some die
/// before they send, some after; and some come back a round later, when their claim is somebody else's.
pub async fn of_parallel_clients_one_sends<H: Harness>(harness: H) {
    let seen: Arc<Vec<Seen>> = Arc::new((0..MESSAGES).map(|_| Seen::default()).collect());
    let number = Arc::new(AtomicU32::new(0));
    for round in 0..ROUNDS {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (store, seen, number) = (harness.store().clone(), Arc::clone(&seen), Arc::clone(&number));
            clients.spawn(async move {
                for step in 0..MESSAGES {
                    // Everybody begins elsewhere, so that nobody merely follows.
                    let message = (step + u32::from(client) * 2) % MESSAGES;
                    let owner = token(number.fetch_add(1, Ordering::Relaxed));
                    work(&store, message, owner, round, &seen[message as usize]).await;
                }
            });
        }
        clients.join_all().await;
    }
    for (message, seen) in (0..).zip(seen.iter()) {
        balance(harness.store(), message, seen).await;
    }
}

fn token(number: u32) -> FencingToken {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    FencingToken::from_random(bytes)
}

async fn work<S: Deliveries>(store: &S, message: u32, owner: FencingToken, round: i64, seen: &Seen) {
    let at = round * 1_000;
    let dead = seen.dead.lock().unwrap().first().copied();
    let delivery = match store.claim(claim(message, owner, at)).await.unwrap() {
        Claim::Won(delivery) => delivery,
        Claim::Held { .. } | Claim::Settled(_) => {
            // The winner of an earlier round comes back, if there was one and this round has another.
            if let Some((_, stale)) = dead.filter(|(died, _)| *died < round) {
                let end = attempt(at, Outcome::Delivered { provider_id: None });
                let ended = store.settle(&key(brand(), message), stale, end, Settlement::Delivered).await;
                assert_eq!(ended, Err(PortError::Fenced), "message {message}, round {round}");
            }
            return;
        }
    };
    seen.wins.fetch_add(1, Ordering::SeqCst);
    assert_eq!(delivery.attempts.last().map(|open| open.started_at), Some(NOON.plus_ms(at)));
    let unclear = delivery.attempts.iter().rev().skip(1).any(|it| it.outcome.is_none());
    let outcome = match (unclear, (i64::from(message) + round) % 4) {
        (true, _) => Outcome::Unclear,
        // Dies before it sends, or after: the attempt stays open.
        (false, 0) => return seen.died(round, owner),
        (false, 1) => {
            seen.effects.fetch_add(1, Ordering::SeqCst);
            return seen.died(round, owner);
        }
        (false, 2) => Outcome::Transient,
        (false, _) => {
            seen.effects.fetch_add(1, Ordering::SeqCst);
            Outcome::Delivered { provider_id: None }
        }
    };
    let settlement = match outcome {
        Outcome::Unclear => Settlement::InDoubt,
        Outcome::Transient => Settlement::Waiting { until: NOON.plus_ms(at + 1_000) },
        _ => Settlement::Delivered,
    };
    let end = Attempt { started_at: NOON.plus_ms(at), ..attempt(at, outcome) };
    store.settle(&delivery.key, owner, end, settlement).await.unwrap();
    seen.ends.fetch_add(1, Ordering::SeqCst);
}

impl Seen {
    fn died(&self, round: i64, owner: FencingToken) {
        self.dead.lock().unwrap().push((round, owner));
    }
}

async fn balance<S: Deliveries>(store: &S, message: u32, seen: &Seen) {
    let record = store.delivery(&key(brand(), message)).await.unwrap().unwrap();
    let [wins, ends, effects] =
        [&seen.wins, &seen.ends, &seen.effects].map(|count| count.load(Ordering::SeqCst));
    let ended = record.attempts.iter().filter(|it| it.ended_at.is_some()).count();
    assert_eq!((record.attempts.len(), ended), (wins, ends), "message {message}: {record:?}");
    assert!(effects <= 1, "message {message} was seen {effects} times");
    match record.state {
        DeliveryState::Delivered => assert_eq!(effects, 1, "message {message}"),
        DeliveryState::InDoubt => assert_eq!(ended + 1, wins, "message {message}: {record:?}"),
        state => panic!("message {message} is not settled: {state:?}"),
    }
}
