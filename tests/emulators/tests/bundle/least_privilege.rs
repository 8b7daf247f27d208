//! Each function's role against the calls that the function really makes: nothing missing, nothing too much.

use std::collections::BTreeSet;

use sluice::demo::callbacks::{self, Callback};
use sluice_domain::review::Says;
use sluice_emulators::proxy::{Fault, Rule};
use sluice_ports::{Clock as _, Queue};
use sluice_review::View;

use crate::gate::Gate;
use crate::messages::checked_files;
use crate::policy::{Grant, covers};
use crate::workload::{callbacks_of, play};

/// What Lambda itself does in a function's name; the function's code makes no such call.
fn is_lambdas_own(function: &str, grant: &Grant) -> bool {
    let own_queue = match function {
        "compliance-check" => "EventsQueue",
        "bucket-assignment" => "ClearedQueue",
        "channel-dispatch" => "AssignedQueue",
        "content-safety" => "ChecksQueue",
        _ => "",
    };
    let mapping = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    let outside = ["logs:", "xray:", "ec2:"];
    outside.iter().any(|service| grant.action.starts_with(service))
        || (grant.pattern == own_queue && mapping.contains(&grant.action.as_str()))
}

/// Grants that no run of this test uses, each with its reason. An entry that is used, or granted no more, fails the test.
const UNUSED: [(&str, &str, &str, &str); 2] = [
    (
        "nightly-reconciliation",
        "dynamodb:GetItem",
        "AuditTable",
        "a delivery whose event was decided on another day",
    ),
    (
        "*",
        "s3:GetObject",
        "ConfigBucket/config/*",
        "configuration from a bucket, as the deployed bundle takes it (deployed.rs)",
    ),
];

/// Titles in the demo's list of what a reviewer gets to see; the link nobody answers for.
const REVIEWED: [&str; 2] = ["chat with a phone number", "chat with a foreign link"];

/// A day and an hour: a day is sealed only when nothing of it can still be under way.
const NEXT_DAY_MS: i64 = 90_000_000;

/// What was done: by whom, which action, on what.
#[derive(Default)]
struct Uses {
    all: BTreeSet<(String, String, String)>,
    /// The names in the encryption context of each call of KMS.
    contexts: Vec<(String, Vec<String>)>,
}

impl Uses {
    fn note(&mut self, gate: &Gate) {
        for recorded in gate.proxy.recording().calls() {
            let call = &recorded.call;
            for action in &call.actions {
                for resource in &call.resources {
                    self.all.insert((call.function.clone(), action.clone(), gate.stack.logical(resource)));
                }
                if action.starts_with("kms:") {
                    self.contexts.push((action.clone(), call.encryption_context.clone()));
                }
            }
        }
    }
}

/// An everyday day on a gate that is new: the first callbacks make the tenants' keys. Poison on every queue; the day's digest is sealed
/// on the next one, and is the one before the next day's.
async fn a_first_day(uses: &mut Uses) -> Gate {
    let (gate, account) = Gate::set_without_consents().await;
    gate.warm().await;
    play(&gate).await;
    gate.settle().await;
    gate.come_and_go(&account).await;
    gate.poison("ClearedQueue").await;
    gate.poison("AssignedQueue").await;
    gate.poison("ChecksQueue").await;
    gate.settle().await;
    let day = gate.clock.now().business_day();
    for day in [day, day.end().business_day()] {
        gate.clock.reach(gate.clock.now().plus_ms(NEXT_DAY_MS));
        gate.reconcile_day(day).await;
    }
    uses.note(&gate);
    gate
}

/// An order of the person who takes everything back in the evening.
fn order_of_whom_the_night_erases(all: &[Callback]) -> Callback {
    let paid = all.iter().find(|it| it.title == "order paid (生活服务)").unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&paid.body).unwrap();
    body["from_user_id"] = callbacks::WANG.into();
    Callback { body: body.to_string(), message_id: Some("life-wang"), ..paid.clone() }
}

/// A day on which a reviewer answers some of what waits, and the text censor a message; the first night erases a person, and by the third the
/// rest of what waits has expired.
async fn a_reviewed_day(uses: &mut Uses) {
    let files = checked_files().map(|(name, text)| {
        (name, text.replacen("    # erase_on: [unauthorize]", "    erase_on: [unauthorize]", 1))
    });
    let settings = sluice_settings::load_bundle(&files.collect()).unwrap();
    let (gate, account) = Gate::set_with(settings).await;
    gate.grant_standing_consents(&account).await;
    gate.proxy.forget();
    let all = callbacks::all(gate.clock.now().0);
    for callback in all.iter().filter(|it| REVIEWED.contains(&it.title)) {
        gate.call(callback).await;
    }
    gate.call(&order_of_whom_the_night_erases(&all)).await;
    play(&gate).await;
    let own_number = |view: &View| view.reasons.iter().all(|reason| reason.code == "phone_number");
    gate.review(&account, |view| own_number(view).then_some(Says::Approve)).await;
    gate.settle().await;
    let day = gate.clock.now().business_day();
    let next = day.end().business_day();
    for day in [day, next, next.end().business_day()] {
        gate.clock.reach(gate.clock.now().plus_ms(NEXT_DAY_MS));
        gate.reconcile_day(day).await;
    }
    uses.note(&gate);
}

