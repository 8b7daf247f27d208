/// Why a link may not be sent. The link itself is not repeated: it may carry personal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// Only `https` keeps what is in a link from third eyes; `javascript:` and `data:` are no places at all.
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
    /// `xn--…`: looks like another name when shown. A name that the allow-list has in this form is allowed.
    #[error("link's host is punycode")]
    Punycode,
    /// Letters beyond ASCII: look-alikes of another script.
    #[error("link's host has characters beyond a-z, 0-9, hyphen and dot")]
    MixedScript,
    /// `exаmple.com` with a Cyrillic letter, `examp1e.com`: looks like a name of the allow-list.
    #[error("link's host looks like an allowed one, but is another")]
    Homograph,
    /// Browsers take `\` for `/`, other programs don't.
    #[error("link has a backslash before its query")]
    Backslash,
    /// `%2e` in a host is a dot to browsers.
    #[error("link's host is percent-encoded")]
    EncodedHost,
    /// `%2f`, `..` and `%2e%2e`: servers and proxies read such paths differently.
    #[error("link's path has encoded separators, dot segments or unseen characters")]
    EncodedPath,
    /// Blanks, controls, and characters that don't show.
    #[error("link has blanks, control characters or characters that don't show")]
    ControlCharacter,
    /// `example.com.` is another origin than `example.com`.
    #[error("link's host ends in a dot")]
    TrailingDot,
    /// Longer than what is looked at.
    #[error("link is longer than {} bytes", super::LONGEST_LINK)]
    TooLong,
    /// No host, or one that is no domain name.
    #[error("link has no proper host")]
    Malformed,
    /// Whoever made it decides where it leads.
    #[error("link is of a short-link service")]
    ShortLink,
    /// Not the company's.
    #[error("link's domain is not in the allow-list")]
    NotAllowed,
    /// It leads on to an address that may not be sent; the code says why.
    #[error("link leads on to an address that may not be sent ({0})")]
    Redirect(&'static str),
    /// A filing is asked for, and none of the domain is configured (互联网信息服务管理办法 art. 4, 8).
    #[error("no ICP filing of the link's domain is configured")]
    FilingUnknown,
    /// The filing of the landing page is another company's.
    #[error("the ICP filing of the link's domain names another subject than the tenant")]
    FilingOfOther,
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
            Self::Homograph => "homograph",
            Self::Backslash => "backslash",
            Self::EncodedHost => "encoded_host",
            Self::EncodedPath => "encoded_path",
            Self::ControlCharacter => "control_character",
            Self::TrailingDot => "trailing_dot",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::ShortLink => "short_link",
            Self::NotAllowed => "not_allowed",
            Self::Redirect(_) => "redirect",
            Self::FilingUnknown => "filing_unknown",
            Self::FilingOfOther => "filing_of_other",
        }
    }
}
