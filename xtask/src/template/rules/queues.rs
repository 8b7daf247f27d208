//! Queues, and how functions read them.

use serde_json::Value;

use super::functions::is_key;
use super::{Findings, Rule};
use crate::template::model::{Template, at, items, number, pattern, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "partial-batches", check: partial_batches },
    Rule { name: "concurrency-ceiling", check: concurrency_ceiling },
    Rule { name: "visibility", check: visibility },
    Rule { name: "redrive", check: redrive },
    Rule { name: "dead-letter-retention", check: dead_letter_retention },
    Rule { name: "redrive-allow", check: redrive_allow },
    Rule { name: "queue-encryption", check: queue_encryption },
    Rule { name: "queue-tls", check: queue_tls },
];

/// AWS advises six: a function may be throttled five times before it gets a batch.
const VISIBILITY_TIMES: u64 = 6;
const FEWEST_RECEIVES: u64 = 5;
/// SQS keeps nothing longer.
const TWO_WEEKS: u64 = 14 * 86_400;

fn partial_batches(template: &Template, findings: &mut Findings) {
    let mappings = template.mappings();
    findings.expect(!mappings.is_empty(), "Resources", "expected queues that feed functions");
    for mapping in mappings {
        let types = items(at(mapping.properties, &["FunctionResponseTypes"]));
        findings.expect(
            types.into_iter().any(|kind| text(kind) == "ReportBatchItemFailures"),
            mapping.place,
            "expected `FunctionResponseTypes: [ReportBatchItemFailures]`: one failure would bring the whole batch back",
        );
    }
}

fn concurrency_ceiling(template: &Template, findings: &mut Findings) {
    for mapping in template.mappings() {
        let ceiling = number(template, at(mapping.properties, &["ScalingConfig", "MaximumConcurrency"]));
        findings.expect(
            ceiling.is_some_and(|ceiling| (2..=1000).contains(&ceiling)),
            &mapping.place,
            "expected `ScalingConfig.MaximumConcurrency` from 2 to 1000: a full queue would take the account's concurrency",
        );
        findings.expect(
            at(mapping.properties, &["ProvisionedPollerConfig"]).is_null(),
            mapping.place,
            "`ProvisionedPollerConfig` excludes `MaximumConcurrency`",
        );
    }
}

fn visibility(template: &Template, findings: &mut Findings) {
    for mapping in template.mappings() {
        let Some(function) = template.function_of(mapping.function) else {
            findings.note(mapping.place, "expected a function of this template");
            continue;
        };
        let timeout = number(template, template.of_function(&function, "Timeout"));
        let visible = number(template, at(template.properties(mapping.queue), &["VisibilityTimeout"]));
        let (Some(timeout), Some(visible)) = (timeout, visible) else {
            findings.note(mapping.queue, "expected `VisibilityTimeout` and the function's `Timeout`");
            continue;
        };
        let least = timeout.saturating_mul(VISIBILITY_TIMES);
        findings.expect(
            visible >= least,
            mapping.queue,
            format!("expected `VisibilityTimeout` of {least} s at least ({VISIBILITY_TIMES} × the {timeout} s of `{}`), is {visible} s", function.id),
        );
    }
}

fn redrive(template: &Template, findings: &mut Findings) {
    for mapping in template.mappings() {
        let policy = at(template.properties(mapping.queue), &["RedrivePolicy"]);
        let receives = number(template, at(policy, &["maxReceiveCount"]));
        findings.expect(
            receives.is_some_and(|receives| receives >= FEWEST_RECEIVES),
            mapping.queue,
            format!("expected `RedrivePolicy.maxReceiveCount` of {FEWEST_RECEIVES} at least: fewer bury what a short outage delays"),
        );
        let dead = target(at(policy, &["deadLetterTargetArn"]));
        findings.expect(
            text(at(template.resource(dead), &["Type"])) == "AWS::SQS::Queue" && dead != mapping.queue,
            mapping.queue,
            "expected another queue of this template in `RedrivePolicy.deadLetterTargetArn`",
        );
    }
}

fn dead_letter_retention(template: &Template, findings: &mut Findings) {
    for id in dead_letter_queues(template) {
        let kept = number(template, at(template.properties(id), &["MessageRetentionPeriod"]));
        findings.expect(
            kept == Some(TWO_WEEKS),
            id,
            format!("expected `MessageRetentionPeriod: {TWO_WEEKS}` (14 days, the longest): people need time to look"),
        );
    }
}

fn redrive_allow(template: &Template, findings: &mut Findings) {
    for (source, queue) in template.of_type("AWS::SQS::Queue") {
        let dead = target(at(queue, &["RedrivePolicy", "deadLetterTargetArn"]));
        if dead.is_empty() {
            continue;
        }
        let allow = at(template.properties(dead), &["RedriveAllowPolicy"]);
        let name = pattern(at(queue, &["QueueName"]));
        let sources = items(at(allow, &["sourceQueueArns"]));
        let names_it = |arn: &&Value| {
            !name.is_empty() && pattern(arn).ends_with(&format!(":{name}")) || target(arn) == source
        };
        findings.expect(
            text(at(allow, &["redrivePermission"])) == "byQueue"
                && sources.len() == 1
                && sources.iter().any(names_it),
            dead,
            format!("expected `RedriveAllowPolicy` byQueue with `{source}` alone: any queue of the account could bury here"),
        );
    }
}

fn queue_encryption(template: &Template, findings: &mut Findings) {
    for (id, queue) in template.of_type("AWS::SQS::Queue") {
        findings.expect(
            is_key(template, at(queue, &["KmsMasterKeyId"])),
            id,
            "expected the stack's key in `KmsMasterKeyId`",
        );
    }
}

fn queue_tls(template: &Template, findings: &mut Findings) {
    let policies = template.resource_policies("AWS::SQS::QueuePolicy");
    for (id, _) in template.of_type("AWS::SQS::Queue") {
        let refused = policies.iter().any(|statement| {
            let applies = items(at(template.properties(statement.owner), &["Queues"]));
            refuses_plain_connections(statement.value, "sqs:*")
                && applies.into_iter().any(|queue| target(queue) == id)
                && target(at(statement.value, &["Resource"])) == id
        });
        findings.expect(
            refused,
            id,
            "expected a queue policy that denies `sqs:*` without `aws:SecureTransport`",
        );
    }
}

/// Queues where others bury, and those that hold what a schedule could not deliver.
pub(super) fn dead_letter_queues(template: &Template) -> Vec<&str> {
    let buried = template
        .of_type("AWS::SQS::Queue")
        .map(|(_, queue)| target(at(queue, &["RedrivePolicy", "deadLetterTargetArn"])));
    let scheduled = template
        .of_type("AWS::Scheduler::Schedule")
        .map(|(_, schedule)| target(at(schedule, &["Target", "DeadLetterConfig", "Arn"])));
    let written = template.functions().into_iter().flat_map(|function| {
        let events = at(function.properties, &["Events"]).as_object().into_iter().flatten();
        events.map(|(_, event)| target(at(event, &["Properties", "DeadLetterConfig", "Arn"])))
    });
    let mut all: Vec<&str> = buried.chain(scheduled).chain(written).filter(|id| !id.is_empty()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A statement that denies everything to everybody who does not come over TLS.
pub(super) fn refuses_plain_connections(statement: &Value, action: &str) -> bool {
    text(at(statement, &["Effect"])) == "Deny"
        && text(at(statement, &["Principal"])) == "*"
        && text(at(statement, &["Action"])) == action
        && text(at(statement, &["Condition", "Bool", "aws:SecureTransport"])) == "false"
}
