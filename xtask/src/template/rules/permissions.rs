//! Who may do what.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Findings, Rule};
use crate::template::model::{Template, at, fields, items, pattern, statements, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "exact-actions", check: exact_actions },
    Rule { name: "exact-resources", check: exact_resources },
    Rule { name: "no-managed-policies", check: no_managed_policies },
    Rule { name: "one-service-trusted", check: one_service_trusted },
    Rule { name: "kms-context", check: kms_context },
    Rule { name: "below-a-prefix", check: below_a_prefix },
    Rule { name: "endpoint-policies", check: endpoint_policies },
    Rule { name: "named-and-reached", check: named_and_reached },
];

/// The actions for which AWS knows no resource, so that `*` is the only thing to write: nothing else may stand beside them.
const WITHOUT_RESOURCE: [(&str, &str); 6] = [
    ("xray:PutTraceSegments", "X-Ray has no resource for writes"),
    ("xray:PutTelemetryRecords", "X-Ray has no resource for writes"),
    ("ec2:DescribeNetworkInterfaces", "EC2's lists have no resource"),
    ("ec2:DescribeSubnets", "EC2's lists have no resource"),
    ("ec2:DescribeSecurityGroups", "EC2's lists have no resource"),
    ("ec2:DescribeVpcs", "EC2's lists have no resource"),
];

fn is_allowed(statement: &Value) -> bool {
    text(at(statement, &["Effect"])) == "Allow"
}

fn exact_actions(template: &Template, findings: &mut Findings) {
    for statement in template.granted().into_iter().filter(|statement| is_allowed(statement.value)) {
        findings.expect(
            at(statement.value, &["NotAction"]).is_null(),
            &statement.place,
            "`NotAction` allows whatever AWS will think of: name the actions",
        );
        let actions = items(at(statement.value, &["Action"]));
        findings.expect(!actions.is_empty(), &statement.place, "expected `Action`");
        for action in actions.into_iter().map(text) {
            findings.expect(
                action.contains(':') && !action.contains('*'),
                &statement.place,
                format!("allows `{action}`: name each action that the function calls"),
            );
        }
    }
}

fn exact_resources(template: &Template, findings: &mut Findings) {
    for statement in template.granted().into_iter().filter(|statement| is_allowed(statement.value)) {
        let has_none = |action: &&Value| WITHOUT_RESOURCE.iter().any(|(name, _)| *name == text(action));
        let excused = items(at(statement.value, &["Action"])).iter().all(has_none);
        let resources = items(at(statement.value, &["Resource"]));
        findings.expect(!resources.is_empty(), &statement.place, "expected `Resource`");
        for resource in resources {
            let written = pattern(resource);
            // The part after the fifth colon is the resource's own; `…:secret:prefix/*` is below a prefix, `…:*` is everything.
            let own = written.splitn(6, ':').nth(5).unwrap_or(written);
            let everything = written == "*" || own == "*" || own.starts_with('*') || own.ends_with(":*");
            findings.expect(
                !everything || excused && written == "*",
                &statement.place,
                format!("reaches `{written}`: name the resource; `*` stands only where AWS knows none"),
            );
        }
    }
}

fn no_managed_policies(template: &Template, findings: &mut Findings) {
    for (id, role) in template.of_type("AWS::IAM::Role") {
        for policy in items(at(role, &["ManagedPolicyArns"])) {
            findings.expect(
                policy.get("Ref").is_some(),
                id,
                format!("carries `{}`: AWS widens its own policies without asking", pattern(policy)),
            );
        }
    }
    for function in template.functions() {
        findings.expect(
            at(function.properties, &["Policies"]).is_null(),
            function.id,
            "SAM's `Policies` would be added to its role: write the statements into the role",
        );
    }
}

fn one_service_trusted(template: &Template, findings: &mut Findings) {
    for (id, role) in template.of_type("AWS::IAM::Role") {
        for statement in statements(id, at(role, &["AssumeRolePolicyDocument"])) {
            let service = items(at(statement.value, &["Principal", "Service"]));
            let condition = at(statement.value, &["Condition", "StringEquals", "aws:SourceAccount"]);
            match service.as_slice() {
                // A role of a function is passed by the deployment; Lambda sends no source account when it takes it.
                [service] if text(service) == "lambda.amazonaws.com" => {}
                [service] => findings.expect(
                    !condition.is_null(),
                    id,
                    format!(
                        "`{}` may take it for somebody else's account: expected `aws:SourceAccount`",
                        text(service)
                    ),
                ),
                _ => findings.note(id, "expected exactly one service that may take the role"),
            }
        }
    }
}

