//! The engines on equal terms: words in, hits of a text out.

use std::cell::RefCell;

use sluice_lexicon::index::{Bytes, Index, IndexBuilder, Mode, Scratch};

use crate::measure::Engine;

/// Our index, folding or not.
pub(crate) fn index(words: &[String], folding: bool) -> Index {
    let mut builder = if folding { IndexBuilder::new() } else { IndexBuilder::without_folding() };
    for word in words {
        // Words that fold to one character are not for us.
        builder.add(word, 0).ok();
    }
    Index::open(Bytes::new(builder.build().expect("a list of test size").into_bytes(Vec::new())))
        .expect("just built")
}

pub(crate) fn sluice<'a>(name: &'static str, index: &'a Index, mode: Mode) -> Engine<'a> {
    let scratch = RefCell::new(Scratch::default());
    Engine {
        name,
        find: Box::new(move |text| {
            let mut scratch = scratch.borrow_mut();
            let view = index.view().expect("opened");
            view.find(text, mode, &mut scratch).expect("just built").1.len()
        }),
    }
}

pub(crate) type Daachorse = daachorse::CharwiseDoubleArrayAhoCorasick<u32>;

pub(crate) fn daachorse(words: &[String], leftmost: bool) -> Daachorse {
    let kind = if leftmost { daachorse::MatchKind::LeftmostLongest } else { daachorse::MatchKind::Standard };
    daachorse::CharwiseDoubleArrayAhoCorasickBuilder::new()
        .match_kind(kind)
        .build(words)
        .expect("distinct words")
}

pub(crate) fn of_daachorse(automaton: &Daachorse, leftmost: bool) -> Engine<'_> {
    Engine {
        name: "daachorse charwise",
        find: Box::new(move |text| {
            if leftmost {
                automaton.leftmost_find_iter(text).count()
            } else {
                automaton.find_overlapping_iter(text).count()
            }
        }),
    }
}

pub(crate) fn aho_corasick(words: &[String], leftmost: bool) -> aho_corasick::AhoCorasick {
    let kind =
        if leftmost { aho_corasick::MatchKind::LeftmostLongest } else { aho_corasick::MatchKind::Standard };
    aho_corasick::AhoCorasick::builder()
        .kind(Some(aho_corasick::AhoCorasickKind::ContiguousNFA))
        .match_kind(kind)
        .build(words)
        .expect("a list of test size")
}

pub(crate) fn of_aho_corasick(automaton: &aho_corasick::AhoCorasick, leftmost: bool) -> Engine<'_> {
    Engine {
        name: "aho-corasick contiguous",
        find: Box::new(move |text| {
            if leftmost {
                automaton.find_iter(text).count()
            } else {
                automaton.find_overlapping_iter(text).count()
            }
        }),
    }
}

pub(crate) fn of_crawdad(trie: &crawdad::Trie) -> Engine<'_> {
    let mut chars = Vec::new();
    Engine {
        name: "crawdad",
        find: Box::new(move |text| {
            chars.clear();
            chars.extend(text.chars());
            (0..chars.len()).map(|at| trie.common_prefix_search(chars[at..].iter().copied()).count()).sum()
        }),
    }
}

/// What many do first: compatibility forms, then lower case.
pub(crate) fn nfkc_lower<'a>() -> Engine<'a> {
    Engine {
        name: "NFKC, then lower case",
        find: Box::new(|text| {
            use unicode_normalization::UnicodeNormalization as _;
            text.nfkc().collect::<String>().to_lowercase().len()
        }),
    }
}

pub(crate) fn folding(index: &Index) -> Engine<'_> {
    let mut scratch = Scratch::default();
    Engine {
        name: "sluice",
        find: Box::new(move |text| {
            index.view().expect("opened").units(text, &mut scratch).expect("just built").all().len()
        }),
    }
}
