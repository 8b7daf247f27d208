//! Which links may be sent: the allow-list, and the check of a link against it.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::parse::raw_authority;
use super::{Filings, Link, LinkRefusal, is_short_link_service, redirect, registrable};

/// A link in a link in a link is refused.
const DEEPEST: usize = 2;

/// Which links may appear in what is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkPolicy {
    /// The domains allowed.
    #[serde(default)]
    pub allowed_domains: Vec<AllowedDomain>,
    /// The company's filings; absent = filings are not looked at.
    #[serde(default)]
    pub icp: Option<Filings>,
    /// The base of signed lead links, `https://crm.example.com/leads`; absent = no link in cards.
    #[serde(default)]
    pub lead_base: Option<String>,
    /// How long a signed lead link holds, in hours. Default 72.
    #[serde(default = "default_hours")]
    pub lead_hours: u32,
    /// Where the front door is reached from outside, `https://go.example.com`: signed links of campaigns are `{door}/links/{token}`.
    #[serde(default)]
    pub door: Option<String>,
    /// Signed links under data keys before this number hold no longer: for when a key got into wrong hands.
    #[serde(default)]
    pub oldest_key: u32,
}

fn default_hours() -> u32 {
    72
}

/// One entry of the allow-list. In configuration also just the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllowedDomain {
    /// The domain, lower-case: `example.com`.
    pub domain: String,
    /// What it stands for.
    pub rule: DomainRule,
    /// A page of the company on a platform (`work.weixin.qq.com`): its filing is the platform's.
    pub platform: bool,
}

/// What an entry of the allow-list stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainRule {
    /// This host alone.
    Exact,
    /// This host and every host below it, up to the next public suffix.
    #[default]
    Subdomains,
    /// Every host below the domain that its owner registered: `www.example.com.cn` allows all of `example.com.cn`.
    Registrable,
}

impl From<&str> for AllowedDomain {
    fn from(domain: &str) -> Self {
        Self { domain: domain.to_owned(), rule: DomainRule::default(), platform: false }
    }
}

impl<'de> Deserialize<'de> for AllowedDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Entry {
            domain: String,
            #[serde(default)]
            rule: DomainRule,
            #[serde(default)]
            platform: bool,
        }
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = AllowedDomain;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a domain, or `domain` with `rule` and `platform`")
            }
            fn visit_str<E>(self, domain: &str) -> Result<AllowedDomain, E> {
                Ok(domain.into())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AllowedDomain, A::Error> {
                let Entry { domain, rule, platform } = Entry::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AllowedDomain { domain, rule, platform })
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl AllowedDomain {
    /// Does the entry allow this host (lower-case)?
    pub fn allows(&self, host: &str) -> bool {
        match self.rule {
            DomainRule::Exact => host == self.domain,
            // Below `amazonaws.com` lie `s3.amazonaws.com` and the like, where anybody has names.
            DomainRule::Subdomains => {
                host == self.domain
                    || (is_at_or_below(host, &self.domain)
                        && registrable(host).is_some_and(|own| own.len() <= self.domain.len()))
            }
            DomainRule::Registrable => {
                registrable(host).is_some_and(|own| registrable(&self.domain) == Some(own))
            }
        }
    }
}

/// `a.example.com` is below `example.com`, `badexample.com` is not.
pub(super) fn is_at_or_below(host: &str, domain: &str) -> bool {
    !domain.is_empty() && host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl LinkPolicy {
    /// May this link be sent? A link without a scheme is taken for `https`, as chat programs do. What it leads on to must be allowed, too.
    ///
    /// # Errors
    /// [`LinkRefusal`]: the first thing that is wrong.
    pub fn check(&self, link: &str) -> Result<(), LinkRefusal> {
        self.check_at(link, 0)
    }

    fn check_at(&self, text: &str, depth: usize) -> Result<(), LinkRefusal> {
        let link = Link::parse(text)?;
        let host = link.host();
        if is_short_link_service(host) {
            return Err(LinkRefusal::ShortLink);
        }
        let entry = self.entry(host).ok_or_else(|| why_not(host))?;
        if let (false, Some(filings)) = (entry.platform, &self.icp) {
            filings.check(host)?;
        }
        for target in redirect::targets(&link)? {
            if depth >= DEEPEST {
                return Err(LinkRefusal::Redirect("nested_too_deep"));
            }
            self.check_at(&target, depth.saturating_add(1)).map_err(|refusal| match refusal {
                LinkRefusal::Redirect(code) => LinkRefusal::Redirect(code),
                other => LinkRefusal::Redirect(other.code()),
            })?;
        }
        Ok(())
    }

    /// Is the host (lower-case) one that an entry allows?
    pub fn allows_host(&self, host: &str) -> bool {
        self.entry(host).is_some()
    }

    /// The entry that allows a host.
    pub fn entry(&self, host: &str) -> Option<&AllowedDomain> {
        self.allowed_domains.iter().find(|entry| entry.allows(host))
    }

    /// The same as [`check`](Self::check) for people: a host that looks like an allowed one is told as such.
    ///
    /// It is not part of `check`: its table of look-alikes would make every function larger for a link that is refused in any case.
    ///
    /// # Errors
    /// [`LinkRefusal`]: the first thing that is wrong.
    pub fn explain(&self, link: &str) -> Result<(), LinkRefusal> {
        self.check(link).map_err(|refusal| match refusal {
            LinkRefusal::NotAllowed | LinkRefusal::MixedScript
                if self.resembles_allowed(raw_authority(link)) =>
            {
                LinkRefusal::Homograph
            }
            other => other,
        })
    }

    fn resembles_allowed(&self, host: &str) -> bool {
        let (host, shape) = (host.to_lowercase(), shape(host));
        self.allowed_domains.iter().any(|entry| {
            let own = registrable(&entry.domain).unwrap_or(&entry.domain);
            !is_at_or_below(&host, own) && is_at_or_below(&shape, &self::shape(own))
        })
    }
}

fn why_not(host: &str) -> LinkRefusal {
    let punycode = host.split('.').any(|label| label.starts_with("xn--"));
    if punycode { LinkRefusal::Punycode } else { LinkRefusal::NotAllowed }
}

/// What a host looks like: two that look alike have one shape (Unicode Technical Standard 39, «skeleton»).
fn shape(host: &str) -> String {
    // The other full stops count as dots (UTS 46).
    let dots = host.to_lowercase().replace(['。', '．', '｡'], ".");
    unicode_security::skeleton(&dots).collect::<String>().to_lowercase()
}
