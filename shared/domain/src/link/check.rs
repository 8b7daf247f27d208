use super::LinkPolicy;

/// Why a link may not be sent. The link itself is not repeated: it may carry personal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// Only `https` keeps what is in a link from third eyes.
    #[error("link is not https")]
    NotHttps,
    /// `https://bank.example@evil.example/` shows one host and opens another.
    #[error("link carries user information before its host")]
    UserInfo,
    /// A port is never part of a public page of a company.
    #[error("link names a port")]
    Port,
    /// An address has no owner that a filing could name.
    #[error("link's host is an IP address")]
    IpHost,
    /// `xn--…`: looks like another name when shown.
    #[error("link's host is punycode")]
    Punycode,
    /// Letters beyond ASCII: look-alikes of another script.
    #[error("link's host has characters beyond a-z, 0-9, hyphen and dot")]
    MixedScript,
    /// No host, or one that is no domain name.
    #[error("link has no proper host")]
    Malformed,
    /// Not the company's.
    #[error("link's domain is not in the allow-list")]
    NotAllowed,
}

impl LinkRefusal {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotHttps => "not_https",
            Self::UserInfo => "user_info",
            Self::Port => "port",
            Self::IpHost => "ip_host",
            Self::Punycode => "punycode",
            Self::MixedScript => "mixed_script",
            Self::Malformed => "malformed",
            Self::NotAllowed => "not_allowed",
        }
    }
}

impl LinkPolicy {
    /// May this link be sent? A link without a scheme is taken for `https`, as chat programs do.
    ///
    /// # Errors
    /// [`LinkRefusal`]: the first thing that is wrong.
    pub fn check(&self, link: &str) -> Result<(), LinkRefusal> {
        let host = host(link)?;
        if self.allows_host(&host) { Ok(()) } else { Err(LinkRefusal::NotAllowed) }
    }

    /// Is the host an allowed domain or below one? `example.com` allows `a.example.com`, not `badexample.com`.
    pub fn allows_host(&self, host: &str) -> bool {
        self.allowed_domains.iter().any(|domain| {
            !domain.is_empty()
                && host
                    .strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

/// The host of a link, lower-case, if everything before the path is as plain as it should be.
fn host(link: &str) -> Result<String, LinkRefusal> {
    let rest = match link.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
            return Err(LinkRefusal::NotHttps);
        }
        // `a.example/?to=https://b.example`: what stands before is no scheme.
        Some(_) | None => link,
    };
    // Browsers take `\` for `/`, other programs don't: what they disagree on is refused.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('\\') {
        return Err(LinkRefusal::Malformed);
    }
    if authority.contains('@') {
        return Err(LinkRefusal::UserInfo);
    }
    if authority.starts_with('[') {
        return Err(LinkRefusal::IpHost);
    }
    if authority.contains(':') {
        return Err(LinkRefusal::Port);
    }
    plain_host(authority)
}

fn plain_host(authority: &str) -> Result<String, LinkRefusal> {
    let host = authority.to_ascii_lowercase();
    if !host.is_ascii() {
        return Err(LinkRefusal::MixedScript);
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
    if host.split('.').any(|label| label.starts_with("xn--")) {
        return Err(LinkRefusal::Punycode);
    }
    // The WHATWG URL standard reads a host whose last label is a number (also `0x7f`) as an IPv4 address.
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return Err(LinkRefusal::IpHost);
    }
    if host.contains('.') { Ok(host) } else { Err(LinkRefusal::Malformed) }
}
