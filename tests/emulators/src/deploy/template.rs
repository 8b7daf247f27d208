//! `template.yaml` as the emulator is given it: code and layers where they were uploaded, and nothing that it can not create.

use yaml_serde::Value;

use super::DeployError;

/// The template, read.
#[derive(Debug, Clone)]
pub(super) struct Template(Value);

/// What was left out or said otherwise, and why: a test holds this list still.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Adjustment {
    /// Which resource, by its logical id.
    pub resource: String,
    /// What about it.
    pub what: &'static str,
}

impl Template {
    pub(super) fn read(text: &str) -> Result<Self, DeployError> {
        yaml_serde::from_str(text).map(Self).map_err(|error| DeployError::Template(error.to_string()))
    }

    pub(super) fn text(&self) -> Result<String, DeployError> {
        yaml_serde::to_string(&self.0).map_err(|error| DeployError::Template(error.to_string()))
    }

    /// Logical id and program of every function: `Metadata.BuildProperties.Binary` names the program.
    pub(super) fn functions(&self) -> Result<Vec<(String, String)>, DeployError> {
        let mut functions = Vec::new();
        for (id, resource) in self.of_type("AWS::Serverless::Function") {
            let binary = at(resource, &["Metadata", "BuildProperties", "Binary"]).and_then(Value::as_str);
            let binary = binary.ok_or_else(|| {
                DeployError::Template(format!(
                    "`{id}` does not say its program in Metadata.BuildProperties.Binary"
                ))
            })?;
            functions.push((id.to_owned(), binary.to_owned()));
        }
        Ok(functions)
    }

    /// Logical ids of the layers.
    pub(super) fn layers(&self) -> Vec<String> {
        self.of_type("AWS::Serverless::LayerVersion").map(|(id, _)| id.to_owned()).collect()
    }

    /// Logical ids of the buckets with object lock.
    pub(super) fn locked_buckets(&self) -> Vec<String> {
        let locked =
            |(_, bucket): &(&str, &Value)| at(bucket, &["Properties", "ObjectLockEnabled"]).is_some();
        self.of_type("AWS::S3::Bucket").filter(locked).map(|(id, _)| id.to_owned()).collect()
    }

    /// Says where a resource's code or content lies.
    pub(super) fn locate(&mut self, id: &str, property: &str, uri: String) -> Result<(), DeployError> {
        let missing = || DeployError::Template(format!("`{id}` has no properties"));
        let resource = self.resources_mut().and_then(|all| all.get_mut(id)).ok_or_else(missing)?;
        let properties =
            resource.get_mut("Properties").and_then(Value::as_mapping_mut).ok_or_else(missing)?;
        properties.insert(property.into(), Value::String(uri));
        Ok(())
    }

    /// Chooses a parameter's value: as its default, for ministack transforms SAM with the defaults and hears of values only then.
    pub(super) fn choose(&mut self, parameter: &str, value: &str) -> Result<(), DeployError> {
        let all = self.0.get_mut("Parameters").and_then(Value::as_mapping_mut);
        let found = all.and_then(|all| all.get_mut(parameter)).and_then(Value::as_mapping_mut);
        let found =
            found.ok_or_else(|| DeployError::Template(format!("there is no parameter `{parameter}`")))?;
        found.insert("Default".into(), value.into());
        Ok(())
    }

    /// Makes of it what ministack 1.5 can create; says what was changed.
    pub(super) fn adjust(&mut self) -> Vec<Adjustment> {
        let mut adjusted = Vec::new();
        let defaults = self.parameter_defaults();
        let Some(resources) = self.resources_mut() else { return adjusted };
        let ids: Vec<_> = resources.keys().filter_map(Value::as_str).map(str::to_owned).collect();
        for id in ids {
            let Some(resource) = resources.get_mut(&*id) else { continue };
            if kind(resource) == Some("AWS::CloudWatch::Alarm")
                && at(resource, &["Properties", "Metrics"]).is_some()
            {
                resources.remove(&*id);
                adjusted.push(Adjustment {
                    resource: id,
                    what: "left out: it can not create an alarm over several metrics",
                });
                continue;
            }
            for concurrency in maximum_concurrency(resource) {
                let Some(value) = referred(concurrency).and_then(|name| defaults.get(name)) else { continue };
                *concurrency = value.clone();
                adjusted.push(Adjustment {
                    resource: id.clone(),
                    what: "MaximumConcurrency given as its default: it takes a parameter's number for text",
                });
            }
        }
        adjusted
    }

