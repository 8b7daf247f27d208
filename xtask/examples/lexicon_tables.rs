//! Makes the tables of `sluice-lexicon` from their sources: `cargo xtask lexicon-tables`.
//!
//! | table | from |
//! |---|---|
//! | `fold.bin` | Unicode's decompositions and case (crate `unicode-normalization`, std), confusables (crate `unicode-security`), OpenCC's `TSCharacters.txt` |
//! | `pinyin.bin` | the crate `pinyin` |

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::path::Path;

use pinyin::ToPinyin as _;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// What becomes of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// Nothing: it separates nothing, either.
    Drop,
    /// Nothing, but it is seen.
    Gap,
    /// These characters, at least one.
    Chars(Vec<char>),
}

/// Values of a page below any character that counts.
const GAP: u16 = 0;
const DROP: u16 = 1;
const EXPAND: u16 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let check = std::env::args().any(|arg| arg == "--check");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lexicon/data");
    let simplified = simplified(&std::fs::read_to_string(data.join("opencc/TSCharacters.txt"))?);
    let mut stale = Vec::new();
    for (name, made) in [("fold.bin", fold_table(&simplified)?), ("pinyin.bin", pinyin_table()?)] {
        let path = data.join(name);
        if check && std::fs::read(&path).ok().as_ref() != Some(&made) {
            stale.push(name);
        } else if !check {
            std::fs::write(&path, made)?;
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("not what the sources give: {}", stale.join(", ")).into())
    }
}

/// Traditional → simplified, one character each, followed to the end. Where the simplified form is outside the basic plane and the
/// traditional one is not, the pair is turned round: what counts is that both fold to one.
fn simplified(table: &str) -> HashMap<char, char> {
    let mut map = HashMap::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let Some((from, to)) = line.split_once('\t') else { continue };
        let to = to.split(' ').next().unwrap_or_default();
        let (Some(from), Some(to)) = (one(from), one(to)) else { continue };
        if from == to {
            continue;
        }
        if u32::from(to) > 0xFFFF && u32::from(from) <= 0xFFFF {
            map.insert(to, from)
        } else {
            map.insert(from, to)
        };
    }
    map
}

fn one(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The end of the way: folding what was folded changes nothing.
fn target(char: char, simplified: &HashMap<char, char>) -> Target {
    let mut now = step(char, simplified);
    for _ in 0..8 {
        let Target::Chars(chars) = &now else { break };
        let mut next = Vec::new();
        for char in chars {
            if let Target::Chars(more) = step(*char, simplified) {
                next.extend(more);
            }
        }
        if next == *chars {
            break;
        }
        now = if next.is_empty() { Target::Gap } else { Target::Chars(next) };
    }
    now
}

fn step(char: char, simplified: &HashMap<char, char>) -> Target {
    if is_invisible(char) || is_combining_mark(char) {
        return Target::Drop;
    }
    if let Some(plain) = styled(char) {
        return Target::Chars(vec![plain]);
    }
    let parts: Vec<char> = if ('\u{ac00}'..='\u{d7a3}').contains(&char) {
        vec![char]
    } else {
        std::iter::once(char).nfkd().filter(|part| !is_combining_mark(*part)).collect()
    };
    let chars: Vec<char> = parts
        .into_iter()
        .flat_map(char::to_lowercase)
        .map(|low| simplified.get(&low).copied().unwrap_or(low))
        .map(|low| styled(low).or_else(|| digit(low)).or_else(|| look_alike(low)).unwrap_or(low))
        .filter(|low| low.is_alphanumeric())
        .collect();
    if chars.is_empty() { Target::Gap } else { Target::Chars(chars) }
}

/// Zero-width and formatting characters, soft hyphen, variation selectors, fillers, tags.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Digits and letters in disguises that Unicode does not decompose; signs that people write for 加; Chinese digits, plain and formal.
/// 十百千万 stay: they are no digits of a number that is read out.
fn styled(char: char) -> Option<char> {
    let counted = |from: char, to: char| char::from_u32(u32::from(to) + u32::from(char) - u32::from(from));
    match char {
        '+' | '➕' | '＋' | '﹢' | '⁺' | '₊' | '✚' | '✛' | '✙' | '✜' | '⊕' | '🞡' | '🞢' | '🞣' | '🞤' | '🞥'
        | '🞦' | '🞧' | '⨁' => Some('加'),
        '〇' | '零' | '⓿' | '🄌' | '🄋' | '○' | '◯' => Some('0'),
        '一' | '壹' | '弌' | '幺' => Some('1'),
        '二' | '贰' | '貳' | '弍' | '弐' => Some('2'),
        '三' | '叁' | '叄' | '弎' => Some('3'),
        '四' | '肆' => Some('4'),
        '五' | '伍' => Some('5'),
        '六' | '陆' | '陸' => Some('6'),
        '七' | '柒' => Some('7'),
        '八' | '捌' => Some('8'),
        '九' | '玖' => Some('9'),
        '❶'..='❾' => counted('❶', '1'),
        '➀'..='➈' => counted('➀', '1'),
        '➊'..='➒' => counted('➊', '1'),
        '⓵'..='⓽' => counted('⓵', '1'),
        '🅐'..='🅩' => counted('🅐', 'a'),
        '🅰'..='🆉' => counted('🅰', 'a'),
        _ => None,
    }
}

/// Decimal digits of other scripts: runs of ten from these.
fn digit(char: char) -> Option<char> {
    const ZEROS: [u32; 24] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
        0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0xa620, 0xa8d0,
    ];
    let code = u32::from(char);
    ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))
        .and_then(|zero| char::from_digit(code - zero, 10))
}

