//! Links in running text, with and without a scheme.

/// A link in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundLink<'a> {
    /// First character (Unicode scalar value).
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The link as written.
    pub text: &'a str,
}

/// The last labels that make a bare name a link, as people write links in chats. A link *with* a scheme is found whatever its end.
///
/// A choice of what is common in Chinese traffic, not the registry's list: `node.js` or `3.5.x` must not become links.
const ENDINGS: [&str; 46] = [
    "com", "cn", "net", "org", "gov", "edu", "info", "biz", "top", "xyz", "vip", "shop", "store", "site",
    "online", "club", "link", "ltd", "group", "work", "wang", "ren", "fun", "icu", "cc", "me", "tv", "io",
    "co", "ly", "app", "dev", "hk", "tw", "us", "uk", "jp", "kr", "ru", "in", "la", "so", "to", "gg", "pro",
    "live",
];

/// Every link of a text, left to right, without overlap. Linear.
///
/// A link inside another's query (`?to=https://…`) is one of its own: where it leads counts, too.
pub fn find_links(text: &str) -> Vec<FoundLink<'_>> {
    let mut found = Vec::new();
    let (mut begin, mut begin_char) = (None, 0);
    let mut at_char = 0_usize;
    for (byte, char) in text.char_indices() {
        match (begin, in_link(char)) {
            (None, true) => (begin, begin_char) = (Some(byte), at_char),
            (Some(from), false) => {
                links_of(text.get(from..byte).unwrap_or_default(), begin_char, &mut found);
                begin = None;
            }
            (None, false) | (Some(_), true) => {}
        }
        at_char = at_char.saturating_add(1);
    }
    if let Some(run) = begin.and_then(|from| text.get(from..)) {
        links_of(run, begin_char, &mut found);
    }
    found
}

/// Characters of a run that may hold links. Letters of every script are in it: a look-alike host must be seen whole.
fn in_link(char: char) -> bool {
    char.is_alphanumeric() || is_dot(char) || (char.is_ascii_graphic() && !"\"'<>`(){}|^,;".contains(char))
}

/// `。` and its like count as dots of a host (UTS 46).
fn is_dot(char: char) -> bool {
    matches!(char, '.' | '。' | '．' | '｡')
}

/// The links of a run; `at` is the character at which it begins.
fn links_of<'a>(run: &'a str, mut at: usize, found: &mut Vec<FoundLink<'a>>) {
    let mut rest = run;
    while !rest.is_empty() {
        let scheme = scheme_begin(rest);
        // Only what lies before the scheme is searched for a bare name, and then never again: this keeps the whole linear.
        let before = rest.get(..scheme.unwrap_or(rest.len())).unwrap_or_default();
        let Some(begin) = bare_name(before).or(scheme) else { return };
        let (front, tail) = rest.split_at(begin);
        let bare = begin < before.len();
        let limit = if bare { before.len().saturating_sub(begin) } else { tail.len() };
        let link = link_at(tail.get(..limit).unwrap_or(tail), bare);
        let start = at.saturating_add(front.chars().count());
        let text = link.trim_end_matches(|c: char| is_dot(c) || "!?:*_~".contains(c));
        found.push(FoundLink { start, end: start.saturating_add(text.chars().count()), text });
        at = start.saturating_add(link.chars().count());
        rest = tail.get(link.len()..).unwrap_or_default();
    }
}

/// Where the first link with a scheme begins.
fn scheme_begin(run: &str) -> Option<usize> {
    let colon = run.find("://")?;
    let name = run.get(..colon)?.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
    Some(name.len())
}

/// The link at the beginning of a text: its host in whatever letters, then a path in ASCII, up to the next scheme.
fn link_at(text: &str, bare: bool) -> &str {
    let host = if bare { 0 } else { text.find("://").map_or(0, |colon| colon.saturating_add(3)) };
    let after = text.get(host..).unwrap_or_default();
    let path = after.find(['/', '?', '#']).map_or(text.len(), |path| host.saturating_add(path));
    let tail = text.get(path..).unwrap_or_default();
    let ascii = tail.find(|c: char| !c.is_ascii()).unwrap_or(tail.len());
    let next = tail.get(..ascii).and_then(scheme_begin).unwrap_or(ascii);
    text.get(..path.saturating_add(next)).filter(|link| !link.is_empty()).unwrap_or(text)
}

/// Where a bare domain name begins in a run, if it holds one: `看a.example.com/x` begins at `a`, `me@example.com` at `me`.
fn bare_name(run: &str) -> Option<usize> {
    let mut from = 0;
    for part in run.split_inclusive(|c: char| !is_name(c)) {
        let name = part.trim_end_matches(|c: char| !is_name(c)).trim_matches(['.', '-']);
        if is_domain(name) {
            let begin = from + part.find(name)?;
            let before = run.get(..begin)?;
            let user = before.strip_suffix('@').map(|user| user.trim_end_matches(is_name).len());
            return Some(user.unwrap_or(begin));
        }
        from = from.saturating_add(part.len());
    }
    None
}

fn is_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '.' || char == '-'
}

fn is_domain(name: &str) -> bool {
    let Some((front, last)) = name.rsplit_once('.') else { return false };
    let named = front.rsplit('.').next().is_some_and(|label| !label.is_empty());
    let address = name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok());
    address || (named && ENDINGS.contains(&last.to_ascii_lowercase().as_str()))
}
