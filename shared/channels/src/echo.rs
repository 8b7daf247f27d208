//! What a platform says about a message is kept with its delivery; what it repeats of the message is not.

use crate::message::Message;
use crate::text;

/// The most bytes of an answer that are kept.
pub(crate) const KEPT: usize = 1_024;
/// What stands for a passage that was sent.
const REMOVED: char = '·';
/// A run of characters that weighs so much is a repetition. Two Chinese characters are (a name), six Latin ones are (part of a number).
const RUN: usize = 6;

/// An answer's body as it is kept: readable as far as it is text, JSON with its escapes undone.
pub(crate) fn raw(body: &[u8]) -> String {
    let begin = body.get(..KEPT * 4).unwrap_or(body);
    let text = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(json) => json.to_string(),
        Err(_) => String::from_utf8_lossy(begin).into_owned(),
    };
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The words, at most 1 KiB of them, with every run of the message in them dotted out.
pub(crate) fn without(words: &str, message: &Message) -> String {
    let sent = sent(message);
    let letters: Vec<char> = words.chars().collect();
    let mut echoed = vec![false; letters.len()];
    for start in 0..letters.len() {
        let Some(run) = run(letters.get(start..).unwrap_or_default()) else { break };
        let text: String = run.iter().collect();
        if sent.iter().any(|sent| sent.contains(&text)) {
            echoed.iter_mut().skip(start).take(run.len()).for_each(|mark| *mark = true);
        }
    }
    let kept: String =
        letters.iter().zip(&echoed).map(|(letter, echoed)| if *echoed { REMOVED } else { *letter }).collect();
    text::cut(&kept, KEPT).to_owned()
}

fn sent(message: &Message) -> Vec<&str> {
    let link = message.link.as_ref().map(|(_, address)| {
        // The scheme stands in many a message about errors, too.
        address.split_once("://").map_or(address.as_str(), |(_, rest)| rest)
    });
    let texts = [Some(message.text.as_str()), message.title.as_deref(), message.recipient.as_deref(), link];
    texts.into_iter().flatten().filter(|text| !text.is_empty()).collect()
}

/// The shortest run from the beginning that is worth comparing.
fn run(letters: &[char]) -> Option<&[char]> {
    let mut weight = 0;
    for (place, letter) in letters.iter().enumerate() {
        weight += if letter.is_ascii() { 1 } else { RUN / 2 };
        if weight >= RUN {
            return letters.get(..=place);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            title: Some("新线索".into()),
            text: "张先生 138****0001\n想了解课程".into(),
            link: Some(("查看".into(), "https://crm.example.com/leads?sluice=bDF8.x1".into())),
            recipient: Some("oPersonOpenId1".into()),
            dispatch_id: "d".into(),
            ..Message::default()
        }
    }

    #[test]
    fn what_was_sent_is_dotted_out_and_the_rest_stays() {
        for (said, kept) in [
            ("invalid parameter", "invalid parameter"),
            ("bad near 张先生 138****0001!", "bad near ···············!"),
            ("ask 先生 of it", "ask ·· of it"),
            ("no such user oPersonOpenId1", "no such user ··············"),
            (
                "see https://open.work.weixin.qq.com/devtool?e=93000",
                "see https://open.work.weixin.qq.com/devtool?e=93000",
            ),
            ("at crm.example.com/leads", "at ·····················"),
            ("", ""),
        ] {
            assert_eq!(without(said, &message()), kept, "{said}");
        }
    }

    #[test]
    fn escapes_hide_nothing() {
        let body = r#"{"errcode":123456,"errmsg":"near \u5f20\u5148\u751f"}"#;
        assert_eq!(without(&raw(body.as_bytes()), &message()), r#"{"errcode":123456,"errmsg":"near ···"}"#);
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        let kept = without(&raw("错".repeat(50_000).as_bytes()), &message());
        assert!(kept.len() <= KEPT && kept.chars().all(|letter| letter == '错'), "{} bytes", kept.len());
        assert_eq!(raw(b"<html>\x00\n\xff"), "<html>  \u{FFFD}");
    }

    proptest::proptest! {
        #[test]
        fn no_line_that_was_sent_survives(before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
            let kept = without(&format!("{before}张先生 138****0001{after}"), &message());
            proptest::prop_assert!(!kept.contains("张先") && !kept.contains("0001"));
        }
    }
}
