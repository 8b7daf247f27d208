//! The one key.

use super::{Findings, Rule};
use crate::template::model::{Template, at, items, statements, target, text};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "key-rotation", check: key_rotation },
    Rule { name: "key-kept", check: key_kept },
    Rule { name: "key-policy", check: key_policy },
];

fn key_rotation(template: &Template, findings: &mut Findings) {
    let mut seen = false;
    for (id, key) in template.of_type("AWS::KMS::Key") {
        seen = true;
        findings.expect(
            at(key, &["EnableKeyRotation"]).as_bool() == Some(true),
            id,
            "expected `EnableKeyRotation: true`",
        );
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
