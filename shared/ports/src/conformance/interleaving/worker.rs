use sluice_domain::delivery::{Attempt, Delivery, FencingToken, Outcome};
use sluice_domain::time::UnixMillis;

use super::channel::Memory;
use super::hands::Hands;
use super::ledger::is_unclear;
use crate::conformance::samples;
use crate::{Claim, ClaimRequest, Clock as _, Deliveries, PortError, Settlement};

/// As in channel-dispatch: how long a claim holds, how late a request may leave after it, and the first pause.
const CLAIM_MS: i64 = 30_000;
const LATEST_START_MS: i64 = 5_000;
const PAUSE_MS: i64 = 2_000;
/// How often an end is written again when the store fails.
const REPEATS: usize = 2;

/// How a worker leaves its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is deleted.
    Done,
    /// It comes back.
    Back,
}

/// A worker that follows the rule of channel-dispatch: what is unclear is repeated only where the channel recognises it.
pub async fn by_the_rule<S: Deliveries>(hands: Hands<S>) -> Ending {
    work(hands, Memory::may_repeat, Ending::Back).await
}

/// One that does not, to show that the explorer finds it.
pub async fn repeating_blindly<S: Deliveries>(hands: Hands<S>) -> Ending {
    work(hands, |_, _, _| true, Ending::Back).await
}

/// One that deletes a message that somebody else works on.
pub async fn deleting_what_is_held<S: Deliveries>(hands: Hands<S>) -> Ending {
    work(hands, Memory::may_repeat, Ending::Back).await;
    Ending::Done
}

/// One that takes every fence for a take-over: the answer to its own first writing of a pause may have been lost.
pub async fn deleting_when_fenced<S: Deliveries>(hands: Hands<S>) -> Ending {
    work(hands, Memory::may_repeat, Ending::Done).await
}

type MayRepeat = fn(Memory, Option<UnixMillis>, UnixMillis) -> bool;

async fn work<S: Deliveries>(hands: Hands<S>, may_repeat: MayRepeat, fenced: Ending) -> Ending {
    let (now, owner) = (hands.now(), FencingToken::from_random([hands.worker(); 16]));
    let sample = samples::claim(hands.event(), owner, 0);
    let request = ClaimRequest { now, deadline: now.plus_ms(CLAIM_MS), ..sample };
    let delivery = match hands.claim(request).await {
        Ok(Claim::Won(delivery)) => delivery,
        Ok(Claim::Settled(_)) => return Ending::Done,
        Ok(Claim::Held { .. }) | Err(_) => return Ending::Back,
    };
    let earlier = delivery.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let unclear_since = earlier.iter().find(|attempt| is_unclear(attempt)).map(|attempt| attempt.started_at);
    let memory = hands.memory();
    let withheld = Outcome::Withheld { code: "test".into() };
    if !may_repeat(memory, unclear_since, hands.now()) {
        return end(&hands, &delivery, owner, withheld, Settlement::InDoubt, fenced).await;
    }
    if hands.now().since(now) > LATEST_START_MS {
        let settlement = Settlement::Waiting { until: hands.now() };
        end(&hands, &delivery, owner, withheld, settlement, fenced).await;
        return Ending::Back;
    }
    let outcome = hands.send().await;
    let wait = |unclear_since| {
        let until = hands.now().plus_ms(PAUSE_MS);
        if may_repeat(memory, unclear_since, until) {
            Settlement::Waiting { until }
        } else {
            Settlement::InDoubt
        }
    };
    let settlement = match outcome {
        Outcome::Delivered { .. } => Settlement::Delivered,
        Outcome::Unclear => wait(unclear_since.or(Some(now))),
        Outcome::Transient => wait(unclear_since),
        _ if unclear_since.is_some() => Settlement::InDoubt,
        _ => Settlement::Refused,
    };
    end(&hands, &delivery, owner, outcome, settlement, fenced).await
}

async fn end<S: Deliveries>(
    hands: &Hands<S>,
    delivery: &Delivery,
    owner: FencingToken,
    outcome: Outcome,
    settlement: Settlement,
    fenced_while_waiting: Ending,
) -> Ending {
    let started_at = delivery.attempts.last().map_or(delivery.opened_at, |open| open.started_at);
    let attempt = Attempt {
        started_at,
        ended_at: Some(hands.now()),
        outcome: Some(outcome),
        code: None,
        message: None,
        provider_log_id: None,
        request_sha256: None,
        script_hash: None,
    };
    let waits = matches!(settlement, Settlement::Waiting { .. });
    for _ in 0..=REPEATS {
        match hands.settle(&delivery.key, owner, attempt.clone(), settlement.clone()).await {
            Ok(()) if waits => return Ending::Back,
            // Taken over, or an earlier writing of it went through: then the message must come back.
            Err(PortError::Fenced) if waits => return fenced_while_waiting,
            Ok(()) | Err(PortError::Fenced) => return Ending::Done,
            Err(_) => {}
        }
    }
    Ending::Back
}
