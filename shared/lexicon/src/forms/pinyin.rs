//! The commonest reading of a character, without its tone.

use std::collections::HashMap;
use std::sync::LazyLock;

static READINGS: LazyLock<HashMap<char, &str>> = LazyLock::new(|| {
    let lines = include_str!("../../data/pinyin.tsv").lines().filter_map(|line| line.split_once('\t'));
    lines.flat_map(|(reading, chars)| chars.chars().map(move |char| (char, reading))).collect()
});

pub(super) fn of(char: char) -> Option<&'static str> {
    READINGS.get(&char).copied()
}
