//! Words by which a person says in a message that they want no more (PIPL art. 15: withdrawing is as easy as agreeing).

use serde::{Deserialize, Serialize};

/// A message longer than this tells something else, even where such a word is in it.
const LONGEST: usize = 50;

/// The words of one tenant.
///
/// - A word of Latin letters or digits must be the whole message (`TD`, `td。`): it is a part of too many others.
/// - Any other word counts wherever it stands in a message of at most fifty letters (`请停止联系我`). That also takes `我没有退订` for a
///   withdrawal: taking back too much can be mended by the person, contacting them against their will can not.
///
/// Case, width, spaces and punctuation don't matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OptOutWords(Vec<String>);

impl Default for OptOutWords {
    fn default() -> Self {
        let words = [
            "TD",
            "T",
            "N",
            "STOP",
            "退订",
            "停止联系",
            "不要联系",
            "别联系",
            "不再接收",
            "拒收",
            "取消订阅",
            "停止发送",
        ];
        Self::new(words)
    }
}

impl OptOutWords {
    /// These words; none at all switch the reading off.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self(words.into_iter().map(str::to_owned).collect())
    }

    /// The words as they are written.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Does the message ask to stop?
    pub fn are_in(&self, message: &str) -> bool {
        // Four bytes a letter at most: what is longer needs no folding.
        if message.len() > 4 * LONGEST * 2 {
            return false;
        }
        let message = fold(message);
        if message.is_empty() || message.chars().count() > LONGEST {
            return false;
        }
        self.0
            .iter()
            .map(|word| fold(word))
            .filter(|word| !word.is_empty())
            .any(|word| if word.is_ascii() { message == word } else { message.contains(&word) })
    }
}

/// Letters and digits alone, narrow and in upper case.
fn fold(text: &str) -> String {
    let narrow = |letter: char| match u32::from(letter) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(letter),
        _ => letter,
    };
    text.chars().map(narrow).filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_says_stop_in_many_ways() {
        let words = OptOutWords::default();
        for message in [
            "TD",
            "td",
            " Ｔｄ 。",
            "退订",
            "请退订!",
            "你们停止联系我吧",
            "不 要 联 系 我",
            "stop",
            "我要取消订阅",
        ] {
            assert!(words.are_in(message), "{message}");
        }
    }

    #[test]
    fn words_that_merely_hold_the_letters_say_nothing() {
        let words = OptOutWords::default();
        for message in ["", "…", "TD500多少钱", "stopwatch", "不要", "什么时候联系我", "BTD"] {
            assert!(!words.are_in(message), "{message}");
        }
        assert!(!words.are_in(&format!("{}退订", "很长的故事".repeat(10))));
        assert!(!OptOutWords::new([]).are_in("退订"));
    }
}
