//! Texts that stay texts: nothing a person typed becomes a mention, a tag or a link on the platform.

use crate::message::Message;
use crate::refusal::Refusal;

/// For formats in which `<…>` is a tag or a mention (`<at user_id="all">`, `<@all>`, `<a href>`) and nothing is documented as
/// an escape: the full-width brackets look the same and mean nothing.
pub(crate) fn without_tags(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '<' => '＜',
            '>' => '＞',
            other => other,
        })
        .collect()
}

/// For WeCom's markdown, which documents no escape either.
pub(crate) fn without_markdown(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '<' => '＜',
            '>' => '＞',
            '[' => '［',
            ']' => '］',
            '*' => '＊',
            '`' => '｀',
            '#' => '＃',
            '_' => '＿',
            '~' => '～',
            other => other,
        })
        .collect()
}

/// For descriptions of WeCom's text cards, which are HTML of three tags.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push_str("<br>"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// What every channel asks of a message before it builds anything.
pub(crate) fn sendable(message: &Message) -> Result<(), Refusal> {
    if message.text.trim().is_empty() {
        return Err(Refusal::content("empty"));
    }
    match &message.link {
        Some((label, address)) if label.trim().is_empty() || !is_link(address) => {
            Err(Refusal::content("bad_link"))
        }
        _ => Ok(()),
    }
}

/// The message in one plain text, with the link's address spelled out by `link`.
pub(crate) fn lines(
    message: &Message,
    clean: impl Fn(&str) -> String,
    link: impl Fn(&str, &str) -> String,
) -> String {
    let mut lines = Vec::with_capacity(3);
    if let Some(title) = &message.title {
        lines.push(clean(title));
    }
    lines.push(clean(&message.text));
    if let Some((label, address)) = &message.link {
        lines.push(link(&clean(label), address));
    }
    lines.join("\n")
}

/// An HTML anchor, for the two platforms whose plain texts take one.
pub(crate) fn anchor(label: &str, address: &str) -> String {
    format!("<a href=\"{address}\">{label}</a>")
}

/// The text, if it is no longer than the platform takes: it would cut silently, or refuse.
pub(crate) fn within(limit: usize, text: String) -> Result<String, Refusal> {
    if text.len() <= limit { Ok(text) } else { Err(Refusal::content("too_long")) }
}

/// An address that can stand between quotes and brackets.
pub(crate) fn is_link(address: &str) -> bool {
    let web = address.starts_with("https://") || address.starts_with("http://");
    web && address.len() <= 2_048
        && address
            .chars()
            .all(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | '<' | '>' | '\\'))
}

/// At most `limit` bytes of a text, cut between characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_can_not_mention_or_link() {
        assert_eq!(without_tags("<at user_id=\"all\">x</at>"), "＜at user_id=\"all\"＞x＜/at＞");
        assert_eq!(
            without_markdown("[点我](http://x) <@all> 138****5678"),
            "［点我］(http://x) ＜@all＞ 138＊＊＊＊5678"
        );
        assert_eq!(html("a<b>&\nc"), "a&lt;b&gt;&amp;<br>c");
    }

    #[test]
    fn links_must_be_web_addresses_without_quotes() {
        for (address, good) in [
            ("https://example.com/a?b=c#d", true),
            ("http://127.0.0.1:8080/x", true),
            ("javascript:alert(1)", false),
            ("https://example.com/\"onclick", false),
            ("https://example.com/a b", false),
            ("https://example.com/中", false),
            ("", false),
        ] {
            assert_eq!(is_link(address), good, "{address}");
        }
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("中文", 4), "中");
        assert_eq!(cut("ab", 4), "ab");
        assert_eq!(cut("中", 0), "");
    }
}