    fn parameter_defaults(&self) -> yaml_serde::Mapping {
        let parameters = self.0.get("Parameters").and_then(Value::as_mapping);
        let defaults = parameters
            .into_iter()
            .flatten()
            .filter_map(|(name, parameter)| Some((name.clone(), parameter.get("Default")?.clone())));
        defaults.collect()
    }

    fn of_type<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let resources = self.0.get("Resources").and_then(Value::as_mapping);
        let resources = resources.into_iter().flatten();
        resources
            .filter(move |(_, resource)| kind(resource) == Some(wanted))
            .filter_map(|(id, resource)| Some((id.as_str()?, resource)))
    }

    fn resources_mut(&mut self) -> Option<&mut yaml_serde::Mapping> {
        self.0.get_mut("Resources")?.as_mapping_mut()
    }
}

fn kind(resource: &Value) -> Option<&str> {
    resource.get("Type").and_then(Value::as_str)
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(*name))
}

/// The concurrency of every queue that a function reads.
fn maximum_concurrency(resource: &mut Value) -> Vec<&mut Value> {
    let events = resource.get_mut("Properties").and_then(|it| it.get_mut("Events"));
    let events = events.and_then(Value::as_mapping_mut).into_iter().flat_map(yaml_serde::Mapping::values_mut);
    events
        .filter_map(|event| {
            event.get_mut("Properties")?.get_mut("ScalingConfig")?.get_mut("MaximumConcurrency")
        })
        .collect()
}

/// The name in a `!Ref`.
fn referred(value: &Value) -> Option<&str> {
    match value {
        Value::Tagged(tagged) if tagged.tag == "Ref" => tagged.value.as_str(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
Parameters:
  Many: {Type: Number, Default: 7}
Resources:
  F:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: f}}
    Properties:
      Role: !GetAtt R.Arn
      Events:
        Queue: {Type: SQS, Properties: {ScalingConfig: {MaximumConcurrency: !Ref Many}}}
  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: c/}}
  Sum: {Type: AWS::CloudWatch::Alarm, Properties: {Metrics: [{Id: a}]}}
  One: {Type: AWS::CloudWatch::Alarm, Properties: {MetricName: a}}
";

    #[test]
    fn code_is_located_and_tags_are_kept() {
        let mut template = Template::read(SMALL).unwrap();
        assert_eq!(template.functions().unwrap(), [("F".to_owned(), "f".to_owned())]);
        assert_eq!(template.layers(), ["L"]);
        template.locate("F", "CodeUri", "s3://b/f.zip".into()).unwrap();
        template.choose("Many", "9").unwrap();
        let text = template.text().unwrap();
        assert!(text.contains("CodeUri: s3://b/f.zip"), "{text}");
        assert!(text.contains("Role: !GetAtt R.Arn"), "{text}");
        assert!(text.contains("Default: '9'"), "{text}");
        assert!(template.choose("Few", "9").is_err());
    }

    #[test]
    fn only_what_the_emulator_can_not_create_is_changed() {
        let mut template = Template::read(SMALL).unwrap();
        let adjusted = template.adjust();
        let changed: Vec<_> = adjusted.iter().map(|adjustment| adjustment.resource.as_str()).collect();
        assert_eq!(changed, ["F", "Sum"]);
        let text = template.text().unwrap();
        assert!(
            text.contains("MaximumConcurrency: 7") && text.contains("One:") && !text.contains("Sum:"),
            "{text}"
        );
    }
}
