//! The template as the rules see it: the same whether it is the SAM template or what AWS makes of it.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

/// A template, its YAML tags written out (`!Ref X` → `{"Ref": "X"}`).
#[derive(Debug, Clone)]
pub(crate) struct Template(pub(crate) Value);

/// One function.
#[derive(Debug)]
pub(crate) struct Function<'t> {
    /// Its logical id.
    pub(crate) id: &'t str,
    /// Its properties, as `CloudFormation` or SAM names them.
    pub(crate) properties: &'t Value,
}

/// One queue that feeds a function.
#[derive(Debug)]
pub(crate) struct Mapping<'t> {
    /// Where it is written.
    pub(crate) place: String,
    /// The function's logical id; in the transformed template its alias'.
    pub(crate) function: &'t str,
    /// The queue's logical id.
    pub(crate) queue: &'t str,
    /// Batch size, response types, scaling.
    pub(crate) properties: &'t Value,
}

/// One statement of a policy.
#[derive(Debug)]
pub(crate) struct Statement<'t> {
    /// The resource that holds it.
    pub(crate) owner: &'t str,
    /// Owner and `Sid`.
    pub(crate) place: String,
    /// As written.
    pub(crate) value: &'t Value,
}

impl Template {
    /// Reads the SAM template.
    pub(crate) fn from_yaml(text: &str) -> Result<Self> {
        let value: yaml_serde::Value = yaml_serde::from_str(text).context("the template is no YAML")?;
        Ok(Self(written_out(&value)))
    }

    /// Reads the transformed template.
    pub(crate) fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map(Self).context("the transformed template is no JSON")
    }

    /// All resources, in the order of their logical ids.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&str, &Value)> {
        fields(at(&self.0, &["Resources"]))
    }

    /// Logical id and properties of the resources of a type.
    pub(crate) fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.resources()
            .filter(move |(_, resource)| text(at(resource, &["Type"])) == kind)
            .map(|(id, resource)| (id, at(resource, &["Properties"])))
    }

    /// One resource; `Null` when there is none.
    pub(crate) fn resource(&self, id: &str) -> &Value {
        at(&self.0, &["Resources", id])
    }

    /// Its properties.
    pub(crate) fn properties(&self, id: &str) -> &Value {
        at(self.resource(id), &["Properties"])
    }

    /// Was it transformed already?
    pub(crate) fn is_transformed(&self) -> bool {
        self.of_type("AWS::Serverless::Function").next().is_none()
    }

    /// The functions, with SAM's `Globals` not yet applied.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        let kind = if self.is_transformed() { "AWS::Lambda::Function" } else { "AWS::Serverless::Function" };
        self.of_type(kind).map(|(id, properties)| Function { id, properties }).collect()
    }

    /// What a function says, or all functions together.
    pub(crate) fn of_function<'t>(&'t self, function: &Function<'t>, name: &str) -> &'t Value {
        match function.properties.get(name) {
            Some(value) => value,
            None => at(&self.0, &["Globals", "Function", name]),
        }
    }

    /// The queues that feed functions.
    pub(crate) fn mappings(&self) -> Vec<Mapping<'_>> {
        let mut found = Vec::new();
        for (id, properties) in self.of_type("AWS::Lambda::EventSourceMapping") {
            found.push(Mapping {
                place: id.to_owned(),
                function: target(at(properties, &["FunctionName"])),
                queue: target(at(properties, &["EventSourceArn"])),
                properties,
            });
        }
        for function in self.functions() {
            for (name, event) in fields(at(function.properties, &["Events"])) {
                if text(at(event, &["Type"])) == "SQS" {
                    let properties = at(event, &["Properties"]);
                    found.push(Mapping {
                        place: format!("{}.Events.{name}", function.id),
                        function: function.id,
                        queue: target(at(properties, &["Queue"])),
                        properties,
                    });
                }
            }
        }
        found
    }

    /// The function behind a logical id that may be its alias'.
    pub(crate) fn function_of(&self, id: &str) -> Option<Function<'_>> {
        let behind = match text(at(self.resource(id), &["Type"])) {
            "AWS::Lambda::Alias" => target(at(self.properties(id), &["FunctionName"])),
            _ => id,
        };
        self.functions().into_iter().find(|function| function.id == behind)
    }

    /// What every policy that roles carry allows or denies: their own and the managed ones of this template.
    pub(crate) fn granted(&self) -> Vec<Statement<'_>> {
        let roles = self.of_type("AWS::IAM::Role").flat_map(|(id, role)| {
            let policies = items(at(role, &["Policies"])).into_iter();
            policies.flat_map(move |policy| statements(id, at(policy, &["PolicyDocument"])))
        });
        let managed = self
            .of_type("AWS::IAM::ManagedPolicy")
            .flat_map(|(id, policy)| statements(id, at(policy, &["PolicyDocument"])));
        roles.chain(managed).collect()
    }

    /// The policies that resources carry themselves.
    pub(crate) fn resource_policies(&self, kind: &'static str) -> Vec<Statement<'_>> {
        self.of_type(kind)
            .flat_map(|(id, properties)| statements(id, at(properties, &["PolicyDocument"])))
            .collect()
    }
}

