//! One strict reading of a link: what programs read differently is refused, so that the host that was checked is the host that opens.
//!
//! Browsers follow the WHATWG URL standard, which repairs a lot: it drops tabs and line breaks, takes `\` for `/`, decodes `%2e` in hosts
//! and reads `0x7f.1` as an address. What is accepted here needs no repair (tests compare with the standard's own cases).

use super::LinkRefusal;

/// The longest link that is looked at, in bytes.
pub const LONGEST_LINK: usize = 2_048;

/// A link that every program reads alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'a> {
    host: String,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Link<'a> {
    /// Reads a link. One without a scheme is taken for `https`, as chat programs do.
    ///
    /// # Errors
    /// [`LinkRefusal`]: the first thing that is wrong. Whose host it is, is not asked here.
    pub fn parse(text: &'a str) -> Result<Self, LinkRefusal> {
        let rest = after_scheme(text)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (rest, fragment) = cut(rest, '#');
        let (path, query) = cut(rest, '?');
        check_path(path)?;
        Ok(Self { host: host_of(authority)?, path, query, fragment })
    }

    /// The host: lower-case labels, at least two.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path as written; empty or with a leading `/`.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The query without `?`, as written.
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// The fragment without `#`, as written.
    pub fn fragment(&self) -> Option<&'a str> {
        self.fragment
    }
}

/// A host as it stands in a link or in configuration: lower-case, at least two labels of `a-z`, `0-9` and inner hyphens, no address.
///
/// # Errors
/// [`LinkRefusal`], by cause.
pub fn parse_host(text: &str) -> Result<String, LinkRefusal> {
    let host = text.to_ascii_lowercase();
    if !host.is_ascii() {
        return Err(LinkRefusal::MixedScript);
    }
    if host.ends_with('.') {
        return Err(LinkRefusal::TrailingDot);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return Err(LinkRefusal::Malformed);
    }
    // A host whose last label is a number (also `0x7f`) is an IPv4 address by the URL standard.
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if hexadecimal || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LinkRefusal::IpHost);
    }
    if host.contains('.') { Ok(host) } else { Err(LinkRefusal::Malformed) }
}

/// The authority of a link as written, whatever is wrong with the rest: to say what a refused host looks like.
pub(super) fn raw_authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// What stands behind `https://`, or the whole when no scheme is given.
fn after_scheme(text: &str) -> Result<&str, LinkRefusal> {
    if text.len() > LONGEST_LINK {
        return Err(LinkRefusal::TooLong);
    }
    if text.chars().any(is_unseen) {
        return Err(LinkRefusal::ControlCharacter);
    }
    let (rest, given) = match scheme_of(text) {
        Some(("https", rest)) => (rest.strip_prefix("//").ok_or(LinkRefusal::Malformed)?, true),
        Some((_, rest)) if !is_port(rest) => return Err(LinkRefusal::NotHttps),
        Some(_) | None => (text, false),
    };
    match rest.chars().next() {
        // `\\host` and `//host` take the scheme of the page they stand on; `https:///host` is repaired by browsers.
        Some('\\') => Err(LinkRefusal::Backslash),
        Some('/') => Err(LinkRefusal::Malformed),
        None if given => Err(LinkRefusal::Malformed),
        Some(_) | None => Ok(rest),
    }
}

/// `Some((scheme, rest))` where a scheme stands before the first colon (RFC 3986 §3.1); only `https` is told by name.
fn scheme_of(text: &str) -> Option<(&'static str, &str)> {
    let (front, rest) = text.split_once(':')?;
    let shaped = front.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && front.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    shaped.then(|| (if front.eq_ignore_ascii_case("https") { "https" } else { "" }, rest))
}

/// `8443/x` behind `example.com:` is a port, not what a scheme names.
fn is_port(rest: &str) -> bool {
    let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

/// Blanks, controls, and characters that don't show or that turn the direction of writing.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || char.is_whitespace()
        || matches!(
            char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
}

fn host_of(authority: &str) -> Result<String, LinkRefusal> {
    let tricks = [
        ('\\', LinkRefusal::Backslash),
        ('@', LinkRefusal::UserInfo),
        ('[', LinkRefusal::IpHost),
        (':', LinkRefusal::Port),
        ('%', LinkRefusal::EncodedHost),
    ];
    match tricks.iter().find(|(char, _)| authority.contains(*char)) {
        Some((_, refusal)) => Err(*refusal),
        None => parse_host(authority),
    }
}

/// A path that is the same before and after decoding, as far as its parts go.
fn check_path(path: &str) -> Result<(), LinkRefusal> {
    if path.contains('\\') {
        return Err(LinkRefusal::Backslash);
    }
    for part in path.split('/') {
        let decoded = super::query::decode(part).ok_or(LinkRefusal::Malformed)?;
        if decoded.contains(['/', '\\'])
            || decoded == "."
            || decoded == ".."
            || decoded.chars().any(is_unseen)
        {
            return Err(LinkRefusal::EncodedPath);
        }
    }
    Ok(())
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(front, back)| (front, Some(back)))
}
