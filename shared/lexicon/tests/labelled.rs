//! The shipped lists against labelled texts: precision and recall, per category. `cargo nextest run -p sluice-lexicon --test labelled
//! --no-capture` prints the table.

#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sluice_lexicon::{Lexicon, WordList};

/// What was said of the texts, and what came.
#[derive(Default)]
struct Score {
    right: u32,
    missed: Vec<String>,
    wrong: Vec<String>,
}

impl Score {
    fn precision(&self) -> f64 {
        f64::from(self.right) / (f64::from(self.right) + count(&self.wrong))
    }

    fn recall(&self) -> f64 {
        f64::from(self.right) / (f64::from(self.right) + count(&self.missed))
    }
}

fn count(texts: &[String]) -> f64 {
    f64::from(u32::try_from(texts.len()).unwrap())
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Lexicon {
    let folder = std::fs::read_dir(root().join("config/lexicons")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        serde_saphyr::from_str::<WordList>(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    Lexicon::compile(files.iter().map(read).collect()).unwrap()
}

/// Lines of a label and a text; `\u{…}` stands for what an editor would not show.
fn examples(name: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("tests/cases/words").join(name)).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    lines
        .map(|(label, text)| {
            (label.to_owned(), text.replace("\\u{200b}", "\u{200b}").replace("\\u{200d}", "\u{200d}"))
        })
        .collect()
}

fn judge(lexicon: &Lexicon, score: &mut Score, category: &str, expected: bool, text: &str) {
    let hit = lexicon.scan(text).hits.iter().any(|hit| hit.category == category);
    match (expected, hit) {
        (true, true) => score.right += 1,
        (true, false) => score.missed.push(text.to_owned()),
        (false, true) => score.wrong.push(text.to_owned()),
        (false, false) => {}
    }
}

#[test]
fn precision_and_recall_of_every_category_are_above_their_floors() {
    let lexicon = shipped();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for (label, text) in examples("contact_diversion.tsv") {
        let score = scores.entry("contact_diversion".to_owned()).or_default();
        judge(&lexicon, score, "contact_diversion", label == "+", &text);
    }
    let others = examples("categories.tsv");
    let categories: Vec<&String> =
        others.iter().map(|(label, _)| label).filter(|label| *label != "none").collect();
    for category in categories.iter().copied().collect::<BTreeSet<_>>() {
        for (label, text) in &others {
            judge(&lexicon, scores.entry(category.clone()).or_default(), category, label == category, text);
        }
    }
    println!("| category | precision | recall |\n|---|--:|--:|");
    for (category, score) in &scores {
        println!("| {category} | {:.3} | {:.3} |", score.precision(), score.recall());
        println!("  missed: {:?}\n  wrong: {:?}", score.missed, score.wrong);
    }
    for (category, score) in &scores {
        assert!(score.precision() >= 0.97 && score.recall() >= 0.95, "{category}");
    }
}

#[test]
fn there_are_enough_examples_of_both_kinds() {
    let examples = examples("contact_diversion.tsv");
    let positive = examples.iter().filter(|(label, _)| label == "+").count();
    assert!(positive >= 250 && examples.len() - positive >= 250, "{positive} of {}", examples.len());
    assert!(examples.iter().all(|(label, _)| label == "+" || label == "-"));
    let distinct: BTreeSet<_> = examples.iter().map(|(_, text)| text).collect();
    assert_eq!(distinct.len(), examples.len());
}
