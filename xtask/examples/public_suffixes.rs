//! Makes the table of public suffixes from the list: `cargo xtask public-suffixes`, which says where the list is (the crate `psl` brings it).
//!
//! Rules with letters beyond ASCII are in the table twice, as they are read and as they are on the wire (`xn--…`).

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::path::Path;

/// As the reader has them: `shared/domain/src/link/suffix/table.rs`.
const MAGIC: &[u8] = b"SLPSL1\0\0";
const RULE: u32 = 1;
const WILDCARD: u32 = 2;
const EXCEPTION: u32 = 4;
/// Bits of the number of children.
const COUNT: u32 = 13;

/// One label, and what is below it.
#[derive(Default)]
struct Node {
    flags: u32,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn add(&mut self, name: &str, flag: u32) {
        let node =
            name.rsplit('.').fold(self, |node, label| node.children.entry(label.to_owned()).or_default());
        node.flags |= flag;
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (list, check) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [list] => (list, false),
        [list, "--check"] => (list, true),
        _ => return Err("usage: public_suffixes LIST [--check]".into()),
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/domain/data/public-suffixes.bin");
    let made = table(&tree(&std::fs::read_to_string(list)?)?)?;
    if !check {
        return Ok(std::fs::write(path, made)?);
    }
    if std::fs::read(path)? == made {
        Ok(())
    } else {
        Err("public-suffixes.bin is not what the list gives".into())
    }
}

fn tree(list: &str) -> Result<Node, Box<dyn Error>> {
    let mut root = Node::default();
    for rule in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        let (name, flag) = match (rule.strip_prefix("*."), rule.strip_prefix('!')) {
            (Some(name), _) => (name, WILDCARD),
            (None, Some(name)) => (name, EXCEPTION),
            (None, None) => (rule, RULE),
        };
        if name.contains(['*', '!']) {
            return Err(format!("`{rule}`: a rule of a kind that the table does not have").into());
        }
        root.add(name, flag);
        root.add(&idna::domain_to_ascii(name).map_err(|error| format!("`{rule}`: {error}"))?, flag);
    }
    Ok(root)
}

/// In the layout that the reader documents. Labels that are part of longer ones share their bytes.
fn table(root: &Node) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut order = vec![("", root)];
    let mut first_children = Vec::new();
    let mut waiting = VecDeque::from([root]);
    while let Some(node) = waiting.pop_front() {
        first_children.push(u16::try_from(order.len())?);
        for (label, child) in &node.children {
            order.push((label, child));
            waiting.push_back(child);
        }
    }
    let mut by_length: Vec<&str> = order.iter().map(|(label, _)| *label).collect();
    by_length.sort_by_key(|label| (std::cmp::Reverse(label.len()), *label));
    let mut labels = String::new();
    for label in by_length {
        if !labels.contains(label) {
            labels.push_str(label);
        }
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(u32::try_from(order.len())?.to_le_bytes());
    bytes.extend(u32::try_from(labels.len())?.to_le_bytes());
    for ((label, node), first_child) in order.iter().zip(first_children) {
        let start = labels.find(label).ok_or("a label that is nowhere")?;
        let count = u32::try_from(node.children.len())?;
        if start >= 1 << 24 || count >= 1 << COUNT {
            return Err("more than the layout holds".into());
        }
        bytes.extend((u32::try_from(start)? << 8 | u32::from(u8::try_from(label.len())?)).to_le_bytes());
        bytes.extend((u32::from(first_child) << 16 | count << 3 | node.flags).to_le_bytes());
    }
    bytes.extend(labels.as_bytes());
    Ok(bytes)
}
