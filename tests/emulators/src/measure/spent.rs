//! What a function asked of AWS, in the units that AWS counts.

use std::collections::BTreeMap;

use crate::proxy::{Recorded, Service};
use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::world::{Projection, World};

/// Calls of one kind.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Spent {
    /// As in signatures: `dynamodb`.
    pub service: String,
    /// As AWS calls it.
    pub operation: String,
    /// How many.
    pub calls: usize,
    /// Items, keys or messages in them.
    pub items: usize,
    /// Bytes of requests' bodies.
    pub bytes_in: usize,
    /// Bytes of answers' bodies.
    pub bytes_out: usize,
    /// Of `DynamoDB`, its indexes included.
    pub write_units: usize,
    /// Of `DynamoDB`, strongly consistent.
    pub read_units: usize,
    /// Of SQS: a request counts once a 64 KiB.
    pub requests: usize,
}

/// Everything that a function called since the proxy's recording was emptied.
pub(crate) async fn spent(world: &World, function: &str) -> Result<Vec<Spent>> {
    let recording = world.proxy.recording();
    let mut units = BTreeMap::new();
    for (table, index) in &world.indexes {
        units.insert(table.as_str(), Units { write: largest_write(world, table).await?, index: *index });
    }
    let mut sums: BTreeMap<(Service, String), Spent> = BTreeMap::new();
    for Recorded { call, bytes_in, bytes_out, .. } in recording.calls() {
        if call.function != function {
            continue;
        }
        let sum = sums.entry((call.service, call.operation.clone())).or_default();
        (sum.service, sum.operation) = (call.service.to_string(), call.operation.clone());
        sum.calls += 1;
        sum.items += call.items;
        sum.bytes_in += bytes_in;
        sum.bytes_out += bytes_out;
        if call.service == Service::Sqs {
            sum.requests += bytes_in.div_ceil(64 * 1_024).max(1);
        }
        if call.service == Service::DynamoDb {
            let table = call.resources.first().map_or("", |name| name.split('/').next().unwrap_or_default());
            let units = units.get(table).copied().unwrap_or(Units { write: 1, index: None });
            match call.operation.as_str() {
                "PutItem" | "DeleteItem" | "BatchWriteItem" => sum.write_units += call.items * units.put(),
                "UpdateItem" => sum.write_units += call.items * units.update(),
                "TransactWriteItems" => sum.write_units += call.items * units.put() * 2,
                // Every record of a hot path is below 4 KiB; an absent one costs a unit too.
                "GetItem" | "BatchGetItem" => {
                    sum.read_units += call.items;
                }
                _ => {
                    sum.read_units += bytes_out.div_ceil(4_096).max(1);
                }
            }
        }
    }
    Ok(sums.into_values().collect())
}

/// What writes to a table cost: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html>, "Provisioned throughput
/// considerations": an index is written when what it holds of the item changes.
#[derive(Debug, Clone, Copy)]
struct Units {
    /// Of the item.
    write: usize,
    index: Option<Projection>,
}

impl Units {
    /// A new item is new in the index. Keys are far below a KB.
    fn put(self) -> usize {
        match self.index {
            None => self.write,
            Some(Projection::Keys) => self.write + 1,
            Some(Projection::Whole) => self.write * 2,
        }
    }

    fn update(self) -> usize {
        match self.index {
            None | Some(Projection::Keys) => self.write,
            Some(Projection::Whole) => self.write * 2,
        }
    }
}

/// Write units of an item of this table: of the largest there is, for an item grows with its attempts.
async fn largest_write(world: &World, table: &str) -> Result<usize> {
    let items = scan(world, table).await?;
    Ok(items.iter().map(|item| size(item).div_ceil(1_024)).max().unwrap_or(1).max(1))
}

/// How many deliveries are settled as delivered.
pub(crate) async fn delivered(world: &World) -> Result<usize> {
    let items = scan(world, "deliveries").await?;
    Ok(items.iter().filter(|item| item.to_string().contains("delivered")).count())
}

async fn scan(world: &World, table: &str) -> Result<Vec<Value>> {
    let (mut items, mut from) = (Vec::new(), Value::Null);
    loop {
        let mut body = json!({ "TableName": table });
        if !from.is_null() {
            body["ExclusiveStartKey"] = from;
        }
        let mut page = world.tables.json("dynamodb", "DynamoDB_20120810.Scan", &body).await?;
        let read = page.get_mut("Items").and_then(Value::as_array_mut).context("a scan without items")?;
        items.append(read);
        from = page.get("LastEvaluatedKey").cloned().unwrap_or(Value::Null);
        if from.is_null() {
            return Ok(items);
        }
    }
}

/// An item's size as DynamoDB counts it: the bytes of names and values; 3 for a list or map and 1 for each of its elements.
fn size(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|one| one.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("B", Value::String(base64)) => base64.len() / 4 * 3,
        ("M", map) => 3 + size(map) + map.as_object().map_or(0, serde_json::Map::len),
        ("L", Value::Array(list)) => 3 + list.iter().map(|one| value_size(one) + 1).sum::<usize>(),
        ("SS" | "NS" | "BS", Value::Array(set)) => set.iter().filter_map(Value::as_str).map(str::len).sum(),
        _ => 1,
    }
}
