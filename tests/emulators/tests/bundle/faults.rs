//! Every call of every function, broken in every way, one at a time; then storms. The day comes to the same each time.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use sluice_emulators::proxy::{Fault, Recording, Rule, Service};

use crate::gate::Gate;
use crate::workload::{Outcome, outcome, play};

/// An SDK's attempts at one call: as many faults in a row and the call fails for good.
const ATTEMPTS: u64 = 3;
/// Longer than the patience of an attempt.
const TOO_LATE: Duration = Duration::from_millis(1_200);
/// Days at one time: the emulator's answers are waited for most of the time.
const AT_ONCE: usize = 4;

/// A kind of call: whose, what, on what.
type Kind = (String, Service, String, String);

fn kinds(recording: &Recording, function: &str) -> BTreeSet<Kind> {
    let calls =
        recording.calls().iter().map(|recorded| &recorded.call).filter(|call| call.function == function);
    calls
        .map(|call| {
            let resource = call.resources.first().cloned().unwrap_or_default();
            (call.function.clone(), call.service, call.operation.clone(), resource)
        })
        .collect()
}

/// Does it leave nothing behind? Then it is all one whether it was carried out before its connection went. A receive hides what it gives.
fn reads(operation: &str) -> bool {
    let reading =
        ["Query", "GetItem", "BatchGetItem", "GetSecretValue", "Decrypt", "GetObject", "ListObjectVersions"];
    reading.contains(&operation) || operation == "GetQueueAttributes"
}

/// Every way in which a call of this kind can break, each with how often in a row.
fn faults(operation: &str) -> Vec<(Fault, u64)> {
    let mut faults = vec![
        (Fault::Throttle, ATTEMPTS),
        (Fault::Status(500), ATTEMPTS),
        (Fault::Delay(TOO_LATE), 1),
        (Fault::Reset, ATTEMPTS),
    ];
    if !reads(operation) {
        faults.extend([(Fault::LostAnswer, 1), (Fault::LostAnswer, ATTEMPTS)]);
    }
    if operation.contains("Batch") {
        faults.extend([(Fault::Unprocessed, 1), (Fault::Unprocessed, ATTEMPTS)]);
    }
    if operation.starts_with("Transact") {
        faults.push((Fault::TransactionConflict, ATTEMPTS));
    }
    faults
}

fn rule((function, service, operation, resource): &Kind, (fault, times): (Fault, u64)) -> Rule {
    let rule = Rule::new(fault).function(function).service(*service).operation(operation).times(1, times);
    if resource.is_empty() { rule } else { rule.resource(resource) }
}

async fn clean_day() -> (Gate, Outcome) {
    let gate = Gate::set().await;
    play(&gate).await;
    let reports = gate.reconcile().await;
    let clean = outcome(&gate, &reports, "nothing").await;
    clean.assert_clean();
    (gate, clean)
}

/// One day for each kind of call of a function and each fault.
async fn breaks_one_at_a_time(function: &str) {
    let (gate, clean) = clean_day().await;
    let recording = gate.proxy.recording();
    // Names of queues and tables are the same in every account. Ids of keys are not, and which secrets are read hangs on the tenant's key, by
    // which people are assigned.
    let kinds: BTreeSet<Kind> = kinds(&recording, function)
        .into_iter()
        .map(|(function, service, operation, resource)| {
            let varies = matches!(service, Service::Kms | Service::SecretsManager);
            let resource = if varies { String::new() } else { resource };
            (function, service, operation, resource)
        })
        .collect();
    assert!(kinds.len() >= 4, "`{function}` was recorded with too little: {kinds:?}");
    let days = kinds.iter().flat_map(|kind| faults(&kind.2).into_iter().map(move |fault| (kind, fault)));
    let days = days.map(|(kind, fault)| {
        let clean = &clean;
        async move {
            let what = format!("{fault:?} of {kind:?}");
            let gate = Gate::set().await;
            gate.proxy.inject(rule(kind, fault));
            play(&gate).await;
            assert!(gate.proxy.struck() > 0, "{what} struck nothing");
            let reports = gate.reconcile().await;
            outcome(&gate, &reports, &what).await.assert_as_good_as(clean, &what);
        }
    });
    stream::iter(days).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn no_broken_call_of_webhook_verify_loses_or_doubles_anything() {
    breaks_one_at_a_time("webhook-verify").await;
}

#[tokio::test]
async fn no_broken_call_of_compliance_check_loses_or_doubles_anything() {
    breaks_one_at_a_time("compliance-check").await;
}

#[tokio::test]
async fn no_broken_call_of_bucket_assignment_loses_or_doubles_anything() {
    breaks_one_at_a_time("bucket-assignment").await;
}

#[tokio::test]
async fn no_broken_call_of_channel_dispatch_loses_or_doubles_anything() {
    breaks_one_at_a_time("channel-dispatch").await;
}

#[tokio::test]
async fn no_broken_call_of_content_safety_loses_or_doubles_anything() {
    breaks_one_at_a_time("content-safety").await;
}

/// The night only reads what the day left, so one day serves for all its faults; but for those of the queues, which hide letters for a
/// while when they strike.
#[tokio::test]
async fn no_broken_call_of_nightly_reconciliation_changes_what_it_finds() {
    let (gate, clean) = clean_day().await;
    let kinds = kinds(&gate.proxy.recording(), "nightly-reconciliation");
    assert!(kinds.len() >= 8, "{kinds:?}");
    let all = kinds.iter().flat_map(|kind| faults(&kind.2).into_iter().map(move |fault| (kind, fault)));
    let (of_queues, others): (Vec<_>, Vec<_>) = all.partition(|(kind, _)| kind.1 == Service::Sqs);
    for (kind, fault) in others {
        gate.proxy.heal();
        night_with(&gate, &clean, kind, fault).await;
    }
    let nights = of_queues.into_iter().map(|(kind, fault)| {
        let clean = &clean;
        async move {
            let gate = Gate::set().await;
            play(&gate).await;
            night_with(&gate, clean, kind, fault).await;
        }
    });
    stream::iter(nights).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn night_with(gate: &Gate, clean: &Outcome, kind: &Kind, fault: (Fault, u64)) {
    let what = format!("{fault:?} of {kind:?}");
    gate.proxy.forget();
    gate.proxy.inject(rule(kind, fault));
    let reports = gate.reconcile().await;
    assert!(gate.proxy.struck() > 0, "{what} struck nothing");
    outcome(gate, &reports, &what).await.assert_as_good_as(clean, &what);
}

/// Every call may be throttled, fail, vanish before or after its work.
#[tokio::test]
async fn storms_pass_without_loss() {
    let (_, clean) = clean_day().await;
    for seed in 1..=6 {
        let gate = Gate::set().await;
        let storm =
            [Fault::Throttle, Fault::Status(500), Fault::Reset, Fault::LostAnswer, Fault::Unprocessed];
        for (number, fault) in (0..).zip(storm) {
            gate.proxy.inject(Rule::new(fault).share(0.07, seed * 100 + number));
        }
        play(&gate).await;
        let struck = gate.proxy.struck();
        assert!(struck >= 5, "storm {seed} struck {struck} calls only");
        gate.proxy.heal();
        let reports = gate.reconcile().await;
        let what = format!("storm {seed}");
        outcome(&gate, &reports, &what).await.assert_as_good_as(&clean, &what);
    }
}

#[tokio::test]
async fn a_clean_day_is_clean() {
    let (gate, clean) = clean_day().await;
    println!("{clean:#?}\n{}", gate.proxy.recording());
}
