use proptest::prelude::*;

use super::*;

fn index(words: &[&str]) -> Index {
    let mut builder = IndexBuilder::new();
    for (tag, word) in words.iter().enumerate() {
        builder.add(word, tag as u16).unwrap();
    }
    Index::open(Bytes::new(builder.build().unwrap().into_bytes(b"kept".to_vec()))).unwrap()
}

fn spans(index: &Index, text: &str, mode: Mode) -> Vec<(u32, u32)> {
    let mut scratch = Scratch::default();
    let (_, matches) = index.view().unwrap().find(text, mode, &mut scratch).unwrap();
    matches.iter().map(|found| (found.start, found.end)).collect()
}

#[test]
fn words_are_found_in_both_modes() {
    let index = index(&["最佳", "最佳品质", "佳品", "品质", "加微信", "ab", "abcdefgh"]);
    assert_eq!(spans(&index, "最·佳品质!", Mode::Overlapping), [(0, 2), (0, 4), (1, 3), (2, 4)]);
    assert_eq!(spans(&index, "最·佳品质!", Mode::LeftmostLongest), [(0, 4)]);
    assert_eq!(spans(&index, "＋微❤信ＡＢc", Mode::Overlapping), [(0, 3), (3, 5)]);
    assert_eq!(spans(&index, "abcdefgh", Mode::LeftmostLongest), [(0, 8)]);
    assert_eq!(spans(&index, "abcdefg", Mode::LeftmostLongest), [(0, 2)]);
    assert_eq!(index.meta(), b"kept");
}

#[test]
fn an_empty_index_finds_nothing() {
    assert!(spans(&index(&[]), "什么都没有", Mode::Overlapping).is_empty());
}

/// Words of few characters, so that they share beginnings, end inside each other and fill hashed blocks.
fn words() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof!["[ab]{2,6}", "[abc微信]{2,5}", "[a-z一-十]{2,3}", "[aA①Ａ微]{2,9}", "a[一-龥]"];
    prop::collection::vec(word, 0..80)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,300}",
        "[abc微信 ·]{0,60}",
        "[a-z一-十Ａ①\u{200b}]{0,80}",
        any::<String>(),
        "[a一-龥]{0,200}"
    ]
}

/// The folded words and text, searched place by place.
fn naive(words: &[String], text: &str) -> Vec<(u32, u32)> {
    let text: Vec<char> = crate::fold::fold_text(text).chars().collect();
    let mut words: Vec<Vec<char>> =
        words.iter().map(|word| crate::fold::fold_text(word).chars().collect()).collect();
    words.sort();
    words.dedup();
    let mut found = Vec::new();
    for start in 0..text.len() {
        for word in &words {
            if text[start..].starts_with(word) {
                found.push((start as u32, (start + word.len()) as u32));
            }
        }
    }
    found.sort_unstable();
    found
}

