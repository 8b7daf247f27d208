//! What rings, and whom it tells.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::queues::dead_letter_queues;
use super::{Findings, Rule};
use crate::template::model::{Template, at, fields, items, pattern, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "alarms-tell", check: alarms_tell },
    Rule { name: "alarms-named", check: alarms_named },
    Rule { name: "dead-letters-watched", check: dead_letters_watched },
    Rule { name: "age-watched", check: age_watched },
    Rule { name: "functions-watched", check: functions_watched },
    Rule { name: "front-door-watched", check: front_door_watched },
    Rule { name: "signals-watched", check: signals_watched },
    Rule { name: "night-watched", check: night_watched },
];

/// Metrics of Sluice's own that need a person.
const SIGNALS: [&str; 11] = [
    "OpenBreaks",
    "OldestReviewAge",
    "InDoubt",
    "DeadLettered",
    "Rejected",
    "ConsentStoreFailure",
    "SettingsReloadFailure",
    "UnknownCode",
    "EndpointOpened",
    "EndpointDisabled",
    "RuleFailed",
];

/// Namespace and name → the logical ids its dimensions name.
type Watched<'t> = BTreeMap<(&'t str, &'t str), BTreeSet<&'t str>>;

fn alarms(template: &Template) -> impl Iterator<Item = (&str, &Value)> {
    template.of_type("AWS::CloudWatch::Alarm")
}

/// Every metric that some alarm watches, alone or in a sum.
fn watched(template: &Template) -> Watched<'_> {
    let mut all = Watched::new();
    for (_, alarm) in alarms(template) {
        let parts = items(at(alarm, &["Metrics"])).into_iter();
        let parts = parts.map(|part| at(part, &["MetricStat", "Metric"]));
        for metric in parts.chain([alarm]) {
            let name = (text(at(metric, &["Namespace"])), text(at(metric, &["MetricName"])));
            let of = all.entry(name).or_default();
            of.extend(items(at(metric, &["Dimensions"])).into_iter().map(|it| target(at(it, &["Value"]))));
        }
    }
    all
}

fn is_watched(all: &Watched<'_>, namespace: &str, metric: &str, id: &str) -> bool {
    all.get(&(namespace, metric)).is_some_and(|ids| ids.contains(id))
}

fn alarms_tell(template: &Template, findings: &mut Findings) {
    for (id, alarm) in alarms(template) {
        for actions in ["AlarmActions", "OKActions"] {
            let topic = items(at(alarm, &[actions])).into_iter().map(target).next().unwrap_or_default();
            findings.expect(
                text(at(template.resource(topic), &["Type"])) == "AWS::SNS::Topic",
                id,
                format!("expected a topic of this template in `{actions}`: it would ring unheard"),
            );
        }
        findings.expect(
            !at(alarm, &["TreatMissingData"]).is_null(),
            id,
            "expected `TreatMissingData`: without it silence is neither good nor bad",
        );
    }
}

fn alarms_named(template: &Template, findings: &mut Findings) {
    for (id, alarm) in alarms(template) {
        findings.expect(
            pattern(at(alarm, &["AlarmName"])).starts_with("${AWS::StackName}-"),
            id,
            "expected `AlarmName: !Sub ${AWS::StackName}-…`: CodeDeploy's role may read those, and the runbook names them",
        );
        findings.expect(
            !text(at(alarm, &["AlarmDescription"])).is_empty(),
            id,
            "expected `AlarmDescription`: it is what the mail says",
        );
    }
}

fn dead_letters_watched(template: &Template, findings: &mut Findings) {
    let all = watched(template);
    for id in dead_letter_queues(template) {
        let seen = is_watched(&all, "AWS/SQS", "ApproximateNumberOfMessagesVisible", id);
        findings.expect(seen, id, "expected an alarm on `ApproximateNumberOfMessagesVisible`");
    }
}

fn age_watched(template: &Template, findings: &mut Findings) {
    let all = watched(template);
    for mapping in template.mappings() {
        let seen = is_watched(&all, "AWS/SQS", "ApproximateAgeOfOldestMessage", mapping.queue);
        findings.expect(seen, mapping.queue, "expected an alarm on `ApproximateAgeOfOldestMessage`");
    }
}

fn functions_watched(template: &Template, findings: &mut Findings) {
    let all = watched(template);
    for function in template.functions() {
        for metric in ["Errors", "Throttles", "Duration"] {
            findings.expect(
                is_watched(&all, "AWS/Lambda", metric, function.id),
                function.id,
                format!("expected an alarm on `{metric}`"),
            );
        }
    }
}

fn front_door_watched(template: &Template, findings: &mut Findings) {
    let all = watched(template);
    for metric in ["5xx", "Latency"] {
        let seen = all.contains_key(&("AWS/ApiGateway", metric));
        findings.expect(seen, "Api", format!("expected an alarm on `{metric}`"));
    }
}

fn signals_watched(template: &Template, findings: &mut Findings) {
    let all = watched(template);
    for signal in SIGNALS {
        let seen = all.contains_key(&("Sluice", signal));
        findings.expect(seen, "Resources", format!("expected an alarm on `{signal}`"));
    }
}

/// A night that nobody reconciled is silence, so silence must ring.
fn night_watched(template: &Template, findings: &mut Findings) {
    let rings = alarms(template).any(|(_, alarm)| {
        let of: Vec<&str> =
            items(at(alarm, &["Dimensions"])).into_iter().map(|it| target(at(it, &["Value"]))).collect();
        text(at(alarm, &["MetricName"])) == "Invocations"
            && text(at(alarm, &["TreatMissingData"])) == "breaching"
            && of.iter().any(|id| scheduled(template).contains(id))
    });
    findings.expect(
        rings,
        "Resources",
        "expected an alarm on `Invocations` of the scheduled function that treats missing data as breaching",
    );
}

fn scheduled(template: &Template) -> BTreeSet<&str> {
    let written = template.functions().into_iter().filter(|function| {
        fields(at(function.properties, &["Events"]))
            .any(|(_, event)| text(at(event, &["Type"])) == "ScheduleV2")
    });
    let transformed = template
        .of_type("AWS::Scheduler::Schedule")
        .filter_map(|(_, schedule)| template.function_of(target(at(schedule, &["Target", "Arn"]))));
    written.chain(transformed).map(|function| function.id).collect()
}
