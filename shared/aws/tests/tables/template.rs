//! `template.yaml` makes the tables that the code knows. Emulators ignore much of it, so it is asserted on the template.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is missing fails the test")]

use std::collections::BTreeSet;

use sluice_aws::Table;
use yaml_serde::Value;

fn tables() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template: Value = yaml_serde::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    template["Resources"].clone()
}

/// The table's name in the template: `AuditTable`.
fn logical(table: Table) -> String {
    format!("{:?}", table.resource())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_sequence().into_iter().flatten().collect()
}

/// (name, kind) of a key schema.
fn keys(value: &Value) -> Vec<(&str, &str)> {
    list(value).into_iter().map(|key| (text(&key["AttributeName"]), text(&key["KeyType"]))).collect()
}

fn expected<'a>(partition: &'a str, sort: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    [Some((partition, "HASH")), sort.map(|sort| (sort, "RANGE"))].into_iter().flatten().collect()
}

#[test]
fn every_table_has_the_keys_index_and_expiry_of_the_schema() {
    let resources = tables();
    for table in Table::ALL {
        let (schema, name) = (table.schema(), logical(table));
        let properties = &resources[name.as_str()]["Properties"];
        assert_eq!(keys(&properties["KeySchema"]), expected(schema.partition, schema.sort), "{name}");

        let indexes = list(&properties["GlobalSecondaryIndexes"]);
        let found: Vec<_> = indexes
            .iter()
            .map(|index| {
                let projection = text(&index["Projection"]["ProjectionType"]);
                (text(&index["IndexName"]), keys(&index["KeySchema"]), projection)
            })
            .collect();
        let wanted: Vec<_> = schema
            .index
            .iter()
            .map(|index| (index.name, expected(index.partition, Some(index.sort)), index.projection.as_str()))
            .collect();
        assert_eq!(found, wanted, "{name}");
        assert_eq!(
            properties["LocalSecondaryIndexes"],
            Value::Null,
            "{name}: they would bound a partition to 10 GB"
        );

        let defined: BTreeSet<_> = list(&properties["AttributeDefinitions"])
            .into_iter()
            .map(|attribute| (text(&attribute["AttributeName"]), text(&attribute["AttributeType"])))
            .collect();
        let index = schema.index.iter().flat_map(|index| [index.partition, index.sort]);
        let used: BTreeSet<_> = [Some(schema.partition), schema.sort]
            .into_iter()
            .flatten()
            .chain(index)
            .map(|name| (name, "S"))
            .collect();
        assert_eq!(defined, used, "{name}");

        let expiry = &properties["TimeToLiveSpecification"];
        match schema.expires {
            Some(attribute) => {
                assert_eq!(
                    (text(&expiry["AttributeName"]), expiry["Enabled"].as_bool()),
                    (attribute, Some(true))
                );
            }
            None => assert_eq!(*expiry, Value::Null, "{name}: what is written once must not expire"),
        }
    }
}

#[test]
fn every_table_is_kept_encrypted_and_restorable() {
    let resources = tables();
    for table in Table::ALL {
        let name = logical(table);
        let (resource, properties) = (&resources[name.as_str()], &resources[name.as_str()]["Properties"]);
        assert_eq!(text(&resource["Type"]), "AWS::DynamoDB::Table", "{name}");
        assert_eq!(text(&resource["DeletionPolicy"]), "Retain", "{name}");
        assert_eq!(text(&resource["UpdateReplacePolicy"]), "Retain", "{name}");
        assert_eq!(text(&properties["BillingMode"]), "PAY_PER_REQUEST", "{name}");
        let recovery = &properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        assert_eq!(recovery.as_bool(), Some(true), "{name}");
        let encryption = &properties["SSESpecification"];
        assert_eq!(
            (encryption["SSEEnabled"].as_bool(), text(&encryption["SSEType"])),
            (Some(true), "KMS"),
            "{name}"
        );
        assert!(encryption["KMSMasterKeyId"] != Value::Null, "{name}: the stack's own key");
        let protection = &properties["DeletionProtectionEnabled"];
        assert!(*protection != Value::Null && protection.as_bool() != Some(false), "{name}");
    }
}

/// A table that the schema does not know would have no test at all.
#[test]
fn the_template_has_no_other_tables() {
    let resources = tables();
    let of_template: BTreeSet<_> = resources
        .as_mapping()
        .unwrap()
        .iter()
        .filter(|(_, resource)| text(&resource["Type"]).starts_with("AWS::DynamoDB::"))
        .map(|(name, _)| text(name).to_owned())
        .collect();
    let known: BTreeSet<_> = Table::ALL.into_iter().map(logical).collect();
    assert_eq!(of_template, known);
}
