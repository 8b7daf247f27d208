//! The error tables against the platforms' documents, row by row (`tests/vectors/channel_codes.csv`).

#![expect(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::collections::{BTreeMap, BTreeSet};

use sluice_channels::codes::TABLES;
use sluice_channels::{Evidence, Row};

/// Platform, API, first and last code.
type Key = (String, String, i64, i64);

/// Class, waiting time, level of evidence.
type Meaning = (String, String, char);

fn documented() -> BTreeMap<Key, Meaning> {
    let text = include_str!("../../../tests/vectors/channel_codes.csv");
    let mut rows = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells = cells(line);
        let [platform, api, code, last, class, wait, evidence, _words] = cells.try_into().unwrap();
        let key = (platform, api, code.parse().unwrap(), last.parse().unwrap());
        let meaning = (class, wait, evidence.parse().unwrap());
        assert!(rows.insert(key, meaning).is_none(), "twice: {line}");
    }
    rows
}

/// A comma inside quotes is none.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells
}

fn level(row: &Row) -> char {
    match row.evidence {
        Evidence::Documented => 'A',
        Evidence::Libraries => 'B',
        Evidence::Reported => 'C',
        Evidence::Inferred => 'I',
        Evidence::Unconfirmed => 'X',
    }
}

fn ours() -> BTreeMap<Key, Meaning> {
    let rows = TABLES.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    rows.map(|(table, row)| {
        let key = (table.platform.to_owned(), table.api.to_owned(), row.code, row.last);
        let wait = row.verdict.wait().unwrap_or_default();
        (key, (row.verdict.class().to_owned(), wait, level(row)))
    })
    .collect()
}

#[test]
fn every_documented_row_is_in_the_tables_as_documented_and_no_other() {
    let (documented, ours) = (documented(), ours());
    let keys = |rows: &BTreeMap<Key, Meaning>| rows.keys().cloned().collect::<BTreeSet<_>>();
    let (theirs, mine) = (keys(&documented), keys(&ours));
    assert_eq!(theirs.difference(&mine).collect::<Vec<_>>(), Vec::<&Key>::new(), "not in our tables");
    assert_eq!(mine.difference(&theirs).collect::<Vec<_>>(), Vec::<&Key>::new(), "not in the documents");
    for (key, meaning) in &documented {
        assert_eq!(&ours[key], meaning, "{key:?}");
    }
}

#[test]
fn every_row_says_what_it_means_and_where_that_is_written() {
    for table in TABLES {
        for row in table.rows {
            assert!(!row.meaning.is_empty() && !row.source.is_empty(), "{} {}", table.platform, row.code);
        }
    }
}
