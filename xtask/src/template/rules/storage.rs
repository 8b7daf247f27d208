//! Tables and buckets.

use super::functions::is_key;
use super::queues::refuses_plain_connections;
use super::{Findings, Rule};
use crate::template::model::{Template, at, items, number, pattern, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "table-protection", check: table_protection },
    Rule { name: "table-restore", check: table_restore },
    Rule { name: "table-encryption", check: table_encryption },
    Rule { name: "table-expiry", check: table_expiry },
    Rule { name: "bucket-kept", check: bucket_kept },
    Rule { name: "bucket-versions", check: bucket_versions },
    Rule { name: "bucket-private", check: bucket_private },
    Rule { name: "bucket-encryption", check: bucket_encryption },
    Rule { name: "bucket-tls", check: bucket_tls },
    Rule { name: "digests-locked", check: digests_locked },
];

/// The tables whose records are bookkeeping; all others hold proof, which the law wants kept (PIPL art. 55 and 56).
const EXPIRING: [&str; 1] = ["ReceiptsTable"];

fn kept(template: &Template, id: &str, findings: &mut Findings) {
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        findings.expect(
            text(at(template.resource(id), &[policy])) == "Retain",
            id,
            format!("expected `{policy}: Retain`: what it holds would go with the stack"),
        );
    }
}

fn table_protection(template: &Template, findings: &mut Findings) {
    for (id, table) in template.of_type("AWS::DynamoDB::Table") {
        kept(template, id, findings);
        findings.expect(
            at(table, &["DeletionProtectionEnabled"]).as_bool() == Some(true),
            id,
            "expected `DeletionProtectionEnabled: true`",
        );
    }
}

fn table_restore(template: &Template, findings: &mut Findings) {
    for (id, table) in template.of_type("AWS::DynamoDB::Table") {
        let enabled = at(table, &["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"]);
        findings.expect(enabled.as_bool() == Some(true), id, "expected point-in-time recovery");
    }
}

fn table_encryption(template: &Template, findings: &mut Findings) {
    for (id, table) in template.of_type("AWS::DynamoDB::Table") {
        let encryption = at(table, &["SSESpecification"]);
        findings.expect(
            at(encryption, &["SSEEnabled"]).as_bool() == Some(true)
                && text(at(encryption, &["SSEType"])) == "KMS"
                && is_key(template, at(encryption, &["KMSMasterKeyId"])),
            id,
            "expected `SSESpecification` with KMS and the stack's key",
        );
    }
}

fn table_expiry(template: &Template, findings: &mut Findings) {
    for (id, table) in template.of_type("AWS::DynamoDB::Table") {
        let expires = at(table, &["TimeToLiveSpecification", "Enabled"]).as_bool() == Some(true);
        findings.expect(
            expires == EXPIRING.contains(&id),
            id,
            if expires {
                "its records are proof and must not expire: take `TimeToLiveSpecification` out"
            } else {
                "its records are bookkeeping: expected `TimeToLiveSpecification`"
            },
        );
    }
}

fn bucket_kept(template: &Template, findings: &mut Findings) {
    for (id, _) in template.of_type("AWS::S3::Bucket") {
        kept(template, id, findings);
    }
}

fn bucket_versions(template: &Template, findings: &mut Findings) {
    for (id, bucket) in template.of_type("AWS::S3::Bucket") {
        let versions = text(at(bucket, &["VersioningConfiguration", "Status"]));
        findings.expect(versions == "Enabled", id, "expected `VersioningConfiguration: {Status: Enabled}`");
    }
}

fn bucket_private(template: &Template, findings: &mut Findings) {
    for (id, bucket) in template.of_type("AWS::S3::Bucket") {
        for block in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
            let blocked = at(bucket, &["PublicAccessBlockConfiguration", block]);
            findings.expect(
                blocked.as_bool() == Some(true),
                id,
                format!("expected `PublicAccessBlockConfiguration.{block}: true`"),
            );
        }
        let owners = items(at(bucket, &["OwnershipControls", "Rules"]));
        findings.expect(
            owners.into_iter().any(|rule| text(at(rule, &["ObjectOwnership"])) == "BucketOwnerEnforced"),
            id,
            "expected `OwnershipControls` with `BucketOwnerEnforced`: no access lists",
        );
    }
}

fn bucket_encryption(template: &Template, findings: &mut Findings) {
    for (id, bucket) in template.of_type("AWS::S3::Bucket") {
        let rules = items(at(bucket, &["BucketEncryption", "ServerSideEncryptionConfiguration"]));
        let encrypted = rules.into_iter().any(|rule| {
            let default = at(rule, &["ServerSideEncryptionByDefault"]);
            text(at(default, &["SSEAlgorithm"])) == "aws:kms"
                && is_key(template, at(default, &["KMSMasterKeyID"]))
        });
        findings.expect(encrypted, id, "expected `BucketEncryption` with aws:kms and the stack's key");
    }
}

fn bucket_tls(template: &Template, findings: &mut Findings) {
    let policies = template.resource_policies("AWS::S3::BucketPolicy");
    for (id, _) in template.of_type("AWS::S3::Bucket") {
        let refused = policies.iter().any(|statement| {
            let covered = items(at(statement.value, &["Resource"]));
            refuses_plain_connections(statement.value, "s3:*")
                && target(at(template.properties(statement.owner), &["Bucket"])) == id
                && covered.iter().any(|arn| target(arn) == id)
                && covered.iter().any(|arn| pattern(arn) == format!("${{{id}.Arn}}/*"))
        });
        findings.expect(
            refused,
            id,
            "expected a bucket policy that denies `s3:*` on bucket and objects without `aws:SecureTransport`",
        );
    }
}

fn digests_locked(template: &Template, findings: &mut Findings) {
    const ID: &str = "DigestsBucket";
    let bucket = template.properties(ID);
    let lock = at(bucket, &["ObjectLockConfiguration"]);
    let rule = at(lock, &["Rule", "DefaultRetention"]);
    findings.expect(
        at(bucket, &["ObjectLockEnabled"]).as_bool() == Some(true)
            && text(at(lock, &["ObjectLockEnabled"])) == "Enabled"
            && !at(rule, &["Mode"]).is_null()
            && number(template, at(rule, &["Days"])).is_some_and(|days| days >= 1096),
        ID,
        "expected Object Lock with a retention of 1096 days by default: digests that can be replaced prove nothing",
    );
}
