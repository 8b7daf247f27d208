//! Every rule fails on the real template with one thing broken, and on nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{RULES, check};
use crate::template::model::Template;

fn real() -> Template {
    let path = crate::workspace::root().join("template.yaml");
    Template::from_yaml(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Rule, path to a value, what is put there (`Null` takes it away), and where the finding must be.
#[expect(clippy::too_many_lines, reason = "a table")]
fn broken() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let properties = |id: &'static str, path: &'static str| -> &'static str {
        format!("Resources/{id}/Properties/{path}").leak()
    };
    let audit = |path| properties("AuditTable", path);
    let queue = |path| properties("EventsQueue", path);
    let source = |path| properties("ComplianceCheck", format!("Events/Queue/Properties/{path}").leak());
    let reports = |path| properties("ReportsBucket", path);
    let role = |path| properties("ComplianceCheckRole", path);
    vec![
        ("own-role", properties("ChannelDispatch", "Role"), Value::Null, "ChannelDispatch"),
        (
            "own-role",
            properties("ChannelDispatch", "Role"),
            json!({"Fn::GetAtt": ["ComplianceCheckRole", "Arn"]}),
            "ChannelDispatch",
        ),
        (
            "own-log-group",
            properties("WebhookVerify", "LoggingConfig/LogGroup"),
            Value::Null,
            "WebhookVerify",
        ),
        (
            "log-retention",
            properties("WebhookVerifyLogs", "RetentionInDays"),
            Value::Null,
            "WebhookVerifyLogs",
        ),
        ("log-retention", "Parameters/LogRetentionDays/AllowedValues/0", json!(30), "WebhookVerifyLogs"),
        ("log-encryption", properties("ApiLogs", "KmsKeyId"), Value::Null, "ApiLogs"),
        ("tracing", "Globals/Function/Tracing", json!("PassThrough"), "WebhookVerify"),
        (
            "no-secret-in-environment",
            "Globals/Function/Environment/Variables/APP_SECRET",
            json!("x"),
            "WebhookVerify.Environment.APP_SECRET",
        ),
        (
            "no-secret-in-environment",
            "Globals/Function/Environment/Variables/APP",
            json!("{{resolve:secretsmanager:a}}"),
            "WebhookVerify.Environment.APP",
        ),
        ("tags", "Globals/Function/Tags", Value::Null, "WebhookVerify"),
        ("api-throttling", properties("Api", "DefaultRouteSettings/ThrottlingRateLimit"), Value::Null, "Api"),
        ("api-log", properties("Api", "AccessLogSettings"), Value::Null, "Api"),
        ("api-log", properties("Api", "AccessLogSettings/Format"), json!("$context.querystring"), "Api"),
        (
            "partial-batches",
            source("FunctionResponseTypes/0"),
            json!("ReportBatchItemFailure"),
            "ComplianceCheck.Events.Queue",
        ),
        ("concurrency-ceiling", source("ScalingConfig"), Value::Null, "ComplianceCheck.Events.Queue"),
        (
            "concurrency-ceiling",
            source("ProvisionedPollerConfig"),
            json!({"MinimumPollers": 2}),
            "ComplianceCheck.Events.Queue",
        ),
        ("visibility", queue("VisibilityTimeout"), json!(179), "EventsQueue"),
        ("visibility", properties("ComplianceCheck", "Timeout"), json!(31), "EventsQueue"),
        ("redrive", queue("RedrivePolicy/maxReceiveCount"), json!(4), "EventsQueue"),
        (
            "redrive",
            queue("RedrivePolicy/deadLetterTargetArn"),
            json!({"Fn::GetAtt": ["EventsQueue", "Arn"]}),
            "EventsQueue",
        ),
        (
            "dead-letter-retention",
            properties("EventsDeadLetters", "MessageRetentionPeriod"),
            json!(345_600),
            "EventsDeadLetters",
        ),
        (
            "dead-letter-retention",
            properties("ScheduleDeadLetters", "MessageRetentionPeriod"),
            Value::Null,
            "ScheduleDeadLetters",
        ),
        (
            "redrive-allow",
            properties("ClearedDeadLetters", "RedriveAllowPolicy"),
            Value::Null,
            "ClearedDeadLetters",
        ),
        (
            "redrive-allow",
            properties("ClearedDeadLetters", "RedriveAllowPolicy/redrivePermission"),
            json!("allowAll"),
            "ClearedDeadLetters",
        ),
        (
            "queue-encryption",
            properties("AssignedQueue", "KmsMasterKeyId"),
            json!("alias/aws/sqs"),
            "AssignedQueue",
        ),
        (
            "queue-tls",
            properties("AssignedQueuePolicy", "PolicyDocument/Statement/0/Condition"),
            Value::Null,
            "AssignedQueue",
        ),
        (
            "queue-tls",
            properties("AssignedQueuePolicy", "Queues/0"),
            json!({"Ref": "EventsQueue"}),
            "AssignedQueue",
        ),
        ("table-protection", audit("DeletionProtectionEnabled"), json!(false), "AuditTable"),
        ("table-protection", "Resources/AuditTable/DeletionPolicy", json!("Delete"), "AuditTable"),
        ("table-restore", audit("PointInTimeRecoverySpecification"), Value::Null, "AuditTable"),
        ("table-encryption", audit("SSESpecification/KMSMasterKeyId"), Value::Null, "AuditTable"),
        (
            "table-expiry",
            audit("TimeToLiveSpecification"),
            json!({"AttributeName": "expires_at", "Enabled": true}),
            "AuditTable",
        ),
        (
            "table-expiry",
            properties("ReceiptsTable", "TimeToLiveSpecification"),
            Value::Null,
            "ReceiptsTable",
        ),
        ("bucket-kept", "Resources/ReportsBucket/UpdateReplacePolicy", Value::Null, "ReportsBucket"),
        ("bucket-versions", reports("VersioningConfiguration/Status"), json!("Suspended"), "ReportsBucket"),
        (
            "bucket-private",
            reports("PublicAccessBlockConfiguration/BlockPublicPolicy"),
            json!(false),
            "ReportsBucket",
        ),
        ("bucket-private", reports("OwnershipControls"), Value::Null, "ReportsBucket"),
        ("bucket-encryption", reports("BucketEncryption"), Value::Null, "ReportsBucket"),
        (
            "bucket-tls",
            properties("ConfigBucketPolicy", "PolicyDocument/Statement/0/Resource/1"),
            Value::Null,
            "ConfigBucket",
        ),
        ("digests-locked", properties("DigestsBucket", "ObjectLockEnabled"), json!(false), "DigestsBucket"),
        ("digests-locked", "Parameters/DigestRetentionDays/Default", json!(30), "DigestsBucket"),
        (
            "exact-actions",
            role("Policies/0/PolicyDocument/Statement/0/Action"),
            json!("logs:*"),
            "ComplianceCheckRole.WriteOwnLogs",
        ),
        (
            "exact-actions",
            role("Policies/0/PolicyDocument/Statement/0/NotAction"),
            json!("iam:PassRole"),
            "ComplianceCheckRole.WriteOwnLogs",
        ),
        (
            "exact-resources",
            role("Policies/0/PolicyDocument/Statement/0/Resource"),
            json!("*"),
            "ComplianceCheckRole.WriteOwnLogs",
        ),
        (
            "exact-resources",
            role("Policies/0/PolicyDocument/Statement/0/Resource"),
            json!({"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"}),
            "ComplianceCheckRole.WriteOwnLogs",
        ),
        (
            "exact-resources",
            properties("TracePolicy", "PolicyDocument/Statement/0/Action/2"),
            json!("s3:GetObject"),
            "TracePolicy.Trace",
        ),
        (
            "no-managed-policies",
            role("ManagedPolicyArns/0"),
            json!("arn:x:iam::aws:policy/AdministratorAccess"),
            "ComplianceCheckRole",
        ),
        (
            "no-managed-policies",
            properties("ComplianceCheck", "Policies"),
            json!(["AWSXRayDaemonWriteAccess"]),
            "ComplianceCheck",
        ),
        (
            "one-service-trusted",
            properties("ScheduleRole", "AssumeRolePolicyDocument/Statement/0/Condition"),
            Value::Null,
            "ScheduleRole",
        ),
        (
            "one-service-trusted",
            role("AssumeRolePolicyDocument/Statement/0/Principal"),
            json!({"AWS": "*"}),
            "ComplianceCheckRole",
        ),
        (
            "kms-context",
            "statement:ComplianceCheckRole.OpenTenantKeys/Condition",
            Value::Null,
            "ComplianceCheckRole.OpenTenantKeys",
        ),
        (
            "kms-context",
            "statement:ComplianceCheckRole.OpenTenantKeys/Condition/ForAllValues:StringEquals",
            Value::Null,
            "ComplianceCheckRole.OpenTenantKeys",
        ),
        (
            "below-a-prefix",
            "statement:NightlyReconciliationRole.KeepReports/Resource",
            json!({"Fn::Sub": "${ReportsBucket.Arn}/*"}),
            "NightlyReconciliationRole.KeepReports",
        ),
        ("endpoint-policies", properties("TablesEndpoint", "PolicyDocument"), Value::Null, "TablesEndpoint"),
        (
            "endpoint-policies",
            properties("KeyEndpoint", "PolicyDocument/Statement/0/Action"),
            json!("kms:*"),
            "KeyEndpoint.MakeAndOpenTenantKeys",
        ),
        ("key-rotation", properties("Key", "EnableKeyRotation"), json!(false), "Key"),
        ("key-rotation", properties("Key", "PendingWindowInDays"), json!(7), "Key"),
        ("key-kept", "Resources/Key/DeletionPolicy", Value::Null, "Key"),
        (
            "key-policy",
            properties("Key", "KeyPolicy/Statement/1/Condition"),
            Value::Null,
            "Key.ThroughQueuesTablesAndReports",
        ),
        (
            "key-policy",
            properties("Key", "KeyPolicy/Statement/1/Condition/StringEquals/kms:ViaService"),
            Value::Null,
            "Key.ThroughQueuesTablesAndReports",
        ),
        (
            "key-policy",
            properties("Key", "KeyPolicy/Statement/4/Condition"),
            Value::Null,
            "Key.AlarmsAndScheduleSend",
        ),
        ("audit-key", properties("AuditKey", "KeyUsage"), json!("ENCRYPT_DECRYPT"), "Resources"),
        ("audit-key", properties("AuditKey", "KeySpec"), json!("RSA_2048"), "AuditKey"),
        ("audit-key", properties("AuditKey", "KeyPolicy/Statement/1"), Value::Null, "AuditKey"),
        (
            "audit-key",
            role("Tags"),
            json!([{"Key": "sluice-audit-signer", "Value": {"Ref": "AWS::StackName"}}]),
            "AuditKey",
        ),
        (
            "audit-key",
            "statement:ComplianceCheckRole.OpenTenantKeys/Action",
            json!(["kms:Decrypt", "kms:Sign"]),
            "ComplianceCheckRole.OpenTenantKeys",
        ),
        ("key-kept", "Resources/AuditKey/DeletionPolicy", Value::Null, "AuditKey"),
        ("alarms-tell", properties("OpenBreaksLeft", "AlarmActions"), Value::Null, "OpenBreaksLeft"),
        ("alarms-tell", properties("OpenBreaksLeft", "TreatMissingData"), Value::Null, "OpenBreaksLeft"),
        ("alarms-named", properties("OpenBreaksLeft", "AlarmName"), json!("open-breaks"), "OpenBreaksLeft"),
        ("alarms-named", properties("OpenBreaksLeft", "AlarmDescription"), Value::Null, "OpenBreaksLeft"),
        (
            "dead-letters-watched",
            properties("DeadLettersWaiting", "Metrics/4"),
            Value::Null,
            "ScheduleDeadLetters",
        ),
        ("age-watched", "Resources/WorkIsLate", Value::Null, "EventsQueue"),
        ("functions-watched", "Resources/ChannelDispatchErrors", Value::Null, "ChannelDispatch"),
        ("functions-watched", "Resources/FunctionsNearTimeout", Value::Null, "ChannelDispatch"),
        ("front-door-watched", "Resources/FrontDoorSlow", Value::Null, "Api"),
        ("signals-watched", "Resources/DeliveriesInDoubt", Value::Null, "Resources"),
        (
            "night-watched",
            properties("NobodyReconciled", "TreatMissingData"),
            json!("notBreaching"),
            "Resources",
        ),
        ("callers-use-alias", "Globals/Function/AutoPublishAlias", Value::Null, "WebhookVerify"),
        (
            "callers-use-alias",
            properties("WebhookVerify", "AutoPublishAliasAllProperties"),
            Value::Null,
            "WebhookVerify",
        ),
        (
            "staged-deploy",
            properties("WebhookVerify", "DeploymentPreference/Alarms"),
            Value::Null,
            "WebhookVerify",
        ),
        (
            "staged-deploy",
            properties("WebhookVerify", "DeploymentPreference/Alarms/0"),
            json!({"Ref": "Gone"}),
            "WebhookVerify",
        ),
        (
            "staged-deploy",
            properties("WebhookVerify", "DeploymentPreference/Role"),
            Value::Null,
            "WebhookVerify",
        ),
        ("staged-deploy", "Parameters/Rollout/Default", json!("AllAtOnce"), "WebhookVerify"),
        ("network-optional", "Resources/TranslationA/Condition", Value::Null, "TranslationA"),
        ("network-optional", "Parameters/FixedEgress/Default", json!("true"), "Parameters.FixedEgress"),
        (
            "egress-https",
            properties("DispatchSecurityGroup", "SecurityGroupEgress/0/FromPort"),
            json!(0),
            "DispatchSecurityGroup",
        ),
        (
            "egress-https",
            properties("EndpointSecurityGroup", "SecurityGroupIngress/0/CidrIp"),
            json!("0.0.0.0/0"),
            "EndpointSecurityGroup",
        ),
        (
            "named-and-reached",
            "Resources/BucketAssignment/Properties/Environment/Variables/SLUICE_TABLE_AUDIT",
            json!({"Ref": "AuditTable"}),
            "BucketAssignment",
        ),
        (
            "named-and-reached",
            "Resources/BucketAssignment/Properties/Environment/Variables/SLUICE_TABLE_EXPOSURES",
            Value::Null,
            "BucketAssignment",
        ),
        (
            "endpoints-exact",
            properties("KeyEndpoint", "PolicyDocument/Statement/0/Action/0"),
            json!("kms:CreateGrant"),
            "KeyEndpoint.MakeAndOpenTenantKeys",
        ),
        (
            "endpoints-suffice",
            properties("QueuesEndpoint", "PolicyDocument/Statement/0/Action"),
            json!(["sqs:SendMessage"]),
            "QueuesEndpoint",
        ),
        (
            "any-region",
            properties("Key", "Description"),
            json!("arn:aws:kms:us-east-1:123456789012:key/1"),
            "Key.Properties.Description",
        ),
    ]
}

