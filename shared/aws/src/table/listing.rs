//! Listings over several partitions, merged in the order of their range keys.
//!
//! Every page asks each partition for its next entries after the cursor. What is known for sure ends where the first partition
//! that has more ends: entries beyond that line are dropped and read again with the next page. So there is neither gap nor
//! repeat, and a cursor is one range key, whatever the number of partitions.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use sluice_ports::{Page, PortError};

use super::Tables;
use super::cursor::Scope;
use super::item::{Attributes, read_text, text};
use super::schema::Table;

/// The most entries that one partition gives to a page: with eight partitions about 500 a page, as the embedded store has.
const OF_A_PARTITION: i32 = 64;

/// The entries of one partition after a range key.
struct Stretch {
    items: Vec<Attributes>,
    more: bool,
}

impl Tables {
    /// A page of raw entries: of the table's index if it has one, else of the table itself.
    pub(crate) async fn list(
        &self,
        table: Table,
        partitions: Vec<String>,
        cursor: Option<&str>,
    ) -> Result<Page<Attributes>, PortError> {
        let Some(first) = partitions.first() else { return Ok(Page { items: Vec::new(), next: None }) };
        let scope = Scope::of(table.as_str(), first);
        let after = cursor.map(|cursor| scope.parse(cursor)).transpose()?;
        let after = after.as_deref();
        let stretches = partitions.iter().map(|partition| self.stretch(table, partition, after));
        let stretches = try_join_all(stretches).await?;
        let (items, line) = merge(stretches, |item| read_text(table, item, sort_name(table)))?;
        Ok(Page { items, next: line.map(|line| scope.after(&line)) })
    }

    async fn stretch(
        &self,
        table: Table,
        partition: &str,
        after: Option<&str>,
    ) -> Result<Stretch, PortError> {
        let (schema, sort) = (table.schema(), sort_name(table));
        let mut query = self.client().query().table_name(self.name(table)?).limit(OF_A_PARTITION);
        query = match schema.index {
            // The only consistency that an index has is eventual.
            Some(index) => {
                query.index_name(index.name).expression_attribute_names("#partition", index.partition)
            }
            None => query.consistent_read(true).expression_attribute_names("#partition", schema.partition),
        };
        query = query.expression_attribute_values(":partition", text(partition));
        query = match after {
            None => query.key_condition_expression("#partition = :partition"),
            Some(after) => query
                .key_condition_expression("#partition = :partition AND #sort > :after")
                .expression_attribute_names("#sort", sort)
                .expression_attribute_values(":after", AttributeValue::S(after.to_owned())),
        };
        let found = query.send().await.map_err(|error| self.fault(table, &error))?;
        let more = found.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let items = found.items.unwrap_or_default();
        if more && items.is_empty() {
            // Without a filter there is no empty page that has a next one.
            let cause = "an empty page that goes on".to_owned();
            return Err(PortError::Unavailable { what: table.as_str(), cause });
        }
        Ok(Stretch { items, more })
    }
}

fn sort_name(table: Table) -> &'static str {
    let schema = table.schema();
    schema.index.map_or(schema.sort.unwrap_or(schema.partition), |index| index.sort)
}

/// The entries up to the line, in order, and the line if anything lies beyond it.
fn merge(
    stretches: Vec<Stretch>,
    sort: impl Fn(&Attributes) -> Result<&str, PortError>,
) -> Result<(Vec<Attributes>, Option<String>), PortError> {
    let mut line: Option<String> = None;
    for stretch in stretches.iter().filter(|stretch| stretch.more) {
        if let Some(last) = stretch.items.last() {
            let last = sort(last)?;
            if line.as_deref().is_none_or(|line| last < line) {
                line = Some(last.to_owned());
            }
        }
    }
    let mut keyed = Vec::new();
    for item in stretches.into_iter().flat_map(|stretch| stretch.items) {
        let sort = sort(&item)?.to_owned();
        if line.as_ref().is_none_or(|line| sort <= *line) {
            keyed.push((sort, item));
        }
    }
    keyed.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok((keyed.into_iter().map(|(_, item)| item).collect(), line))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn item(sort: u16) -> Attributes {
        Attributes::from([("at".to_owned(), text(format!("{sort:05}")))])
    }

    fn sort_of(item: &Attributes) -> Result<&str, PortError> {
        read_text(Table::Audit, item, "at")
    }

    /// What a partition would answer.
    fn stretch(partition: &BTreeSet<u16>, after: Option<&str>, limit: usize) -> Stretch {
        let after = after.map(|after| after.parse::<u16>().unwrap());
        let rest: Vec<u16> =
            partition.iter().copied().filter(|sort| after.is_none_or(|after| *sort > after)).collect();
        let items = rest.iter().take(limit).map(|sort| item(*sort)).collect();
        Stretch { items, more: rest.len() > limit }
    }

    proptest! {
        /// Whatever lies where, and however small the pages.
        #[test]
        fn pages_have_everything_once_and_in_order(
            partitions in prop::collection::vec(prop::collection::btree_set(0_u16..2_000, 0..40), 1..9),
            limit in 1_usize..9,
        ) {
            let mut expected: Vec<u16> = partitions.iter().flatten().copied().collect();
            expected.sort_unstable();
            expected.dedup();
            // A range key is in one partition alone: it holds the trace that the shard is made of.
            let mut seen = BTreeSet::new();
            let partitions: Vec<BTreeSet<u16>> = partitions
                .into_iter()
                .map(|partition| partition.into_iter().filter(|sort| seen.insert(*sort)).collect())
                .collect();
            let (mut listed, mut after) = (Vec::new(), None::<String>);
            loop {
                let stretches =
                    partitions.iter().map(|one| stretch(one, after.as_deref(), limit)).collect();
                let (items, line) = merge(stretches, sort_of).unwrap();
                listed.extend(items.iter().map(|item| sort_of(item).unwrap().parse::<u16>().unwrap()));
                match line {
                    Some(line) => after = Some(line),
                    None => break,
                }
            }
            prop_assert_eq!(listed, expected);
        }
    }
}
