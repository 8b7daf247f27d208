//! Functions, their logs, and the API before them.

use serde_json::Value;

use super::{Findings, Rule};
use crate::template::model::{Template, alternatives, at, fields, number, pattern, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "own-role", check: own_role },
    Rule { name: "own-log-group", check: own_log_group },
    Rule { name: "log-retention", check: log_retention },
    Rule { name: "log-encryption", check: log_encryption },
    Rule { name: "tracing", check: tracing },
    Rule { name: "no-secret-in-environment", check: no_secret_in_environment },
    Rule { name: "tags", check: tags },
    Rule { name: "api-throttling", check: api_throttling },
    Rule { name: "api-log", check: api_log },
];

/// The Cybersecurity Law's six months (art. 21).
const SHORTEST_RETENTION_DAYS: u64 = 180;

fn own_role(template: &Template, findings: &mut Findings) {
    let functions = template.functions();
    let role_of = |function| target(template.of_function(function, "Role"));
    for function in &functions {
        let role = role_of(function);
        findings.expect(
            text(at(template.resource(role), &["Type"])) == "AWS::IAM::Role",
            function.id,
            "expected a role of this template in `Role`: SAM would make one with AWS's own broad policies",
        );
        let holders = functions.iter().filter(|other| role_of(other) == role).count();
        findings.expect(
            role.is_empty() || holders == 1,
            function.id,
            format!("shares the role `{role}` with another function: give it its own"),
        );
    }
}

fn own_log_group(template: &Template, findings: &mut Findings) {
    for function in template.functions() {
        let group = target(at(template.of_function(&function, "LoggingConfig"), &["LogGroup"]));
        findings.expect(
            text(at(template.resource(group), &["Type"])) == "AWS::Logs::LogGroup",
            function.id,
            "expected a log group of this template in `LoggingConfig.LogGroup`: Lambda would make one that keeps everything, unencrypted",
        );
    }
}

fn log_retention(template: &Template, findings: &mut Findings) {
    for (id, group) in template.of_type("AWS::Logs::LogGroup") {
        let days = at(group, &["RetentionInDays"]);
        let choices = at(&template.0, &["Parameters", target(days), "AllowedValues"]);
        let shortest = choices
            .as_array()
            .and_then(|choices| choices.iter().filter_map(Value::as_u64).min())
            .or_else(|| days.as_u64());
        match shortest {
            None => findings.note(id, "expected `RetentionInDays`: without it logs stay for ever"),
            Some(days) => findings.expect(
                days >= SHORTEST_RETENTION_DAYS,
                id,
                format!("logs may go after {days} days, the law asks for {SHORTEST_RETENTION_DAYS} at least"),
            ),
        }
    }
}

fn log_encryption(template: &Template, findings: &mut Findings) {
    for (id, group) in template.of_type("AWS::Logs::LogGroup") {
        findings.expect(
            is_key(template, at(group, &["KmsKeyId"])),
            id,
            "expected the stack's key in `KmsKeyId`",
        );
    }
}

fn tracing(template: &Template, findings: &mut Findings) {
    for function in template.functions() {
        let mode = match template.of_function(&function, "TracingConfig") {
            Value::Null => template.of_function(&function, "Tracing"),
            config => at(config, &["Mode"]),
        };
        findings.expect(
            alternatives(mode).into_iter().any(|mode| text(mode) == "Active"),
            function.id,
            "expected X-Ray tracing `Active` where the region has it",
        );
    }
}

fn no_secret_in_environment(template: &Template, findings: &mut Findings) {
    for function in template.functions() {
        let variables = [
            at(template.of_function(&function, "Environment"), &["Variables"]),
            at(&template.0, &["Globals", "Function", "Environment", "Variables"]),
        ];
        for (name, value) in variables.into_iter().flat_map(fields) {
            let named = ["SECRET", "PASSWORD", "TOKEN", "CREDENTIAL"].iter().any(|word| name.contains(word));
            findings.expect(
                !pattern(value).contains("{{resolve:") && (!named || name.ends_with("_PREFIX")),
                format!("{}.Environment.{name}", function.id),
                "a variable is no place for a secret: put it into Secrets Manager, whence the function reads it",
            );
        }
    }
}

fn tags(template: &Template, findings: &mut Findings) {
    for function in template.functions() {
        let tags = template.of_function(&function, "Tags");
        let tagged = tags.get("application").is_some()
            || tags
                .as_array()
                .is_some_and(|list| list.iter().any(|tag| text(at(tag, &["Key"])) == "application"));
        findings.expect(tagged, function.id, "expected the tag `application`: costs are told apart by it");
    }
}

fn api_throttling(template: &Template, findings: &mut Findings) {
    let apis =
        template.of_type("AWS::Serverless::HttpApi").chain(template.of_type("AWS::ApiGatewayV2::Stage"));
    let mut seen = false;
    for (id, api) in apis {
        seen = true;
        for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
            let value = number(template, at(api, &["DefaultRouteSettings", limit]));
            findings.expect(
                value.is_some_and(|value| value > 0),
                id,
                format!("expected `DefaultRouteSettings.{limit}`: without it one sender can use up the account's limit"),
            );
        }
    }
    findings.expect(seen, "Resources", "expected an HTTP API");
}

fn api_log(template: &Template, findings: &mut Findings) {
    let apis =
        template.of_type("AWS::Serverless::HttpApi").chain(template.of_type("AWS::ApiGatewayV2::Stage"));
    for (id, api) in apis {
        let log = at(api, &["AccessLogSettings"]);
        findings.expect(
            text(at(template.resource(target(at(log, &["DestinationArn"]))), &["Type"]))
                == "AWS::Logs::LogGroup",
            id,
            "expected `AccessLogSettings` with a log group of this template",
        );
        for secret in ["querystring", "requestOverride", "$context.authorizer", "header"] {
            findings.expect(
                !text(at(log, &["Format"])).contains(secret),
                id,
                format!(
                    "the access log's format holds `{secret}`: several schemes carry their signature there"
                ),
            );
        }
    }
}

/// Is it the one key of this template?
pub(super) fn is_key(template: &Template, value: &Value) -> bool {
    text(at(template.resource(target(value)), &["Type"])) == "AWS::KMS::Key"
}
