//! One template for every region, the mainland's among them.

use serde_json::Value;

use super::{Findings, Rule};
use crate::template::model::Template;

pub(super) const RULES: &[Rule] = &[Rule { name: "any-region", check: any_region }];

/// Partitions, regions and domains that are those of some places only.
const SOME_PLACES: [&str; 9] = [
    "arn:aws:",
    "arn:aws-cn:",
    "us-east-1",
    "us-west-2",
    "cn-north",
    "cn-northwest",
    "ap-southeast-1",
    "ap-east-1",
    ".amazonaws.com.cn",
];

fn any_region(template: &Template, findings: &mut Findings) {
    for (id, resource) in template.resources() {
        look(id, resource, findings);
    }
}

fn look(place: &str, value: &Value, findings: &mut Findings) {
    match value {
        Value::String(text) => {
            for fixed in SOME_PLACES {
                findings.expect(
                    !text.contains(fixed),
                    place,
                    format!(
                        "`{fixed}` is not everywhere: use `AWS::Partition`, `AWS::Region`, `AWS::URLSuffix`"
                    ),
                );
            }
            let account = text.split(|it: char| !it.is_ascii_digit()).any(|digits| digits.len() == 12);
            findings.expect(!account, place, "holds an account's number: use `AWS::AccountId`");
        }
        Value::Array(list) => list.iter().for_each(|value| look(place, value, findings)),
        Value::Object(object) => {
            for (name, value) in object {
                look(&format!("{place}.{name}"), value, findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