fn compiled(words: &[String]) -> (Index, Vec<String>) {
    let mut builder = IndexBuilder::new();
    let taken: Vec<String> = words.iter().filter(|word| builder.add(word, 0).is_ok()).cloned().collect();
    (Index::open(Bytes::new(builder.build().unwrap().into_bytes(vec![]))).unwrap(), taken)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn index_automaton_and_naive_search_agree(words in words(), text in text()) {
        let (index, words) = compiled(&words);
        let found = spans(&index, &text, Mode::Overlapping);
        prop_assert_eq!(&found, &naive(&words, &text));
        // Aho-Corasick over the folded text, in bytes, leftmost-longest.
        let folded = crate::fold::fold_text(&text);
        let patterns: Vec<String> = words.iter().map(|word| crate::fold::fold_text(word)).collect();
        let automaton = aho_corasick::AhoCorasick::builder()
            .match_kind(aho_corasick::MatchKind::LeftmostLongest)
            .build(&patterns)
            .unwrap();
        let chars = |byte: usize| folded.get(..byte).unwrap().chars().count() as u32;
        let leftmost: Vec<_> =
            automaton.find_iter(&folded).map(|found| (chars(found.start()), chars(found.end()))).collect();
        prop_assert_eq!(spans(&index, &text, Mode::LeftmostLongest), leftmost);
    }

    #[test]
    fn places_are_character_boundaries(text in any::<String>()) {
        let index = index(&["ab", "微信", "10"]);
        let mut scratch = Scratch::default();
        let (units, matches) = index.view().unwrap().find(&text, Mode::Overlapping, &mut scratch).unwrap();
        for found in matches {
            let range = units.bytes(found.start as usize, found.end as usize).unwrap();
            prop_assert!(text.get(range).is_some());
        }
        for at in 0..units.all().len() {
            prop_assert!(units.gap(at) <= text.len());
        }
    }

    /// Any change of the header or of what it says is told at once; any other gives an answer or an error, never a panic.
    #[test]
    fn damaged_files_are_told(words in words(), text in text(), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
        let mut builder = IndexBuilder::new();
        for word in &words {
            builder.add(word, 3).ok();
        }
        let whole = builder.build().unwrap().into_bytes(vec![1, 2, 3]);
        let mut flipped = whole.clone();
        let at = at.index(flipped.len());
        flipped[at] ^= 1 << bit;
        if let Ok(index) = Index::open(Bytes::new(flipped)) {
            let mut scratch = Scratch::default();
            let _answer = index.view().unwrap().find(&text, Mode::Overlapping, &mut scratch).is_ok();
            let padding = !covered(&index, at);
            prop_assert_eq!(index.verify().is_ok(), padding, "byte {}", at);
        }
        let cut = cut.index(whole.len());
        prop_assert!(Index::open(Bytes::new(whole[..cut].to_vec())).is_err());
    }

    /// Whole sections of noise: every link may lead anywhere.
    #[test]
    fn noise_in_the_pool_is_survived(noise in prop::collection::vec(any::<u8>(), 1..2000), text in text()) {
        let whole = index(&["ab", "abc", "abd", "aa", "bb", "微信号", "微信吗"]);
        let place = whole.header.place(Section::Bigrams);
        let pool = whole.header.place(Section::Pool);
        let mut bytes = (*whole.bytes.0).as_ref().to_vec();
        let mut noise = noise.iter().cycle();
        for at in (place.offset..place.offset + place.length).chain(pool.offset..pool.offset + pool.length) {
            // Keys stay, so that the noise is reached.
            if at < pool.offset && (at - place.offset) % 16 < 4 {
                continue;
            }
            bytes[at] = *noise.next().unwrap();
        }
        let index = Index::open(Bytes::new(bytes)).unwrap();
        let mut scratch = Scratch::default();
        let _answer = index.view().unwrap().find(&text, Mode::Overlapping, &mut scratch).is_ok();
    }
}

fn covered(index: &Index, at: usize) -> bool {
    let inside = |section: &Section| {
        let place = index.header.place(*section);
        (place.offset..place.offset + place.length).contains(&at)
    };
    Section::ALL.iter().any(inside)
}

/// Every place begins a word that nearly fits: the worst a text can do.
#[test]
fn a_hostile_text_costs_its_length_times_the_longest_word() {
    let long = "a".repeat(LONGEST_WORD - 1);
    let index = index(&[
        &format!("{long}b"),
        &format!("{}c", long.get(1..).unwrap()),
        "aab",
        &"ab".repeat(LONGEST_WORD / 2),
    ]);
    for length in [1_000_usize, 2_000, 4_000, 64_000] {
        let mut scratch = Scratch::default();
        for text in ["a".repeat(length), "ab".repeat(length / 2), "aaaaaaab".repeat(length / 8)] {
            index.view().unwrap().find(&text, Mode::Overlapping, &mut scratch).unwrap();
            assert!(scratch.steps() <= (length * LONGEST_WORD) as u64, "{length}: {}", scratch.steps());
            assert!(scratch.steps() > length as u64 / 2, "the text must be hostile");
        }
    }
}

#[test]
fn words_that_cannot_be_told_are_refused() {
    let mut builder = IndexBuilder::new();
    assert_eq!(builder.add("微·", 0), Err(BuildError::Short));
    assert_eq!(builder.add(&"微".repeat(65), 0), Err(BuildError::Long));
    assert_eq!(builder.add(&"微".repeat(64), 0), Ok(()));
    assert_eq!(builder.build().unwrap().words(), 1);
}

#[test]
fn a_word_of_several_tags_tells_them_all() {
    let mut builder = IndexBuilder::new();
    for tag in [7, 2, 7] {
        builder.add("微信", tag).unwrap();
    }
    builder.add("微博", 2).unwrap();
    let mut tags = builder.build().unwrap().tags;
    tags.sort();
    assert_eq!(tags, [vec![2], vec![2, 7]]);
}

#[test]
fn what_is_no_index_is_told() {
    let open = |bytes: &[u8]| Index::open(Bytes::new(bytes.to_vec())).unwrap_err();
    assert_eq!(open(b"SLUI"), IndexError::Truncated { length: 4 });
    assert_eq!(open(&[b'x'; 100]), IndexError::NotAnIndex);
    let mut other = (*index(&["ab"]).bytes.0).as_ref().to_vec();
    other[8] = 9;
    assert_eq!(open(&other), IndexError::Version { version: 9 });
}