/// A day on which DynamoDB throttles every step, so that messages are postponed, and a person opts out by their channel.
async fn a_throttled_day(uses: &mut Uses) {
    let gate = Gate::set().await;
    for function in ["compliance-check", "bucket-assignment", "channel-dispatch", "content-safety"] {
        gate.proxy.inject(Rule::new(Fault::Throttle).function(function).operation("PutItem").times(1, 15));
    }
    gate.proxy.inject(Rule::new(Fault::LostAnswer).share(0.05, 7));
    gate.simulators.wechat_person_refuses("wx00demo00000000", callbacks::WECHAT_FOLLOWER);
    play(&gate).await;
    uses.note(&gate);
}

/// Work that nobody finished lies in each dead-letter queue; the night puts it back.
async fn a_crashing_day(uses: &mut Uses) {
    let gate = Gate::set().await;
    // The chat is one that the censor is asked about.
    for id in ["lead-1", "chat-5"] {
        let callbacks = callbacks_of(gate.clock.now().0);
        gate.call(callbacks.iter().find(|it| it.message_id == Some(id)).unwrap()).await;
    }
    for queue in Queue::ALL {
        while gate.crash(queue).await {}
        gate.reconcile().await;
        while gate.work(queue).await {}
    }
    uses.note(&gate);
}

#[tokio::test]
async fn every_role_allows_what_its_function_does_and_nothing_else() {
    let mut uses = Uses::default();
    let gate = a_first_day(&mut uses).await;
    a_reviewed_day(&mut uses).await;
    a_throttled_day(&mut uses).await;
    a_crashing_day(&mut uses).await;
    let Uses { all: uses, contexts } = uses;
    let template = &gate.stack.template;
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    for (program, id) in template.functions() {
        let grants = template.grants(&id);
        let own: Vec<_> = uses.iter().filter(|(function, ..)| *function == program).collect();
        assert!(!own.is_empty(), "no call of `{program}` was recorded");
        let allowed = |action: &str, resource: &str| {
            grants.iter().any(|grant| grant.action == action && covers(&pattern_of(&grant.pattern), resource))
        };
        for (_, action, resource) in &own {
            if !allowed(action, &named(action, resource)) {
                wrong.push(format!("`{program}` does {action} on {resource}, which its role does not allow"));
            }
        }
        for grant in grants.iter().filter(|grant| !is_lambdas_own(&program, grant)) {
            let used = own.iter().any(|(_, action, resource)| {
                *action == grant.action && covers(&pattern_of(&grant.pattern), &named(action, resource))
            });
            let excuse = UNUSED.iter().position(|(function, action, pattern, _)| {
                [&*program, "*"].contains(function) && grant.action == *action && grant.pattern == *pattern
            });
            match (used, excuse) {
                (false, None) => {
                    wrong.push(format!("`{program}` never does {} on {}", grant.action, grant.pattern));
                }
                (true, Some(_)) => wrong.push(format!(
                    "{} on {} is excused, but `{program}` does it",
                    grant.action, grant.pattern
                )),
                (false, Some(excuse)) => drop(excused.insert(excuse)),
                (true, None) => {}
            }
            if grant.action.starts_with("kms:") {
                let stray = contexts.iter().find(|(action, names)| {
                    *action == grant.action && grant.context.iter().any(|name| !names.contains(name))
                });
                if let Some((action, names)) = stray {
                    wrong.push(format!(
                        "a {action} has the context {names:?}, its condition asks for {:?}",
                        grant.context
                    ));
                }
                // Signatures have no encryption context.
                let signs = ["kms:Sign", "kms:GetPublicKey"].contains(&&*grant.action);
                if grant.context.is_empty() && !signs {
                    wrong.push(format!("`{program}` may do {} without an encryption context", grant.action));
                }
            }
        }
    }
    for (number, (_, action, pattern, _)) in UNUSED.iter().enumerate() {
        if !excused.contains(&number) {
            wrong.push(format!("{action} on {pattern} is excused, but no role allows it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A secret's ARN ends in `secret:<name>` and the prefix is `sluice` here.
fn pattern_of(pattern: &str) -> String {
    pattern.replace("${SecretsPrefix}", "sluice")
}

fn named(action: &str, resource: &str) -> String {
    if action.starts_with("secretsmanager:") { format!("secret:{resource}") } else { resource.to_owned() }
}