/// Puts a value somewhere, or takes it away. `statement:Owner.Sid/…` finds a role's statement by its name.
fn put(template: &mut Template, path: &str, value: Value) {
    let path = match path.strip_prefix("statement:") {
        None => format!("/{path}"),
        Some(named) => {
            let (owner, rest) = named.split_once('.').unwrap();
            let (sid, rest) = rest.split_once('/').unwrap();
            let statements = format!("/Resources/{owner}/Properties/Policies/0/PolicyDocument/Statement");
            let list = template.0.pointer(&statements).unwrap().as_array().unwrap();
            let number = list.iter().position(|statement| statement["Sid"] == sid).unwrap();
            format!("{statements}/{number}/{rest}")
        }
    };
    let (parent, name) = path.rsplit_once('/').unwrap();
    match template.0.pointer_mut(parent).unwrap_or_else(|| panic!("no `{parent}` in the template")) {
        Value::Object(object) if value.is_null() => {
            assert!(object.remove(name).is_some(), "`{path}` is not in the template");
        }
        Value::Object(object) => {
            object.insert(name.to_owned(), value);
        }
        Value::Array(list) => {
            let number: usize = name.parse().unwrap();
            if value.is_null() {
                list.remove(number);
            } else if number == list.len() {
                list.push(value);
            } else {
                list[number] = value;
            }
        }
        other => panic!("`{parent}` is {other}"),
    }
}

