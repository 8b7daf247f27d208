//! XML with elements in elements, as pushes of lists have it: texts plain or in CDATA, no attributes. Anything else is refused.

use super::flat_xml::{close_tag, content, open_tag, skip_prolog};

/// An element: its text, or the elements in it.
#[derive(Debug, Clone)]
pub(crate) struct Element<'a> {
    name: &'a str,
    text: String,
    children: Vec<Self>,
}

impl<'a> Element<'a> {
    /// The root is one; what a list's entry holds is the fourth.
    const DEEPEST: usize = 4;
    /// More elements than these no push has.
    const MOST: usize = 512;

    /// The root of a whole document.
    pub(crate) fn root(text: &'a str) -> Option<Self> {
        let (root, rest) = Self::read(skip_prolog(text.trim()), Self::DEEPEST, &mut Self::MOST.clone())?;
        rest.is_empty().then_some(root)
    }

    fn read(text: &'a str, deepest: usize, most: &mut usize) -> Option<(Self, &'a str)> {
        let deeper = deepest.checked_sub(1)?;
        *most = most.checked_sub(1)?;
        let (name, inside) = open_tag(text)?;
        if let Some((text, rest)) = content(inside, name) {
            return Some((Self { name, text, children: Vec::new() }, rest));
        }
        let (mut children, mut rest) = (Vec::new(), inside.trim_start());
        loop {
            if let Some(after) = close_tag(rest, name) {
                return Some((Self { name, text: String::new(), children }, after));
            }
            let (child, after) = Self::read(rest, deeper, most)?;
            children.push(child);
            rest = after.trim_start();
        }
    }

    /// The children of a name, in order.
    pub(crate) fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of a name, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let child = self.children.iter().find(|child| child.name == name);
        child.map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_in_elements_are_read_and_texts_pose_as_none() {
        let xml = "<?xml version=\"1.0\"?>\n<xml><A>1</A> <L>\n<I><B><![CDATA[<C>2</C>]]></B></I><I><B>3</B></I>\n</L></xml>\n";
        let root = Element::root(xml).unwrap();
        assert_eq!((root.text("A"), root.text("L"), root.text("C")), (Some("1"), None, None));
        let items: Vec<_> = root.all("L").flat_map(|list| list.all("I")).map(|item| item.text("B")).collect();
        assert_eq!(items, [Some("<C>2</C>"), Some("3")]);
    }

    #[test]
    fn what_is_cut_crossed_deep_or_endless_is_refused() {
        for text in
            ["", "<a>", "<a><b></a></b>", "<a><b>1</b>", "<a>1</a>2", "<a x=\"1\">1</a>", "<a><b>1</b>2</a>"]
        {
            assert!(Element::root(text).is_none(), "{text}");
        }
        assert!(Element::root("<a><b><c><d>1</d></c></b></a>").is_some());
        assert!(Element::root("<a><b><c><d><e>1</e></d></c></b></a>").is_none());
        let of = |children: usize| format!("<a>{}</a>", "<b></b>".repeat(children));
        assert!(Element::root(&of(511)).is_some() && Element::root(&of(512)).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic(text in "(<a>|</a>|<|>|b|/|\\[|\\]|!|<!\\[CDATA\\[|\\]\\]>|你){0,40}") {
            let _ = Element::root(&text).is_some();
        }
    }
}
