//! Other ways of writing a word, made when a list is compiled.

mod pinyin;
mod split;

use crate::fold::fold_text;

/// Every combination of written characters is made up to so many that can be written differently; beyond, only all of them at once.
const COMBINED: usize = 5;

/// The word with some or all characters in pinyin.
pub(crate) fn pinyin(word: &str) -> Vec<String> {
    combinations(word, pinyin::of)
}

/// The word with some or all characters taken apart.
pub(crate) fn split(word: &str) -> Vec<String> {
    combinations(word, split::of)
}

fn combinations(word: &str, other: impl Fn(char) -> Option<&'static str>) -> Vec<String> {
    // Digits were Chinese, perhaps, but nobody spells 第一 `di1`.
    let chars: Vec<(char, Option<&str>)> = fold_text(word).chars().map(|char| (char, other(char))).collect();
    let count = chars.iter().filter(|(_, other)| other.is_some()).count();
    let all = (1_u32 << count.min(31)) - 1;
    let chosen = if count <= COMBINED { 1..=all } else { all..=all };
    chosen.filter(|_| count > 0).map(|chosen| written(&chars, chosen)).collect()
}

/// The word with those of its changeable characters changed whose bit is set.
fn written(chars: &[(char, Option<&str>)], chosen: u32) -> String {
    let mut out = String::new();
    let mut bit = 0;
    for (char, other) in chars {
        let change = other.filter(|_| chosen >> bit & 1 == 1);
        bit = (bit + u32::from(other.is_some())).min(31);
        match change {
            Some(other) => out.push_str(other),
            None => out.push(*char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_or_all_characters_in_pinyin() {
        assert_eq!(pinyin("微信"), ["wei信", "微xin", "weixin"]);
        assert_eq!(pinyin("加V"), ["jiav"]);
        assert_eq!(pinyin("綠"), ["lv"]);
        assert_eq!(pinyin("vx"), Vec::<String>::new());
        assert_eq!(pinyin("扫码加我进群领"), ["saomajiawojinqunling"]);
    }

    #[test]
    fn some_or_all_characters_taken_apart() {
        assert_eq!(split("加微信"), ["力口微信", "加微亻言", "力口微亻言"]);
        assert_eq!(split("张"), ["弓长"]);
        assert_eq!(split("一"), Vec::<String>::new());
    }
}