fn kms_context(template: &Template, findings: &mut Findings) {
    for statement in template.granted().into_iter().filter(|statement| is_allowed(statement.value)) {
        let uses_key = |action: &&Value| {
            let action = text(action);
            // Signatures have no encryption context.
            let without = ["kms:DescribeKey", "kms:Sign", "kms:GetPublicKey"];
            action.starts_with("kms:") && !without.contains(&action)
        };
        if !items(at(statement.value, &["Action"])).iter().any(uses_key) {
            continue;
        }
        let condition = at(statement.value, &["Condition"]);
        findings.expect(
            text(at(condition, &["Null", "kms:EncryptionContext:tenant"])) == "false",
            &statement.place,
            "expected the condition that `kms:EncryptionContext:tenant` is there: a tenant's key would open as another's",
        );
        let keys = items(at(condition, &["ForAllValues:StringEquals", "kms:EncryptionContextKeys"]));
        findings.expect(
            keys.iter().any(|key| text(key) == "tenant"),
            &statement.place,
            "expected `kms:EncryptionContextKeys` to name the context's keys: whatever else is wrapped by this key would open too",
        );
    }
}

fn below_a_prefix(template: &Template, findings: &mut Findings) {
    for statement in template.granted().into_iter().filter(|statement| is_allowed(statement.value)) {
        for resource in items(at(statement.value, &["Resource"])).into_iter().map(pattern) {
            let whole_bucket = resource.ends_with(".Arn}/*") && !resource.contains("index/");
            findings.expect(
                !whole_bucket && !resource.ends_with("/index/*") && !resource.ends_with(":secret:*"),
                &statement.place,
                format!("reaches all of `{resource}`: name the prefix or the index"),
            );
        }
    }
}

fn endpoint_policies(template: &Template, findings: &mut Findings) {
    for (id, endpoint) in template.of_type("AWS::EC2::VPCEndpoint") {
        let all = statements(id, at(endpoint, &["PolicyDocument"]));
        findings.expect(!all.is_empty(), id, "expected `PolicyDocument`: without it everything passes");
        for statement in all {
            let broad = |value: &Value| items(value).iter().any(|one| text(one).contains('*'));
            findings.expect(
                !broad(at(statement.value, &["Action"]))
                    && !broad(at(statement.value, &["Resource"]))
                    && !at(statement.value, &["Condition", "StringEquals", "aws:PrincipalAccount"]).is_null(),
                statement.place,
                "expected exact actions, exact resources and `aws:PrincipalAccount`",
            );
        }
    }
}

/// A function is told the names of what its role reaches, and its role reaches what it is told.
fn named_and_reached(template: &Template, findings: &mut Findings) {
    let stored = |id: &&str| {
        let kind = text(at(template.resource(id), &["Type"]));
        matches!(kind, "AWS::DynamoDB::Table" | "AWS::SQS::Queue" | "AWS::S3::Bucket")
    };
    let variables = |value| fields(at(value, &["Environment", "Variables"])).map(|(_, value)| target(value));
    for function in template.functions() {
        let own: BTreeSet<&str> = variables(function.properties).filter(stored).collect();
        let of_all: BTreeSet<&str> = variables(at(&template.0, &["Globals", "Function"])).collect();
        let role = target(template.of_function(&function, "Role"));
        let granted = template.granted();
        let allowed = granted.iter().filter(|it| it.owner == role && is_allowed(it.value));
        let reached: BTreeSet<&str> =
            allowed.flat_map(|it| items(at(it.value, &["Resource"]))).map(of_arn).filter(stored).collect();
        // Transformed, every function carries the variables of all.
        for id in own.difference(&reached).filter(|_| !template.is_transformed()) {
            findings.note(function.id, format!("is told of `{id}`, which its role does not reach"));
        }
        for id in reached.iter().filter(|id| !own.contains(**id) && !of_all.contains(**id)) {
            findings.note(function.id, format!("its role reaches `{id}`, of which no variable tells it"));
        }
    }
}

/// The logical id in an ARN: `Fn::GetAtt`, or the first `${Id.Arn}` of a pattern.
fn of_arn(value: &Value) -> &str {
    match target(value) {
        "" => {
            pattern(value).strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")).map_or("", |it| it.0)
        }
        id => id,
    }
}