/// The ASCII letter that a letter of another script looks like, in one of its cases (Unicode's confusables).
fn look_alike(char: char) -> Option<char> {
    let code = u32::from(char);
    let scripts = matches!(code, 0xC0..=0x58F | 0x13A0..=0x13FF | 0x1C80..=0x1C8F | 0x1D00..=0x1DBF | 0x1E00..=0x1FFF | 0x2C60..=0x2CFF
        | 0xA4D0..=0xA4FF | 0xA640..=0xA69F | 0xA720..=0xA7FF | 0xAB30..=0xABBF);
    if !scripts {
        return None;
    }
    let shapes = [char.to_lowercase().next(), Some(char), char.to_uppercase().next()];
    shapes.into_iter().flatten().find_map(|shape| {
        let mut text = [0; 4];
        let skeleton: String = unicode_security::skeleton(shape.encode_utf8(&mut text)).collect();
        one(&skeleton).filter(char::is_ascii_alphabetic).map(|plain| plain.to_ascii_lowercase())
    })
}

/// The layout is documented where it is read: `shared/lexicon/src/fold.rs`.
fn fold_table(simplified: &HashMap<char, char>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut table = Table::default();
    for char in '\0'..=char::MAX {
        table.add(char, &target(char, simplified))?;
    }
    Ok(table.bytes())
}

#[derive(Default)]
struct Table {
    page_of: Vec<u8>,
    pages: Vec<Vec<u16>>,
    mapped: Vec<(u32, u32)>,
    ranges: Vec<(u32, u32, u32)>,
    expansions: Vec<(u32, u32)>,
    expanded: Vec<u32>,
    plane: BTreeMap<u32, u16>,
}

impl Table {
    fn add(&mut self, char: char, target: &Target) -> Result<(), Box<dyn Error>> {
        let code = u32::from(char);
        let value = match target {
            Target::Drop => u32::from(DROP),
            Target::Gap => u32::from(GAP),
            Target::Chars(chars) => match chars.as_slice() {
                // A few compatibility ideographs decompose to characters beyond the basic plane, which nobody types for them.
                [one] if u32::from(*one) > 0xFFFF && code <= 0xFFFF => code,
                [one] => u32::from(*one),
                many => {
                    self.expansions.push((code, u32::try_from(self.expanded.len() << 8 | many.len())?));
                    self.expanded.extend(many.iter().map(|char| u32::from(*char)));
                    u32::from(EXPAND)
                }
            },
        };
        if code <= 0xFFFF {
            self.plane.insert(code, u16::try_from(value)?);
        } else if value == code || value == u32::from(DROP) {
            let class = if value == code { 3 } else { u32::from(DROP) };
            match self.ranges.last_mut() {
                Some((_, last, kind)) if *last + 1 == code && *kind == class => *last = code,
                _ => self.ranges.push((code, code, class)),
            }
        } else if value != u32::from(GAP) {
            self.mapped.push((code, value));
        }
        Ok(())
    }

    /// Pages of one content are kept once; page 0 stands for "every character is itself".
    fn bytes(mut self) -> Vec<u8> {
        for high in 0..256_u32 {
            let page: Vec<u16> = (high << 8..(high << 8) + 256)
                .map(|code| self.plane.get(&code).copied().unwrap_or(GAP))
                .collect();
            let itself = page.iter().zip(high << 8..).all(|(value, code)| u32::from(*value) == code);
            let at = if itself {
                0
            } else {
                self.pages.iter().position(|known| *known == page).map_or(self.pages.len() + 1, |at| at + 1)
            };
            if at > self.pages.len() {
                self.pages.push(page);
            }
            self.page_of.push(u8::try_from(at).unwrap_or_default());
        }
        let mut out = b"SLFOLD1\0".to_vec();
        for count in [
            self.pages.len(),
            self.mapped.len(),
            self.ranges.len(),
            self.expansions.len(),
            self.expanded.len(),
            0,
        ] {
            out.extend(u32::try_from(count).unwrap_or_default().to_le_bytes());
        }
        out.extend(self.page_of);
        out.extend(self.pages.iter().flatten().flat_map(|value| value.to_le_bytes()));
        let mapped = self.mapped.iter().flat_map(|(from, to)| [*from, *to]);
        let ranges = self.ranges.iter().flat_map(|(first, last, class)| [*first, *last, *class]);
        let expansions = self.expansions.iter().flat_map(|(from, place)| [*from, *place]);
        let words = mapped.chain(ranges).chain(expansions).chain(self.expanded.iter().copied());
        out.extend(words.flat_map(u32::to_le_bytes));
        out
    }
}

/// A line per syllable: the syllable without its tone, a tab, its characters.
/// The layout is documented where it is read: `shared/lexicon/src/forms/pinyin.rs`.
fn pinyin_table() -> Result<Vec<u8>, Box<dyn Error>> {
    let reading = |char: char| {
        let plain = char.to_pinyin()?.plain().replace('ü', "v");
        plain.bytes().all(|byte| byte.is_ascii_lowercase()).then_some(plain)
    };
    let readings: Vec<Option<String>> = ('\u{4e00}'..='\u{9fff}').map(reading).collect();
    let syllables: BTreeSet<&str> = readings.iter().flatten().map(String::as_str).collect();
    let numbers: HashMap<&str, u16> = syllables.iter().copied().zip(1..).collect();
    let mut bytes = b"SLPINY1\0".to_vec();
    for reading in &readings {
        let number = reading.as_ref().and_then(|reading| numbers.get(reading.as_str()));
        bytes.extend(number.copied().unwrap_or_default().to_le_bytes());
    }
    for syllable in syllables {
        if syllable.len() > 6 {
            return Err(format!("`{syllable}` has more letters than the layout").into());
        }
        bytes.extend(format!("{syllable:6}").bytes());
    }
    Ok(bytes)
}
