//! What the functions find: the tables and queues of template.yaml, a key, the configuration's secrets, a platform that takes everything.

use std::collections::BTreeMap;

use crate::deploy::workspace;
use crate::proxy::{Proxy, Service};
use crate::{Dynoxide, Endpoint, Ministack, Wire};
use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{Method, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sluice_settings::{Bundle, COMPILED_FILE, compile};
use tokio::net::TcpListener;
use yaml_serde::Value as Yaml;

/// The secret that the callbacks are signed with. It protects nothing.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
const SECRETS_PREFIX: &str = "sluice";

/// What an index holds of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Projection {
    /// Its keys, which no update of ours changes.
    Keys,
    /// All of it.
    Whole,
}

/// One account with everything in it.
pub struct World {
    pub(crate) proxy: Proxy,
    pub(crate) queues: Wire,
    pub(crate) tables: Wire,
    variables: Vec<(String, String)>,
    urls: BTreeMap<&'static str, String>,
    /// Each table's index, if it has one.
    pub(crate) indexes: BTreeMap<String, Option<Projection>>,
    _dynoxide: Dynoxide,
    _settings: tempfile::TempDir,
    platform: tokio::task::JoinHandle<()>,
}

impl World {
    /// Starts the emulators where they do not run, and fills them.
    ///
    /// # Errors
    /// When an emulator does not start, or refuses.
    pub async fn new() -> Result<Self> {
        let (ministack, dynoxide) = (Ministack::shared()?, Dynoxide::start()?);
        let endpoint = ministack.fresh();
        let (queues, tables) = (Wire::new(endpoint.clone()), Wire::new(dynoxide.endpoint()));
        let proxy =
            Proxy::start_with(&endpoint.url, [(Service::DynamoDb, dynoxide.url().to_owned())]).await?;
        let template = std::fs::read_to_string(workspace().join("template.yaml"))?;
        let template: Yaml = yaml_serde::from_str(&template)?;
        let (mut variables, mut urls) = (Vec::new(), BTreeMap::new());
        let indexes = create_tables(&tables, &template, &mut variables).await?;
        for name in ["events", "cleared", "assigned", "checks"] {
            for (variable, suffix) in [("SLUICE_QUEUE_", ""), ("SLUICE_DLQ_", "-dead")] {
                let url = create_queue(&queues, &format!("{name}{suffix}")).await?;
                variables.push((format!("{variable}{}", name.to_uppercase()), url.clone()));
                if suffix.is_empty() {
                    urls.insert(name, url);
                }
            }
        }
        let signs = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
        for (variable, kind) in [("SLUICE_KMS_KEY", json!({})), ("SLUICE_AUDIT_KEY", signs)] {
            let key = queues.json("kms", "TrentService.CreateKey", &kind).await?;
            let key = key.pointer("/KeyMetadata/Arn").and_then(Value::as_str).context("KMS made no key")?;
            variables.push((variable.to_owned(), key.to_owned()));
        }
        for bucket in ["reports", "digests"] {
            // Names of buckets are the same for all accounts.
            let name = format!("{bucket}-{}", endpoint.access_key);
            let locked = [("x-amz-bucket-object-lock-enabled", "true")];
            queues.rest("s3", &Method::PUT, &format!("/{name}"), &locked, "").await?;
            variables.push((format!("SLUICE_{}", bucket.to_uppercase()), name));
        }
        create_secrets(&queues).await?;
        let (address, platform) = platform().await?;
        let settings = tempfile::tempdir()?;
        std::fs::write(settings.path().join(COMPILED_FILE), compile(&unthrottled()?)?)?;
        let config = settings.path().display().to_string();
        variables.push(("SLUICE_CONFIG".to_owned(), config));
        variables.push(("SLUICE_SECRETS_PREFIX".to_owned(), SECRETS_PREFIX.to_owned()));
        variables.push(("SLUICE_DIGEST_LOCK".to_owned(), "GOVERNANCE".to_owned()));
        let platforms = format!("feishu={address},wecom={address},wechat={address}");
        variables.push(("SLUICE_CHANNEL_ENDPOINTS".to_owned(), platforms));
        let censors = format!("douyin={address},toutiao={address}");
        variables.push(("SLUICE_CENSOR_ENDPOINTS".to_owned(), censors));
        variables.push(("SLUICE_DIGEST_DAYS".to_owned(), "1".to_owned()));
        let seen = Endpoint { url: proxy.url(), ..endpoint };
        variables.extend(seen.variables().map(|(name, value)| (name.to_owned(), value)));
        Ok(Self {
            proxy,
            queues,
            tables,
            variables,
            urls,
            indexes,
            _dynoxide: dynoxide,
            _settings: settings,
            platform,
        })
    }

