//! The two keys: the one that encrypts, and the one that signs the audit log's heads.

use serde_json::Value;

use super::{Findings, Rule};
use crate::template::model::{Template, at, items, statements, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "key-rotation", check: key_rotation },
    Rule { name: "key-kept", check: key_kept },
    Rule { name: "key-policy", check: key_policy },
    Rule { name: "audit-key", check: audit_key },
];

fn key_rotation(template: &Template, findings: &mut Findings) {
    let mut seen = false;
    for (id, key) in template.of_type("AWS::KMS::Key") {
        // KMS rotates no asymmetric key.
        if !signs(key) {
            seen = true;
            findings.expect(
                at(key, &["EnableKeyRotation"]).as_bool() == Some(true),
                id,
                "expected `EnableKeyRotation: true`",
            );
        }
        findings.expect(
            at(key, &["PendingWindowInDays"]).as_u64() == Some(30),
            id,
            "expected `PendingWindowInDays: 30`, the longest: without the key nothing opens again",
        );
    }
    findings.expect(seen, "Resources", "expected a KMS key");
}

fn key_kept(template: &Template, findings: &mut Findings) {
    for (id, _) in template.of_type("AWS::KMS::Key") {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            findings.expect(
                text(at(template.resource(id), &[policy])) == "Retain",
                id,
                format!("expected `{policy}: Retain`"),
            );
        }
    }
}

/// Whoever is no administrator of the account comes through a service, for this account, or for what the context names.
fn key_policy(template: &Template, findings: &mut Findings) {
    for (id, key) in template.of_type("AWS::KMS::Key") {
        for statement in statements(id, at(key, &["KeyPolicy"])) {
            // What takes away may be said of everybody.
            if text(at(statement.value, &["Effect"])) == "Deny" {
                continue;
            }
            let condition = at(statement.value, &["Condition"]);
            let equals = at(condition, &["StringEquals"]);
            let anybody = text(at(statement.value, &["Principal", "AWS"])) == "*"
                || text(at(statement.value, &["Principal"])) == "*";
            let service = !at(statement.value, &["Principal", "Service"]).is_null();
            findings.expect(
                !anybody
                    || target(at(equals, &["kms:CallerAccount"])) == "AWS::AccountId"
                        && !items(at(equals, &["kms:ViaService"])).is_empty(),
                &statement.place,
                "anybody may use the key: expected `kms:CallerAccount` and `kms:ViaService`",
            );
            let by_context = at(condition, &["ArnLike"])
                .as_object()
                .is_some_and(|keys| keys.keys().any(|key| key.starts_with("kms:EncryptionContext:")));
            findings.expect(
                !service || by_context || !at(equals, &["aws:SourceAccount"]).is_null(),
                &statement.place,
                "a service may use the key for another account: expected `aws:SourceAccount` or an encryption context",
            );
            let actions = items(at(statement.value, &["Action"]));
            findings.expect(
                !(anybody || service) || actions.iter().all(|action| text(action) != "kms:*"),
                &statement.place,
                "only the account's administrators may do everything with the key",
            );
        }
    }
}

fn signs(key: &Value) -> bool {
    text(at(key, &["KeyUsage"])) == "SIGN_VERIFY"
}

/// What the role that signs carries, as a condition key.
const SIGNER_TAG: &str = "aws:PrincipalTag/sluice-audit-signer";

/// What signs the audit log's heads signs nothing else, and for one role alone.
fn audit_key(template: &Template, findings: &mut Findings) {
    let keys: Vec<_> = template.of_type("AWS::KMS::Key").filter(|(_, key)| signs(key)).collect();
    let [(id, key)] = keys.as_slice() else {
        findings
            .note("Resources", "expected one KMS key for signatures: nobody else can check unsigned heads");
        return;
    };
    findings.expect(
        text(at(key, &["KeySpec"])) == "ECC_NIST_P256",
        *id,
        "expected `KeySpec: ECC_NIST_P256`, which every verifier has",
    );
    let denies = statements(id, at(key, &["KeyPolicy"])).iter().any(|statement| {
        let tag = at(statement.value, &["Condition", "StringNotEquals", SIGNER_TAG]);
        text(at(statement.value, &["Effect"])) == "Deny"
            && items(at(statement.value, &["Action"])).iter().any(|action| text(action) == "kms:Sign")
            && target(tag) == "AWS::StackName"
    });
    findings.expect(
        denies,
        *id,
        "expected its policy to deny `kms:Sign` to whoever does not carry the signer's tag",
    );
    let tagged = |role: &Value| {
        items(at(role, &["Tags"])).iter().any(|tag| text(at(tag, &["Key"])) == "sluice-audit-signer")
    };
    let signers: Vec<_> =
        template.of_type("AWS::IAM::Role").filter(|(_, role)| tagged(role)).map(|it| it.0).collect();
    findings.expect(
        signers == ["NightlyReconciliationRole"],
        *id,
        "expected the night's role alone to carry the signer's tag",
    );
    for statement in template.granted() {
        let may_sign =
            items(at(statement.value, &["Action"])).iter().any(|action| text(action) == "kms:Sign");
        let on_it = items(at(statement.value, &["Resource"])).iter().all(|resource| target(resource) == *id);
        findings.expect(
            !may_sign || statement.owner == "NightlyReconciliationRole" && on_it,
            &statement.place,
            format!("expected `kms:Sign` for the night's role on `{id}` alone"),
        );
    }
}
