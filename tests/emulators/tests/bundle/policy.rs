//! What `template.yaml` allows each function, read from the template itself.

use std::collections::{BTreeMap, BTreeSet};

use sluice_emulators::deploy::workspace;
use yaml_serde::Value;

/// A grant: an action on what a pattern names, in the words of the template: `AuditTable`, `AuditTable/index/by-day`,
/// `ReportsBucket/reports/*`, `secret:${SecretsPrefix}/*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    pub(crate) action: String,
    pub(crate) pattern: String,
    /// Names that a KMS encryption context must have.
    pub(crate) context: Vec<String>,
}

/// The template's functions, policies and names.
pub(crate) struct Template(Value);

impl Template {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
        Self(yaml_serde::from_str(&text).unwrap())
    }

    fn resource(&self, id: &str) -> &Value {
        &self.0["Resources"][id]
    }

    /// Logical ids of the functions, by the programs' names.
    pub(crate) fn functions(&self) -> BTreeMap<String, String> {
        let all = self.0["Resources"].as_mapping().unwrap();
        let functions = all.iter().filter(|(_, it)| it["Type"].as_str() == Some("AWS::Serverless::Function"));
        functions
            .map(|(id, it)| {
                let program = it["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
                (program.to_owned(), id.as_str().unwrap().to_owned())
            })
            .collect()
    }

    /// Resources of a type with their properties as JSON; a reference becomes the logical id.
    pub(crate) fn of_type(&self, wanted: &str) -> Vec<(String, serde_json::Value)> {
        let all = self.0["Resources"].as_mapping().unwrap();
        let found = all.iter().filter(|(_, it)| it["Type"].as_str() == Some(wanted));
        found.map(|(id, it)| (id.as_str().unwrap().to_owned(), plain(&it["Properties"]))).collect()
    }

    /// The variables of a function: name and what it refers to (`AuditTable`), for those that refer to one resource.
    pub(crate) fn variables(&self, function: &str) -> BTreeMap<String, String> {
        let of = |value: &Value| value["Environment"]["Variables"].as_mapping().cloned().unwrap_or_default();
        let mut all = of(&self.0["Globals"]["Function"]);
        all.extend(of(&self.resource(function)["Properties"]));
        all.iter().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), reference(value)?))).collect()
    }

    /// The default of every parameter.
    pub(crate) fn parameters(&self) -> BTreeMap<String, String> {
        let all = self.0["Parameters"].as_mapping().unwrap();
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        all.iter().filter_map(|(name, it)| Some((name.as_str()?.to_owned(), text(&it["Default"])?))).collect()
    }

    /// Everything that a function's role allows, its own policies and the shared ones.
    pub(crate) fn grants(&self, function: &str) -> BTreeSet<Grant> {
        let role = reference(&self.resource(function)["Properties"]["Role"]).unwrap();
        let role = &self.resource(&role)["Properties"];
        let own =
            role["Policies"].as_sequence().into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
        let shared = role["ManagedPolicyArns"].as_sequence().into_iter().flatten();
        let shared = shared.flat_map(policies).map(|id| {
            let document = &self.0["Resources"][id.as_str()]["Properties"]["PolicyDocument"];
            assert!(document.is_mapping(), "`{id}` is no policy of this template");
            document
        });
        own.chain(shared)
            .flat_map(|document| document["Statement"].as_sequence().unwrap())
            .filter(|statement| statement["Effect"].as_str() == Some("Allow"))
            .flat_map(grants)
            .collect()
    }
}

/// The policies in `!If [condition, !Ref policy, …]`, or the policy of a plain `!Ref`.
fn policies(entry: &Value) -> Vec<String> {
    match entry {
        Value::Tagged(tagged) if tagged.tag == "If" => {
            tagged.value.as_sequence().unwrap().iter().skip(1).flat_map(policies).collect()
        }
        other => reference(other).filter(|name| !name.starts_with("AWS::")).into_iter().collect(),
    }
}

fn grants(statement: &Value) -> Vec<Grant> {
    let context = statement["Condition"]["Null"].as_mapping().into_iter().flatten();
    let context: Vec<_> = context
        .filter_map(|(name, _)| name.as_str()?.strip_prefix("kms:EncryptionContext:").map(str::to_owned))
        .collect();
    let mut grants = Vec::new();
    for action in list(&statement["Action"]) {
        for resource in list(&statement["Resource"]) {
            let (action, pattern) = (action.as_str().unwrap().to_owned(), pattern(resource));
            grants.push(Grant { action, pattern, context: context.clone() });
        }
    }
    grants
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_sequence().map_or_else(|| vec![value], |all| all.iter().collect())
}

/// What a `Resource` names.
fn pattern(resource: &Value) -> String {
    match resource {
        Value::Tagged(tagged) if tagged.tag == "Sub" => {
            let text = tagged.value.as_str().unwrap();
            // `${AuditTable.Arn}/index/by-day`, or an ARN written out.
            match text.strip_prefix("${").and_then(|rest| rest.split_once(".Arn}")) {
                Some((id, rest)) => format!("{id}{rest}"),
                // The sixth part of an ARN; pseudo parameters have colons of their own.
                None => text.replace("AWS::", "").splitn(6, ':').last().unwrap().to_owned(),
            }
        }
        other => reference(other).unwrap_or_else(|| other.as_str().unwrap().to_owned()),
    }
}

/// The logical id in `!Ref X` or `!GetAtt X.Arn`.
fn reference(value: &Value) -> Option<String> {
    match value {
        Value::Tagged(tagged) if tagged.tag == "Ref" || tagged.tag == "GetAtt" => {
            Some(tagged.value.as_str()?.split('.').next()?.to_owned())
        }
        _ => None,
    }
}

/// As JSON, with references by their logical id and other functions left out.
fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Mapping(fields) => {
            let fields =
                fields.iter().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), plain(value))));
            serde_json::Value::Object(fields.collect())
        }
        Value::Sequence(items) => items.iter().map(plain).collect(),
        Value::Tagged(_) => reference(value).map_or(serde_json::Value::Null, Into::into),
        other => serde_json::to_value(other).unwrap(),
    }
}

/// Does a pattern with `*` cover a name?
pub(crate) fn covers(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, "")) => name.starts_with(head),
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && covers(tail, &rest[at..]))
        }),
    }
}
