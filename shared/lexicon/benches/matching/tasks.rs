//! What is measured.

use std::hint::black_box;
use std::time::Instant;

use sluice_lexicon::index::Mode;

use crate::data::{self, Sources, Texts};
use crate::engines;
use crate::measure::{Engine, figure, run};

/// 10,000 words: every peer; and folding.
pub(crate) fn small(sources: &Sources, texts: &Texts, rounds: usize) {
    let words = data::ten_thousand(sources);
    let (folded, plain) = (engines::index(&words, true), engines::index(&words, false));
    figure("10k", "bytes", "sluice", folded.shape().bytes as f64);
    run(
        "10k",
        "fold a comment",
        &texts.comments,
        rounds,
        &mut [engines::folding(&folded), engines::nfkc_lower()],
    );
    let trie = crawdad::Trie::from_keys(&words).expect("sorted words");
    for (leftmost, mode, name) in
        [(true, Mode::LeftmostLongest, "leftmost-longest"), (false, Mode::Overlapping, "overlapping")]
    {
        let daachorse = engines::daachorse(&words, leftmost);
        let automaton = engines::aho_corasick(&words, leftmost);
        for (texts, what) in [(&texts.fifty, "50 characters"), (&texts.long, "4 KB")] {
            let mut engines = vec![
                engines::sluice("sluice", &folded, mode),
                engines::sluice("sluice without folding", &plain, mode),
                engines::of_daachorse(&daachorse, leftmost),
                engines::of_aho_corasick(&automaton, leftmost),
            ];
            if !leftmost {
                engines.push(engines::of_crawdad(&trie));
            }
            run("10k", &format!("{what}, {name}"), texts, rounds, &mut engines);
        }
    }
}

/// 1,000,000 words: the peers that can.
pub(crate) fn large(sources: &Sources, texts: &Texts, rounds: usize) {
    let words = data::pairs(sources, 1_000_000);
    let folded = built("1m", "sluice", || engines::index(&words, true));
    let plain = engines::index(&words, false);
    let shape = folded.shape();
    figure("1m", "words", "sluice", shape.words as f64);
    figure("1m", "bytes a word", "sluice", shape.bytes as f64 / shape.words as f64);
    let trie = built("1m", "crawdad", || crawdad::Trie::from_keys(&words).expect("sorted words"));
    for (leftmost, mode, name) in
        [(true, Mode::LeftmostLongest, "leftmost-longest"), (false, Mode::Overlapping, "overlapping")]
    {
        let daachorse = built("1m", "daachorse charwise", || engines::daachorse(&words, leftmost));
        for (texts, what) in [(&texts.fifty, "50 characters"), (&texts.long, "4 KB")] {
            let mut engines: Vec<Engine<'_>> = vec![
                engines::sluice("sluice", &folded, mode),
                engines::sluice("sluice without folding", &plain, mode),
                engines::of_daachorse(&daachorse, leftmost),
            ];
            if !leftmost {
                engines.push(engines::of_crawdad(&trie));
            }
            run("1m", &format!("{what}, {name}"), texts, rounds, &mut engines);
        }
    }
}

fn built<T>(list: &str, engine: &str, build: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let made = black_box(build());
    figure(list, "build seconds (wall)", engine, start.elapsed().as_secs_f64());
    made
}