#[test]
fn the_template_holds_to_every_rule() {
    let findings: Vec<String> = check(&real()).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn each_rule_finds_what_is_broken_and_says_where() {
    for (rule, path, value, place) in broken() {
        let mut template = real();
        put(&mut template, path, value.clone());
        let findings = check(&template);
        let found = findings.iter().find(|finding| finding.rule == rule && finding.place == place);
        assert!(found.is_some(), "`{path}` := {value}: `{rule}` says nothing of `{place}`: {findings:?}");
        assert!(found.unwrap().wrong.len() > 20, "`{rule}` says too little: {found:?}");
    }
}

#[test]
fn no_rule_goes_without_a_broken_template() {
    let tried: BTreeSet<&str> = broken().into_iter().map(|(rule, ..)| rule).collect();
    let all: BTreeSet<&str> = RULES.iter().copied().flatten().map(|rule| rule.name).collect();
    assert_eq!(tried, all);
}

/// What AWS makes of the template is read by the same rules; these are the shapes that differ.
#[test]
fn the_transformed_template_is_judged_too() {
    let transformed = Template(json!({"Resources": {
        "F": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 30, "TracingConfig": {"Mode": "PassThrough"}}},
        "Map": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
            "FunctionName": {"Ref": "F"}, "EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}}},
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}},
        "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {}},
        "Group": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": {}},
    }}));
    let found: BTreeSet<(&str, String)> =
        check(&transformed).into_iter().map(|finding| (finding.rule, finding.place)).collect();
    for expected in [
        ("tracing", "F"),
        ("partial-batches", "Map"),
        ("concurrency-ceiling", "Map"),
        ("callers-use-alias", "Map"),
        ("visibility", "Q"),
        ("api-throttling", "Stage"),
        ("staged-deploy", "Group"),
    ] {
        assert!(found.contains(&(expected.0, expected.1.to_owned())), "{expected:?} not in {found:?}");
    }
}
