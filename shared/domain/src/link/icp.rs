//! ICP filings (ICP备案): who is answerable for a page in mainland China, by the configuration's own table. Nothing is looked up.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::LinkRefusal;
use super::policy::is_at_or_below;

/// The filings of the domains that a company links to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filings {
    /// The company as its filings name it (主办单位名称).
    pub subject: String,
    /// Must every linked domain have a filing here? Default yes.
    #[serde(default = "yes")]
    pub required: bool,
    /// The filings.
    #[serde(default)]
    pub filings: Vec<Filing>,
}

fn yes() -> bool {
    true
}

/// One filing, as `beian.miit.gov.cn` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    /// The filed domain (网站域名), which its owner registered.
    pub domain: String,
    /// The number of the site (网站备案/许可证号).
    pub number: FilingNumber,
    /// Whom it names (主办单位名称).
    pub subject: String,
}

impl Filings {
    /// Is the landing page the company's own?
    ///
    /// # Errors
    /// [`LinkRefusal::FilingUnknown`], [`LinkRefusal::FilingOfOther`].
    pub fn check(&self, host: &str) -> Result<(), LinkRefusal> {
        let filings = self.filings.iter().filter(|filing| is_at_or_below(host, &filing.domain));
        match filings.max_by_key(|filing| filing.domain.len()) {
            Some(filing) if same_subject(&filing.subject, &self.subject) => Ok(()),
            Some(_) => Err(LinkRefusal::FilingOfOther),
            None if self.required => Err(LinkRefusal::FilingUnknown),
            None => Ok(()),
        }
    }
}

/// Names are equal whatever the width of brackets and letters, and with or without blanks.
fn same_subject(one: &str, other: &str) -> bool {
    let folded =
        |name: &str| name.nfkc().filter(|char| !char.is_whitespace()).collect::<String>().to_lowercase();
    folded(one) == folded(other)
}

/// The number of a filed site: `京ICP备12345678号-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilingNumber(String);

/// What is wrong with a filing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "filing number must be as in `京ICP备12345678号-1`: province, `ICP备`, 8 or 10 digits, `号-` and the number of the site"
)]
pub struct InvalidFilingNumber;

/// The provinces' one-letter names, as filings have them.
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

impl FilingNumber {
    /// Parses a number.
    ///
    /// # Errors
    /// [`InvalidFilingNumber`].
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidFilingNumber> {
        let text = text.into();
        let mut rest = text.chars();
        let province = rest.next().is_some_and(|char| PROVINCES.contains(char));
        let parts = rest.as_str().strip_prefix("ICP备").and_then(|rest| rest.split_once("号-"));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let proper = parts.is_some_and(|(subject, site)| {
            matches!(subject.len(), 8 | 10)
                && digits(subject)
                && (1..=4).contains(&site.len())
                && digits(site)
                && !site.starts_with('0')
        });
        if province && proper { Ok(Self(text)) } else { Err(InvalidFilingNumber) }
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FilingNumber {
    type Error = InvalidFilingNumber;
    fn try_from(text: String) -> Result<Self, InvalidFilingNumber> {
        Self::new(text)
    }
}

impl From<FilingNumber> for String {
    fn from(number: FilingNumber) -> Self {
        number.0
    }
}

impl fmt::Display for FilingNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_filed_sites() {
        for good in ["京ICP备12345678号-1", "沪ICP备2021012345号-12", "琼ICP备05012345号-3"] {
            assert!(FilingNumber::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "京ICP备12345678号",
            "京ICP备12345678号-",
            "京ICP备12345678号-0",
            "京ICP备1234567号-1",
            "京ICP备123456789号-1",
            "京ICP证12345678号-1",
            "京icp备12345678号-1",
            "港ICP备12345678号-1",
            "京ICP备１２３４５６７８号-1",
            "京ICP备12345678号-1X",
            " 京ICP备12345678号-1",
            "京B2-20090059",
        ] {
            assert_eq!(FilingNumber::new(bad), Err(InvalidFilingNumber), "{bad}");
        }
    }

    fn filings(required: bool) -> Filings {
        let filing = |domain: &str, subject: &str| Filing {
            domain: domain.into(),
            number: FilingNumber::new("沪ICP备12345678号-1").unwrap(),
            subject: subject.into(),
        };
        let rows = vec![
            filing("example.com", "示例（上海）科技有限公司"),
            filing("shop.example.com", "别家有限公司"),
        ];
        Filings { subject: "示例(上海) 科技有限公司".into(), required, filings: rows }
    }

    #[test]
    fn the_closest_filing_must_name_the_company() {
        assert_eq!(filings(true).check("www.example.com"), Ok(()));
        assert_eq!(filings(true).check("m.shop.example.com"), Err(LinkRefusal::FilingOfOther));
        assert_eq!(filings(true).check("badexample.com"), Err(LinkRefusal::FilingUnknown));
        assert_eq!(filings(false).check("badexample.com"), Ok(()));
        assert_eq!(filings(false).check("shop.example.com"), Err(LinkRefusal::FilingOfOther));
    }
}
