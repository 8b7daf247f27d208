//! How a new version gets its traffic.

use serde_json::Value;

use super::{Findings, Rule};
use crate::template::model::{Template, at, items, pattern, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "callers-use-alias", check: callers_use_alias },
    Rule { name: "staged-deploy", check: staged_deploy },
];

fn callers_use_alias(template: &Template, findings: &mut Findings) {
    if template.is_transformed() {
        for mapping in template.mappings() {
            findings.expect(
                text(at(template.resource(mapping.function), &["Type"])) == "AWS::Lambda::Alias",
                mapping.place,
                "expected the alias as `FunctionName`: the newest code would take all messages at once",
            );
        }
        return;
    }
    for function in template.functions() {
        findings.expect(
            !template.of_function(&function, "AutoPublishAlias").is_null(),
            function.id,
            "expected `AutoPublishAlias`: without it there is no version to go back to",
        );
        findings.expect(
            template.of_function(&function, "AutoPublishAliasAllProperties").as_bool() == Some(true),
            function.id,
            "expected `AutoPublishAliasAllProperties: true`: a new configuration layer alone would make no version",
        );
    }
}

fn staged_deploy(template: &Template, findings: &mut Findings) {
    let check = |place: &str, alarms: &[&Value], role: &Value, findings: &mut Findings| {
        findings.expect(!alarms.is_empty(), place, "expected alarms that bring the old version back");
        for alarm in alarms {
            let known = text(at(template.resource(target(alarm)), &["Type"])) == "AWS::CloudWatch::Alarm"
                || template.of_type("AWS::CloudWatch::Alarm").any(|(_, it)| {
                    !pattern(alarm).is_empty() && pattern(at(it, &["AlarmName"])) == pattern(alarm)
                });
            findings.expect(known, place, format!("`{alarm}` is no alarm of this template"));
        }
        let own = text(at(template.resource(target(role)), &["Type"])) == "AWS::IAM::Role";
        findings.expect(
            own && template.properties(target(role)).get("ManagedPolicyArns").is_none(),
            place,
            "expected an exact role of this template: SAM's carries AWS's own policy",
        );
    };
    if template.is_transformed() {
        for (id, group) in template.of_type("AWS::CodeDeploy::DeploymentGroup") {
            let alarms = items(at(group, &["AlarmConfiguration", "Alarms"]));
            let alarms: Vec<&Value> = alarms.into_iter().map(|alarm| at(alarm, &["Name"])).collect();
            check(id, &alarms, at(group, &["ServiceRoleArn"]), findings);
            let back = items(at(group, &["AutoRollbackConfiguration", "Events"]));
            findings.expect(
                back.into_iter().any(|event| text(event) == "DEPLOYMENT_STOP_ON_ALARM"),
                id,
                "expected `DEPLOYMENT_STOP_ON_ALARM` among the roll-back events",
            );
        }
        return;
    }
    for function in template.functions() {
        let preference = template.of_function(&function, "DeploymentPreference");
        let alarms = items(at(preference, &["Alarms"]));
        check(function.id, &alarms, at(preference, &["Role"]), findings);
        let default = text(at(&template.0, &["Parameters", target(at(preference, &["Type"])), "Default"]));
        findings.expect(
            default.starts_with("Canary") || default.starts_with("Linear"),
            function.id,
            "expected a staged `Type` by default",
        );
    }
}
