//! What a thousand callbacks cost at list price, as metric math over AWS's own metrics.
//!
//! Counted: API requests, invocations and their time, queue requests, table units. Not counted: logs, metrics, keys, data transfer. Queue
//! requests are taken as three for each message (send, receive, delete), which is what a batch of one costs: hence "at most".

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::widgets::{FUNCTIONS, QUEUES, Series, of_aws};
use crate::workspace::root;

const TABLES: [&str; 8] = [
    "KeysTable",
    "ReceiptsTable",
    "ConsentTable",
    "AuditTable",
    "OrdersTable",
    "ExposuresTable",
    "DeliveriesTable",
    "ReviewsTable",
];

/// The region whose prices are shown: the one whose list is complete.
const REGION: &str = "us-east-1";

/// The prices that the formula needs, of `xtask/data/prices.json`, in US dollars.
#[derive(Debug, Clone)]
struct Prices {
    lambda_per_gb_second: f64,
    lambda_per_million_requests: f64,
    sqs_per_million_requests: f64,
    dynamodb_per_million_write_units: f64,
    dynamodb_per_million_read_units: f64,
    http_api_per_million_requests: f64,
}

impl Prices {
    fn read(text: &str) -> Result<Self> {
        let file: Value = serde_json::from_str(text).context("xtask/data/prices.json is no JSON")?;
        let price = |name: &str| {
            let price =
                file.pointer(&format!("/regions/{REGION}/prices/{name}/price")).and_then(Value::as_f64);
            price.with_context(|| format!("xtask/data/prices.json has no price `{name}` for {REGION}"))
        };
        Ok(Self {
            lambda_per_gb_second: price("lambda_gb_second")?,
            lambda_per_million_requests: price("lambda_request_million")?,
            sqs_per_million_requests: price("sqs_request_million")?,
            dynamodb_per_million_write_units: price("dynamodb_write_million")?,
            dynamodb_per_million_read_units: price("dynamodb_read_million")?,
            http_api_per_million_requests: price("api_gateway_million")?,
        })
    }
}

/// Prices, and how much memory each function has.
#[derive(Debug, Clone)]
pub(super) struct Costs {
    prices: Prices,
    megabytes: Vec<(&'static str, u32)>,
}

impl Costs {
    /// Reads the prices, and the memory sizes from the template.
    pub(super) fn read(template: &str) -> Result<Self> {
        let path = root().join("xtask/data/prices.json");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("can not read `{}`", path.display()))?;
        let prices = Prices::read(&text)?;
        let megabytes = FUNCTIONS
            .into_iter()
            .map(|name| {
                let memory = memory(template, name);
                memory
                    .map(|it| (name, it))
                    .with_context(|| format!("template.yaml gives `{name}` no MemorySize"))
            })
            .collect::<Result<_>>()?;
        Ok(Self { prices, megabytes })
    }

    pub(super) fn per_thousand(&self) -> Series {
        let prices = &self.prices;
        let (mut terms, mut over) = (Vec::new(), Vec::new());
        let mut add = |id: String, price: f64, series: Series| {
            // Metric math documents plain decimals only, no exponents.
            terms.push(format!("FILL({id},0)*{}", format!("{price:.16}").trim_end_matches('0')));
            over.push((id, series));
        };
        for (number, (name, megabytes)) in self.megabytes.iter().enumerate() {
            let metric = |metric| of_aws("AWS/Lambda", metric, "FunctionName", (*name).to_owned(), "Sum");
            let of_millisecond = prices.lambda_per_gb_second * f64::from(*megabytes) / 1_024.0 / 1_000.0;
            add(format!("i{number}"), prices.lambda_per_million_requests / 1e6, metric("Invocations"));
            add(format!("d{number}"), of_millisecond, metric("Duration"));
        }
        for (number, name) in QUEUES.iter().enumerate() {
            let queue = |metric| of_aws("AWS/SQS", metric, "QueueName", format!("{name}.QueueName"), "Sum");
            add(
                format!("s{number}"),
                3.0 * prices.sqs_per_million_requests / 1e6,
                queue("NumberOfMessagesSent"),
            );
            add(format!("n{number}"), prices.sqs_per_million_requests / 1e6, queue("NumberOfEmptyReceives"));
        }
        for (number, name) in TABLES.iter().enumerate() {
            let table = |metric| of_aws("AWS/DynamoDB", metric, "TableName", (*name).to_owned(), "Sum");
            let (write, read) =
                (prices.dynamodb_per_million_write_units, prices.dynamodb_per_million_read_units);
            add(format!("w{number}"), write / 1e6, table("ConsumedWriteCapacityUnits"));
            add(format!("r{number}"), read / 1e6, table("ConsumedReadCapacityUnits"));
        }
        let api = of_aws("AWS/ApiGateway", "Count", "ApiId", "Api".to_owned(), "Sum");
        add("callbacks".to_owned(), prices.http_api_per_million_requests / 1e6, api);
        let expression = format!("1000*({})/callbacks", terms.join("+"));
        Series::Math { label: "USD per 1000 callbacks", expression, over }
    }
}

/// The memory of a function, in MB, as the template says it.
fn memory(template: &str, function: &str) -> Option<u32> {
    let (_, rest) =
        template.split_once(&format!("\n  {function}:\n    Type: AWS::Serverless::Function\n"))?;
    let (_, rest) = rest.split_once("MemorySize: ")?;
    rest.lines().next()?.trim().parse().ok()
}
