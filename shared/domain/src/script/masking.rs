//! What a person's values look like to people who need not know them.
//!
//! GB/T 35273-2020 §7.2 asks for de-identification on display but gives no patterns: these are the project's convention.

/// A name: the first character, and the last of three or more; `欧**娜`.
pub fn mask_name(name: &str) -> String {
    let chars: Vec<char> = name.trim().chars().collect();
    match chars.as_slice() {
        [] => String::new(),
        [_] => "*".to_owned(),
        [first, _] => format!("{first}*"),
        [first, hidden @ .., last] => format!("{first}{}{last}", "*".repeat(hidden.len())),
    }
}

/// A mobile number: `138****8000`. Anything that is not eleven digits is hidden whole.
pub fn mask_phone(phone: &str) -> String {
    let digits: Vec<char> = phone.trim().chars().collect();
    let is_mobile = digits.len() == 11 && digits.iter().all(char::is_ascii_digit);
    match digits.as_slice() {
        [a, b, c, _, _, _, _, tail @ ..] if is_mobile => {
            format!("{a}{b}{c}****{}", tail.iter().collect::<String>())
        }
        hidden => "*".repeat(hidden.len()),
    }
}

/// Any other value: its first character and as many stars as it has further characters, at most eight.
pub fn mask(value: &str) -> String {
    let mut chars = value.trim().chars();
    let Some(first) = chars.next() else { return String::new() };
    format!("{first}{}", "*".repeat(chars.count().min(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_phones_follow_the_convention() {
        let rows = include_str!("../../../../tests/vectors/masking_proposed.csv");
        let mut seen = 0;
        for row in rows.lines().skip(1) {
            let cells: Vec<_> = row.split(',').collect();
            let masked = match cells[0] {
                "name" => mask_name(cells[1]),
                "phone" => mask_phone(cells[1]),
                _ => continue,
            };
            assert_eq!(masked, cells[2], "{row}");
            seen += 1;
        }
        assert_eq!(seen, 7);
    }

    #[test]
    fn other_values_show_their_first_character_only() {
        assert_eq!(mask("北京市海淀区"), "北*****");
        assert_eq!(mask(""), "");
        assert_eq!(mask("a very long value indeed"), "a********");
    }
}