    /// What a function is told.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// A queue's URL.
    pub(crate) fn queue(&self, name: &str) -> Result<&str> {
        self.urls.get(name).map(String::as_str).with_context(|| format!("no queue `{name}`"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.platform.abort();
    }
}

async fn create_queue(wire: &Wire, name: &str) -> Result<String> {
    let body = json!({ "QueueName": name, "Attributes": { "VisibilityTimeout": "300" } });
    let made = wire.json("sqs", "AmazonSQS.CreateQueue", &body).await?;
    made.get("QueueUrl").and_then(Value::as_str).map(str::to_owned).context("SQS made no queue")
}

/// Creates every table as the template has it; its variable is `SLUICE_TABLE_` and the end of its name.
async fn create_tables(
    wire: &Wire,
    template: &Yaml,
    variables: &mut Vec<(String, String)>,
) -> Result<BTreeMap<String, Option<Projection>>> {
    let resources =
        template.get("Resources").and_then(Yaml::as_mapping).context("a template without resources")?;
    let mut indexes = BTreeMap::new();
    for (_, resource) in resources {
        if resource.get("Type").and_then(Yaml::as_str) != Some("AWS::DynamoDB::Table") {
            continue;
        }
        let property = |name: &str| resource.get("Properties").and_then(|all| all.get(name));
        let name = match property("TableName") {
            Some(Yaml::Tagged(tagged)) => tagged.value.as_str(),
            other => other.and_then(Yaml::as_str),
        };
        let name = name.and_then(|name| name.rsplit_once('-')).context("a table without a name")?.1;
        let mut body = json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST" });
        for part in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
            if let Some(value) = property(part) {
                body[part] = serde_json::to_value(value)?;
            }
        }
        wire.json("dynamodb", "DynamoDB_20120810.CreateTable", &body).await?;
        indexes.insert(name.to_owned(), projection(&body)?);
        variables.push((format!("SLUICE_TABLE_{}", name.to_uppercase()), name.to_owned()));
    }
    if indexes.is_empty() {
        bail!("the template has no tables");
    }
    Ok(indexes)
}

/// Of a table's one index.
fn projection(table: &Value) -> Result<Option<Projection>> {
    let Some(indexes) = table.get("GlobalSecondaryIndexes").and_then(Value::as_array) else {
        return Ok(None);
    };
    match indexes.as_slice() {
        [index] => match index.pointer("/Projection/ProjectionType").and_then(Value::as_str) {
            Some("KEYS_ONLY") => Ok(Some(Projection::Keys)),
            Some("ALL") => Ok(Some(Projection::Whole)),
            other => bail!("an index projects {other:?}, which is not counted"),
        },
        more => bail!("{} indexes of one table are not counted", more.len()),
    }
}

/// A secret for each name that the configuration mentions.
async fn create_secrets(wire: &Wire) -> Result<()> {
    let text = std::fs::read_to_string(workspace().join("config/sluice.yaml"))?;
    let mut names: Vec<&str> = text
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_/.".contains(letter)))
        .filter(|word| word.starts_with("demo-brand/") || word.starts_with("demo-mcn/"))
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let tenant = name.split('/').next().unwrap_or_default();
        let body = json!({ "Name": format!("{SECRETS_PREFIX}/{tenant}/{name}"), "SecretString": SECRET });
        wire.json("secretsmanager", "secretsmanager.CreateSecret", &body).await?;
    }
    Ok(())
}

/// The shipped configuration, but leads go to the one destination whose limit a company may raise, and it is raised: what is measured is the
/// function, not how long it is made to wait.
fn unthrottled() -> Result<Bundle> {
    let shipped = Bundle::read(&workspace().join("config"));
    let changes = [
        (
            "        weight: 3\n        recipient: wecom_sales\n",
            "        weight: 0\n        recipient: wecom_sales\n",
        ),
        ("    limits:\n", "    limits:\n      wecom_bot: [{most: 1000000, seconds: 60}]\n"),
    ];
    let mut files = Vec::new();
    for (name, bytes) in shipped.files() {
        let mut text = std::str::from_utf8(bytes)?.to_owned();
        if name == "sluice.yaml" {
            for (from, to) in changes {
                ensure!(text.contains(from), "the shipped configuration has no `{from}` any more");
                text = text.replacen(from, to, 1);
            }
        }
        files.push((name.to_owned(), text));
    }
    Ok(files.into_iter().collect())
}

/// A platform that takes every message, gives every token and finds every text clean: what is measured is the function.
async fn platform() -> Result<(String, tokio::task::JoinHandle<()>)> {
    const ANSWER: &str = r#"{"errcode":0,"errmsg":"ok","code":0,"msg":"ok","err_no":0,"StatusCode":0,"access_token":"t","expires_in":7200,"tenant_access_token":"t","expire":7200,"msgid":"m","data":{"message_id":"om_1","access_token":"t","expires_in":7200}}"#;
    /// Of one text.
    const CLEAN: &str = r#"{"code":0,"msg":"","task_id":"t","data_id":null,"predicts":[{"prob":0,"hit":false,"model_name":"short_content_antidirt"}]}"#;
    let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let answer = service_fn(async |request: http::Request<hyper::body::Incoming>| {
                    let is_censor = request.uri().path().contains("censor");
                    let body = request.into_body().collect().await?.to_bytes();
                    let answer = if is_censor {
                        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
                        let texts = asked.get("content").and_then(Value::as_array).map_or(0, Vec::len);
                        format!(r#"{{"err_no":0,"log_id":"l","data":[{}]}}"#, [CLEAN].repeat(texts).join(","))
                    } else {
                        ANSWER.to_owned()
                    };
                    let mut response = Response::new(Full::new(Bytes::from(answer)));
                    let json = http::HeaderValue::from_static("application/json");
                    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
                    Ok::<_, hyper::Error>(response)
                });
                let _closed = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    Ok((address, task))
}
