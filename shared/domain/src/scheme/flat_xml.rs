//! The XML of pushes: one root with flat children, texts plain or in CDATA. Anything else ends the reading.

/// The children of a flat XML document.
#[derive(Debug, Clone)]
pub(crate) struct FlatXml<'a>(Vec<(&'a str, String)>);

impl<'a> FlatXml<'a> {
    /// The document, if the text begins like one.
    ///
    /// Elements are read in order, so that a text inside CDATA can't pose as an element.
    pub(crate) fn new(text: &'a str) -> Option<Self> {
        let (_root, mut rest) = open_tag(skip_prolog(text.trim_start()))?;
        let mut children = Vec::new();
        while let Some((name, inside)) = open_tag(rest) {
            let Some((value, after)) = content(inside, name) else { break };
            children.push((name, value));
            rest = after;
        }
        Some(Self(children))
    }

    /// The text of the first child of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(child, _)| *child == name).map(|(_, value)| value.as_str())
    }
}

pub(super) fn skip_prolog(text: &str) -> &str {
    match text.strip_prefix("<?") {
        Some(prolog) => prolog.split_once("?>").map_or("", |(_, rest)| rest),
        None => text,
    }
}

/// The name of the tag that the text begins with, and what follows it.
pub(super) fn open_tag(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim_start().strip_prefix('<')?.split_once('>')?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain.then_some((name, rest))
}

pub(super) fn content<'a>(text: &'a str, name: &str) -> Option<(String, &'a str)> {
    if let Some(cdata) = text.trim_start().strip_prefix("<![CDATA[") {
        let (value, rest) = cdata.split_once("]]>")?;
        return Some((value.to_owned(), close_tag(rest.trim_start(), name)?));
    }
    let (value, rest) = text.split_at_checked(text.find('<')?)?;
    Some((unescaped(value), close_tag(rest, name)?))
}

pub(super) fn close_tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix("</")?.strip_prefix(name)?.strip_prefix('>')
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn flat_elements_are_read_with_and_without_cdata() {
        let xml = FlatXml::new(
            "<?xml version=\"1.0\"?>\n<xml> <A><![CDATA[<B>1</B>]]></A>\n<B>x &amp;lt;</B></xml>",
        );
        let xml = xml.unwrap();
        assert_eq!(xml.get("A"), Some("<B>1</B>"));
        assert_eq!(xml.get("B"), Some("x &lt;"));
        assert_eq!(xml.get("C"), None);
        assert!(FlatXml::new("{}").is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic(text in "(<|>|A|/|\\[|\\]|!|<!\\[CDATA\\[|你){0,30}") {
            if let Some(xml) = FlatXml::new(&text) {
                let _ = xml.get("A");
            }
        }
    }
}
