//! `sluice bucket`: hashes and assignments.

use serde_json::json;
use sluice_domain::bucket::{murmur3_x86_32, scale};
use sluice_domain::settings::Settings;

use crate::cli::{Algorithm, BucketAssign, BucketHash};
use crate::exit::Exit;
use crate::input;
use crate::output::{CommandError, Output};

/// `sluice bucket hash`.
///
/// # Errors
/// When the file of keys can not be read.
pub fn hash(args: &BucketHash) -> Result<Output, CommandError> {
    let one = |key: &str| {
        let Algorithm::Murmur3X86_32 = args.algorithm;
        let hash = murmur3_x86_32(key.as_bytes(), args.seed);
        let mut row = json!({
            "key": key, "algorithm": "murmur3-x86-32", "seed": args.seed, "hash": hash, "hex": format!("0x{hash:08x}"),
        });
        if let (Some(buckets), Some(fields)) = (args.buckets, row.as_object_mut()) {
            fields.insert("buckets".into(), buckets.into());
            fields.insert("bucket".into(), scale(hash, buckets).into());
        }
        row
    };
    if let Some(path) = &args.keys {
        let keys = input::text(path)?;
        let rows: Vec<_> = keys.lines().map(one).collect();
        let text = rows.iter().map(line).collect::<Vec<_>>().join("\n");
        return Ok(Output::lines(Exit::Ok, text, rows));
    }
    let row = one(args.key.as_deref().unwrap_or_default());
    Ok(Output::one(Exit::Ok, line(&row), row))
}

fn line(row: &serde_json::Value) -> String {
    let field = |name: &str| row.get(name).map(ToString::to_string).unwrap_or_default();
    let bucket =
        if row.get("bucket").is_some() { format!("  bucket {}", field("bucket")) } else { String::new() };
    let key = row.get("key").and_then(serde_json::Value::as_str).unwrap_or_default();
    let hex = row.get("hex").and_then(serde_json::Value::as_str).unwrap_or_default();
    format!("{hex}  {}{bucket}  {key}", field("hash"))
}

/// `sluice bucket assign`.
///
/// # Errors
/// When no such experiment is configured.
pub fn assign(args: &BucketAssign, settings: &Settings) -> Result<Output, CommandError> {
    let tenants =
        settings.tenants.values().filter(|tenant| args.tenant.as_ref().is_none_or(|id| *id == tenant.id));
    let mut found = tenants.filter_map(|tenant| Some((tenant, tenant.experiments.get(&args.experiment)?)));
    let Some((tenant, experiment)) = found.next() else {
        return Err(CommandError::usage(format!("experiment `{}` is not configured", args.experiment)));
    };
    let choice = experiment.choose(&args.unit);
    let (bucket, variant) = choice.map_err(|error| CommandError::configuration(error.to_string()))?;
    let row = json!({
        "tenant": tenant.id, "experiment": experiment.id, "unit": args.unit, "bucket": bucket, "buckets": 10_000,
        "variant": variant.id, "script": variant.script,
    });
    let text = format!("bucket {bucket} of 10000 → variant {} → script {}", variant.id, variant.script);
    Ok(Output::one(Exit::Ok, text, row))
}
