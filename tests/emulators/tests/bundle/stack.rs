//! The template's tables, queues, key and buckets without its functions: for handlers that run in the test's own process.
//!
//! Everything is called by its logical id, so that a recording can be compared with the template's policies word by word.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use sluice_emulators::{Endpoint, Wire};

use crate::policy::Template;

/// What exists, and what it is called.
pub(crate) struct Stack {
    pub(crate) template: Template,
    /// What a function's variable holds, by logical id.
    pub(crate) physical: BTreeMap<String, String>,
}

impl Stack {
    /// Makes everything: tables at `dynamodb`, the rest at `others`.
    pub(crate) async fn make(dynamodb: &Wire, others: &Wire) -> Self {
        let template = Template::read();
        let mut physical = BTreeMap::new();
        for (id, properties) in template.of_type("AWS::DynamoDB::Table") {
            make_table(dynamodb, &id, &properties).await;
            physical.insert(id.clone(), id);
        }
        let mut queues = template.of_type("AWS::SQS::Queue");
        // Dead letters first: the others point at them.
        queues.sort_by_key(|(_, properties)| !properties["RedrivePolicy"].is_null());
        for (id, properties) in queues {
            let url = make_queue(others, &id, &properties).await;
            physical.insert(id, url);
        }
        for (id, properties) in template.of_type("AWS::S3::Bucket") {
            // Names of buckets are the whole world's, so the account tells them apart.
            let name = format!("{}-{}", id.to_lowercase(), others.endpoint().access_key);
            let locked = !properties["ObjectLockEnabled"].is_null();
            let headers: &[_] = if locked { &[("x-amz-bucket-object-lock-enabled", "true")] } else { &[] };
            others.rest("s3", &Method::PUT, &format!("/{name}"), headers, "").await.unwrap();
            physical.insert(id, name);
        }
        for (id, properties) in template.of_type("AWS::KMS::Key") {
            let mut asked = json!({});
            for name in ["KeySpec", "KeyUsage"] {
                if !properties[name].is_null() {
                    asked[name] = properties[name].clone();
                }
            }
            let key = others.json("kms", "TrentService.CreateKey", &asked).await.unwrap();
            physical.insert(id, key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned());
        }
        Self { template, physical }
    }

    /// The variables that the template sets for a function, as far as they name a part of the stack or a parameter. A program that is no
    /// function is a person's, who tells it all that the functions are told.
    pub(crate) fn variables(&self, program: &str) -> BTreeMap<String, String> {
        let functions = self.template.functions();
        let told = functions.iter().filter(|(name, _)| *name == program || !functions.contains_key(program));
        let parameters = self.template.parameters();
        let all = told.flat_map(|(_, function)| self.template.variables(function));
        all.filter_map(|(name, id)| Some((name, self.physical.get(&id).or(parameters.get(&id))?.clone())))
            .collect()
    }

    /// What a recording says of a resource, in the words of the template.
    pub(crate) fn logical(&self, resource: &str) -> String {
        let found = self.physical.iter().find_map(|(id, physical)| {
            // A queue is recorded by the end of its URL, a key by its ARN, an object by its bucket and key.
            let name = if physical.starts_with("http") { physical.rsplit('/').next()? } else { physical };
            let rest = resource.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{id}{rest}"))
        });
        found.unwrap_or_else(|| resource.to_owned())
    }
}

async fn make_table(dynamodb: &Wire, id: &str, properties: &Value) {
    let mut table = json!({ "TableName": id, "BillingMode": "PAY_PER_REQUEST" });
    for name in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
        if !properties[name].is_null() {
            table[name] = properties[name].clone();
        }
    }
    dynamodb.json("dynamodb", "DynamoDB_20120810.CreateTable", &table).await.unwrap();
}

async fn make_queue(sqs: &Wire, id: &str, properties: &Value) -> String {
    let mut attributes = json!({});
    if let Some(seconds) = properties["VisibilityTimeout"].as_u64() {
        attributes["VisibilityTimeout"] = seconds.to_string().into();
    }
    let redrive = &properties["RedrivePolicy"];
    if let (Some(target), Some(count)) =
        (redrive["deadLetterTargetArn"].as_str(), redrive["maxReceiveCount"].as_u64())
    {
        let Endpoint { region, access_key, .. } = sqs.endpoint();
        let target = format!("arn:aws:sqs:{region}:{access_key}:{target}");
        let policy = json!({ "deadLetterTargetArn": target, "maxReceiveCount": count });
        attributes["RedrivePolicy"] = policy.to_string().into();
    }
    let made =
        sqs.json("sqs", "AmazonSQS.CreateQueue", &json!({ "QueueName": id, "Attributes": attributes })).await;
    made.unwrap()["QueueUrl"].as_str().unwrap().to_owned()
}
