//! A text as a reviewer sees it.

use crate::decision::EvidenceSpan;

/// Shorter runs of digits are prices, sizes and hours.
const SHORTEST_NUMBER: usize = 7;
/// Shorter words with digits are model names.
const SHORTEST_ID: usize = 5;

/// Hides what may name a person, and marks the evidence of one field with `⟦…⟧`.
///
/// Numbers, ids and addresses are hidden character for character, so that the evidence's offsets still hold once the marks are taken out:
/// digits as [`mask_phone`](crate::script::mask_phone) does, anything else but its first character. Words that carry no digit stay, for they are what is judged.
pub fn masked(text: &str, field: &str, evidence: &[EvidenceSpan]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    hide_numbers(&mut chars);
    hide_ids(&mut chars);
    let spans = evidence.iter().filter(|span| span.field == field);
    let mut marks: Vec<(usize, usize)> = Vec::new();
    for span in spans {
        let (start, end) = (span.start.min(chars.len()), span.end.min(chars.len()));
        if start >= end {
            continue;
        }
        if span.category == "phone_number"
            && let Some(hidden) = chars.get_mut(start..end)
        {
            hide(hidden, |c| !is_separator(c), Keep::Ends);
        }
        marks.push((start, end));
    }
    marked(&chars, marks)
}

/// A digit, half or full width.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('\u{ff10}'..='\u{ff19}').contains(&c)
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '·' | '_' | '\u{3000}' | '\u{ff0d}')
}

/// What ids and addresses are written with, half or full width.
fn is_word(c: char) -> bool {
    let narrow = match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    };
    narrow.is_ascii_alphanumeric() || matches!(narrow, '_' | '-' | '@' | '.' | '+')
}

/// Digits with single separators between them, long enough to be a number of somebody.
fn hide_numbers(chars: &mut [char]) {
    let mut start = 0;
    while let Some(run) = chars.get_mut(start..) {
        let Some(first) = run.iter().position(|c| is_digit(*c)) else { return };
        let mut end = first;
        while run.get(end).is_some_and(|c| is_digit(*c))
            || (run.get(end).is_some_and(|c| is_separator(*c))
                && run.get(end + 1).is_some_and(|c| is_digit(*c)))
        {
            end += 1;
        }
        if let Some(number) = run.get_mut(first..end)
            && number.iter().filter(|c| is_digit(**c)).count() >= SHORTEST_NUMBER
        {
            hide(number, is_digit, Keep::Ends);
        }
        start += end;
    }
}

/// Words with a digit or an `@`.
fn hide_ids(chars: &mut [char]) {
    for word in chars.split_mut(|c| !is_word(*c) && *c != '*') {
        let names = word.iter().any(|c| is_digit(*c)) && word.len() >= SHORTEST_ID;
        let address = word.iter().any(|c| matches!(c, '@' | '\u{ff20}')) && word.len() > 2;
        // What was hidden as a number stays as it is.
        if (names || address) && !word.contains(&'*') {
            hide(word, |_| true, Keep::First);
        }
    }
}

/// What stays readable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// The first character.
    First,
    /// The first three and last four of eleven or more, else the first.
    Ends,
}

/// Stars for the characters that count, but for those that stay.
fn hide(chars: &mut [char], counts: impl Fn(char) -> bool, keep: Keep) {
    let total = chars.iter().filter(|c| counts(**c)).count();
    let (head, tail) = if keep == Keep::Ends && total >= 11 { (3, total - 4) } else { (1, total) };
    for (number, c) in chars.iter_mut().filter(|c| counts(**c)).enumerate() {
        if (head..tail).contains(&number) {
            *c = '*';
        }
    }
}

/// The text with marks around the spans; spans that touch are one.
fn marked(chars: &[char], mut marks: Vec<(usize, usize)>) -> String {
    marks.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(marks.len());
    for (start, end) in marks {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    let mut out = String::with_capacity(chars.len() * 3);
    for (at, c) in chars.iter().enumerate() {
        if merged.iter().any(|(start, _)| *start == at) {
            out.push('⟦');
        }
        out.push(*c);
        if merged.iter().any(|(_, end)| *end == at + 1) {
            out.push('⟧');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(category: &str, start: usize, end: usize) -> EvidenceSpan {
        EvidenceSpan { field: "text".into(), category: category.into(), start, end }
    }

    #[test]
    fn numbers_ids_and_addresses_are_hidden_and_evidence_is_marked() {
        let rows = [
            ("我是车主,13912345678", vec![span("phone_number", 5, 16)], "我是车主,⟦139****5678⟧"),
            ("打 138 0013-8000", vec![], "打 138 ****-8000"),
            ("加我 vx_12345 吧", vec![span("contact_diversion", 3, 11)], "加我 ⟦v*******⟧ 吧"),
            ("邮箱 zhang.san@qq.com", vec![], "邮箱 z***************"),
            ("全网最好,299 元,A4 纸", vec![span("absolute_word", 2, 4)], "全网⟦最好⟧,299 元,A4 纸"),
            ("电话１３８００１３８０００", vec![], "电话１３８****８０００"),
            ("幺三八零零一三八零零零", vec![span("phone_number", 0, 11)], "⟦幺三八****八零零零⟧"),
            ("身份证11010519491231002X", vec![], "身份证110**********1002X"),
        ];
        for (text, evidence, expected) in rows {
            assert_eq!(masked(text, "text", &evidence), expected, "{text}");
        }
    }

    #[test]
    fn evidence_of_other_fields_marks_nothing() {
        assert_eq!(masked("最好", "message", &[span("absolute_word", 0, 2)]), "最好");
    }

    proptest! {
        /// Offsets hold: taking the marks out gives as many characters, each hidden or the same.
        #[test]
        fn masking_hides_character_for_character(
            text in "[0-9a-z@._ 加我微信最好１９-]{0,40}", start in 0..50_usize, length in 0..20_usize,
        ) {
            let shown = masked(&text, "text", &[span("phone_number", start, start + length)]);
            let plain: Vec<char> = shown.chars().filter(|c| !matches!(c, '⟦' | '⟧')).collect();
            prop_assert_eq!(plain.len(), text.chars().count());
            prop_assert!(plain.iter().zip(text.chars()).all(|(shown, c)| *shown == c || *shown == '*'));
        }

        #[test]
        fn no_number_of_seven_digits_is_readable(before in "[加微 a]{0,5}", number in "[0-9]{7,18}", after in "[加微 a]{0,5}") {
            let shown = masked(&format!("{before}{number}{after}"), "text", &[]);
            prop_assert!(!shown.contains(&number));
        }

        #[test]
        fn any_text_can_be_shown(text: String, start: usize, end: usize) {
            let _ = masked(&text, "text", &[span("phone_number", start, end)]);
        }
    }
}