/// The statements of a policy document.
pub(crate) fn statements<'t>(owner: &'t str, document: &'t Value) -> Vec<Statement<'t>> {
    let named = |(at_number, value): (usize, &'t Value)| Statement {
        owner,
        place: match text(at(value, &["Sid"])) {
            "" => format!("{owner}, statement {}", at_number.saturating_add(1)),
            sid => format!("{owner}.{sid}"),
        },
        value,
    };
    items(at(document, &["Statement"])).into_iter().enumerate().map(named).collect()
}

/// The value at a path; `Null` when something on the way is missing.
pub(crate) fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    const NOTHING: &Value = &Value::Null;
    path.iter().try_fold(value, |value, name| value.get(*name)).unwrap_or(NOTHING)
}

/// A plain text; empty for anything else.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The fields of an object, in the order of their names, whatever order the reader of JSON was built to keep.
pub(crate) fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    fields.collect::<std::collections::BTreeMap<_, _>>().into_iter()
}

/// The items of a list, or the one thing that stands for a list; both sides of an `Fn::If`, without `AWS::NoValue`.
pub(crate) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().flat_map(alternatives).collect(),
        one => alternatives(one),
    }
}

/// What a value may turn out to be.
pub(crate) fn alternatives(value: &Value) -> Vec<&Value> {
    match value.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice) {
        Some([_condition, yes, no]) => [alternatives(yes), alternatives(no)].concat(),
        _ if text(at(value, &["Ref"])) == "AWS::NoValue" => Vec::new(),
        _ => vec![value],
    }
}

/// The logical id that `Ref` or `Fn::GetAtt` names; empty when it names none.
pub(crate) fn target(value: &Value) -> &str {
    match (value.get("Ref"), value.get("Fn::GetAtt").and_then(Value::as_array)) {
        (Some(Value::String(id)), _) => id,
        (_, Some(path)) => path.first().map(text).unwrap_or_default(),
        _ => "",
    }
}

/// The text of `Fn::Sub` or a plain one; empty when it is neither.
pub(crate) fn pattern(value: &Value) -> &str {
    match value.get("Fn::Sub") {
        Some(Value::Array(parts)) => parts.first().map(text).unwrap_or_default(),
        Some(sub) => text(sub),
        None => text(value),
    }
}

/// A number, or the default of the parameter it refers to.
pub(crate) fn number(template: &Template, value: &Value) -> Option<u64> {
    let parameter = at(&template.0, &["Parameters", target(value), "Default"]);
    value.as_u64().or_else(|| parameter.as_u64())
}

fn written_out(value: &yaml_serde::Value) -> Value {
    use yaml_serde::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(*flag),
        Yaml::Number(number) => number
            .as_u64()
            .map(Value::from)
            .or_else(|| number.as_i64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or(Value::Null),
        Yaml::String(string) => Value::String(string.clone()),
        Yaml::Sequence(list) => Value::Array(list.iter().map(written_out).collect()),
        Yaml::Mapping(mapping) => Value::Object(
            mapping.iter().filter_map(|(name, value)| Some((key(name)?, written_out(value)))).collect(),
        ),
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let tag = tag.trim_start_matches('!');
            let inner = written_out(&tagged.value);
            let (name, inner) = match (tag, inner) {
                ("Ref" | "Condition", inner) => (tag.to_owned(), inner),
                ("GetAtt", Value::String(path)) => {
                    let (id, attribute) = path.split_once('.').unwrap_or((&path, ""));
                    ("Fn::GetAtt".to_owned(), Value::from(vec![id, attribute]))
                }
                (_, inner) => (format!("Fn::{tag}"), inner),
            };
            Value::Object(Map::from_iter([(name, inner)]))
        }
    }
}

fn key(name: &yaml_serde::Value) -> Option<String> {
    name.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_out_as_the_transformed_template_has_them() {
        let template = Template::from_yaml(
            "Resources: {Q: {Properties: {A: !Ref X, B: !GetAtt Q.Arn, C: !Sub 'a-${B}', D: !If [Z, 1, !Ref AWS::NoValue]}}}",
        )
        .unwrap();
        let properties = template.properties("Q");
        assert_eq!(target(at(properties, &["A"])), "X");
        assert_eq!(target(at(properties, &["B"])), "Q");
        assert_eq!(pattern(at(properties, &["C"])), "a-${B}");
        assert_eq!(alternatives(at(properties, &["D"])), [&Value::from(1)]);
    }

    #[test]
    fn queues_that_feed_functions_are_found_before_and_after_the_transformation() {
        let written = Template::from_yaml(
            "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Events: {E: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}}}}",
        )
        .unwrap();
        let transformed = Template::from_json(
            r#"{"Resources": {
                "F": {"Type": "AWS::Lambda::Function", "Properties": {}},
                "Flive": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "F"}}},
                "FE": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
                    "FunctionName": {"Ref": "Flive"}, "EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}}}}}"#,
        )
        .unwrap();
        for template in [written, transformed] {
            let mappings = template.mappings();
            let [mapping] = mappings.as_slice() else { panic!("{mappings:?}") };
            assert_eq!(mapping.queue, "Q");
            assert_eq!(template.function_of(mapping.function).unwrap().id, "F");
        }
    }
}
