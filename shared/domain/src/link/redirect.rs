//! Where a link leads on to: addresses in its parameters, path and fragment, plain, percent-encoded or in base64.
//!
//! A page of the company's own that forwards to whatever its `url=` says lets anybody borrow the company's name.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::parse::parse_host;
use super::{Link, LinkRefusal, find_links, query, suffix};

/// How often a value is decoded: `%252F` is two layers. What is still encoded then hides something.
const MOST_LAYERS: usize = 3;

/// Parameters whose value is an address even where it has no scheme. Lower-case, without `_` and `-`.
const ADDRESS_NAMES: [&str; 37] = [
    "url",
    "uri",
    "u",
    "to",
    "go",
    "goto",
    "jump",
    "jumpto",
    "jumpurl",
    "link",
    "href",
    "src",
    "next",
    "nexturl",
    "redirect",
    "redirecturl",
    "redirecturi",
    "redirectto",
    "redir",
    "rurl",
    "return",
    "returnto",
    "returnurl",
    "returnuri",
    "back",
    "backurl",
    "continue",
    "forward",
    "forwardurl",
    "target",
    "targeturl",
    "dest",
    "desturl",
    "destination",
    "callback",
    "callbackurl",
    "out",
];

/// Schemes that run or open something without `//`.
const ACTIVE_SCHEMES: [&str; 10] = [
    "javascript:",
    "data:",
    "vbscript:",
    "blob:",
    "file:",
    "about:",
    "intent:",
    "view-source:",
    "http:",
    "https:",
];

/// The addresses in a link, each as a link to be checked like the one that holds it.
///
/// # Errors
/// [`LinkRefusal::Redirect`] when a value is encoded too often to be looked into, or not properly.
pub(super) fn targets(link: &Link<'_>) -> Result<Vec<String>, LinkRefusal> {
    let mut found = Vec::new();
    if let Some((_, rest)) = link.path().split_once("//") {
        found.extend(address_in(rest, true));
    }
    schemed(link.path(), &mut found);
    for text in link.query().into_iter().chain(link.fragment()) {
        for pair in text.split(['&', ';', '?']) {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            parameter(name, value, &mut found)?;
        }
    }
    Ok(found)
}

fn parameter(name: &str, value: &str, found: &mut Vec<String>) -> Result<(), LinkRefusal> {
    let named = is_address_name(name);
    let mut value = value.to_owned();
    for _ in 0..=MOST_LAYERS {
        // Browsers drop these before they read an address.
        let plain: String = value.chars().filter(|char| !char.is_control()).collect();
        let plain = plain.trim();
        found.extend(address_in(plain, named));
        schemed(plain, found);
        if let Some(hidden) = unpacked(plain) {
            found.extend(address_in(hidden.trim(), named));
            schemed(&hidden, found);
        }
        if !value.contains('%') {
            return Ok(());
        }
        value = query::decode(&value).ok_or(LinkRefusal::Redirect("malformed"))?;
    }
    Err(LinkRefusal::Redirect("encoded_too_often"))
}

fn is_address_name(name: &str) -> bool {
    let Some(name) = query::decode(name) else { return true };
    let name: String =
        name.chars().filter(|char| !"_-.[]".contains(*char)).map(|char| char.to_ascii_lowercase()).collect();
    ADDRESS_NAMES.contains(&name.as_str())
}

/// The value as an address: `//host`, `javascript:…`, and where one is expected also `host/path`.
fn address_in(value: &str, named: bool) -> Option<String> {
    let active = ACTIVE_SCHEMES
        .iter()
        .any(|scheme| value.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme)));
    if active {
        return Some(value.to_owned());
    }
    let slash = |char: char| char == '/' || char == '\\';
    let mut front = value.chars();
    if front.next().is_some_and(slash) {
        // `/path` stays on the host; `//host`, `/\host` and `\\host` leave it.
        let rest = value.trim_start_matches(slash);
        return (front.next().is_some_and(slash) && !rest.is_empty()).then(|| rest.to_owned());
    }
    // Put behind `https://example.com` without a slash, `.evil.cn` and `@evil.cn` are another host.
    let bare = value.trim_start_matches(['.', '@']);
    let host = bare.split(['/', '\\', '?', '#', ':']).next().unwrap_or_default();
    let name = match parse_host(host) {
        Ok(host) => suffix::has_known_ending(&host),
        // Something that is meant to be a host, but is none that may be sent.
        Err(refusal) => {
            host.contains('.') && matches!(refusal, LinkRefusal::IpHost | LinkRefusal::MixedScript)
        }
    };
    (named && name).then(|| bare.to_owned())
}

/// Every link with a scheme, wherever in the value it stands.
fn schemed(value: &str, found: &mut Vec<String>) {
    if value.contains("://") {
        let links = find_links(value).into_iter().filter(|link| link.text.contains("://"));
        found.extend(links.map(|link| link.text.to_owned()));
    }
}

/// What base64 of an address begins with: `http` and `//`.
fn unpacked(value: &str) -> Option<String> {
    if !["aHR0c", "SFRUU", "Ly9", "L1w"].iter().any(|front| value.starts_with(front)) {
        return None;
    }
    let value = value.trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD.decode(value).or_else(|_| STANDARD_NO_PAD.decode(value)).ok()?;
    String::from_utf8(bytes).ok()
}
