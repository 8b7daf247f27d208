//! The list as a tree of labels, from the last one of a name towards its first.
//!
//! The table is generated (`cargo xtask public-suffixes`), little-endian: magic `SLPSL1\0\0` · counts (nodes, bytes of labels) u32 × 2 ·
//! nodes, u32 × 2 each · labels. A node: start of its label << 8 | its length; first child << 16 | number of children << 3 | flags. The root is
//! the first node and has no label; children of a node stand together, in the order of their labels' bytes.

use std::sync::LazyLock;

use zerocopy::FromBytes as _;
use zerocopy::little_endian::U32;

const TABLE: &[u8] = include_bytes!("../../../data/public-suffixes.bin");
const MAGIC: &[u8] = b"SLPSL1\0\0";

/// A name of the list ends here.
const RULE: u32 = 1;
/// Every name one label longer is in the list: `*.ck`.
const WILDCARD: u32 = 2;
/// This one is not, all the same: `!www.ck`.
const EXCEPTION: u32 = 4;

/// The parts of the table.
pub(super) struct Table {
    nodes: &'static [[U32; 2]],
    labels: &'static [u8],
}

/// One label of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    label: u32,
    below: u32,
}

impl Node {
    pub(super) fn is_rule(self) -> bool {
        self.below & RULE != 0
    }

    pub(super) fn has_wildcard(self) -> bool {
        self.below & WILDCARD != 0
    }

    pub(super) fn is_exception(self) -> bool {
        self.below & EXCEPTION != 0
    }
}

impl From<&[U32; 2]> for Node {
    fn from([label, below]: &[U32; 2]) -> Self {
        Self { label: label.get(), below: below.get() }
    }
}

impl Table {
    pub(super) fn get() -> &'static Self {
        static PARSED: LazyLock<Table> = LazyLock::new(|| Table::parse(TABLE).unwrap_or(Table::NONE));
        &PARSED
    }

    /// A table that cannot be read would know no name; a test shows that the one that is carried can.
    const NONE: Self = Self { nodes: &[], labels: &[] };

    fn parse(table: &'static [u8]) -> Option<Self> {
        let rest = table.strip_prefix(MAGIC)?;
        let ([nodes, labels], rest) = <[U32; 2]>::ref_from_prefix(rest).ok()?;
        let nodes = usize::try_from(nodes.get()).ok()?;
        let (nodes, rest) = <[[U32; 2]]>::ref_from_prefix_with_elems(rest, nodes).ok()?;
        (rest.len() == usize::try_from(labels.get()).ok()?).then_some(Self { nodes, labels: rest })
    }

    pub(super) fn root(&self) -> Option<Node> {
        self.nodes.first().map(Node::from)
    }

    pub(super) fn child(&self, node: Node, label: &str) -> Option<Node> {
        let children = self.children(node)?;
        let found = children.binary_search_by(|child| self.label(Node::from(child)).cmp(label.as_bytes()));
        children.get(found.ok()?).map(Node::from)
    }

    fn children(&self, node: Node) -> Option<&'static [[U32; 2]]> {
        let first = usize::try_from(node.below >> 16).ok()?;
        let count = usize::try_from(node.below >> 3 & 0x1FFF).ok()?;
        self.nodes.get(first..first.checked_add(count)?)
    }

    fn label(&self, node: Node) -> &'static [u8] {
        let range = || {
            let start = usize::try_from(node.label >> 8).ok()?;
            Some(start..start.checked_add(usize::try_from(node.label & 0xFF).ok()?)?)
        };
        range().and_then(|range| self.labels.get(range)).unwrap_or_default()
    }

    /// Every name in the tree, of rules and on the way to one.
    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut waiting = vec![(self.root().unwrap(), String::new())];
        while let Some((node, name)) = waiting.pop() {
            for child in self.children(node).unwrap() {
                let child = Node::from(child);
                let label = std::str::from_utf8(self.label(child)).unwrap();
                let name = if name.is_empty() { label.to_owned() } else { format!("{label}.{name}") };
                names.push(name.clone());
                waiting.push((child, name));
            }
        }
        names
    }
}
