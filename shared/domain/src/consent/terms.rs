//! What a person was told, and what the configuration asks of a consent before anything is done on it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ConsentRecord, Evidence, Standing, standing};
use crate::id::InvalidId;
use crate::time::UnixMillis;

consent_word!(
    /// How data is handled (处理方式): `work_wechat_message`, `phone_call`, `profile`, …
    Method, "method"
);
consent_word!(
    /// A kind of personal data (个人信息种类): `name`, `phone`, `city`, …
    Kind, "kind of data"
);

/// Kinds that are sensitive by PIPL art. 28, by the names this configuration uses for them.
const SENSITIVE: [&str; 8] = [
    "biometric",
    "religion",
    "specific_identity",
    "health",
    "bank_account",
    "location_track",
    "id_number",
    "minor",
];

/// Is this kind sensitive (PIPL art. 28)? The law's list is open; these are the ones it names.
pub fn is_sensitive(kind: &Kind) -> bool {
    SENSITIVE.contains(&kind.as_str())
}

/// The region in which no consent to a transfer abroad is needed: the mainland, by ISO 3166.
pub const MAINLAND: &str = "CN";

/// Who receives the data, as the person was told (PIPL art. 23: name and contact).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// How to reach it.
    pub contact: String,
}

/// What a form tells besides its purpose and text (PIPL art. 17, 23, 39).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// How the data is handled.
    pub methods: BTreeSet<Method>,
    /// Which kinds of data.
    pub kinds: BTreeSet<Kind>,
    /// Who receives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Receiver>,
    /// For how long it is kept, in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// How to exercise one's rights, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<String>,
    /// Where else it is handled, as an ISO 3166 code; absent = in the mainland.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// What law wants a person to agree to apart from everything else (单独同意).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Separate {
    /// Data is given to another handler (PIPL art. 23).
    Sharing,
    /// Data leaves the mainland (PIPL art. 39).
    CrossBorder,
    /// Data is sensitive (PIPL art. 29).
    Sensitive,
}

/// What a person said of their age. The age itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// Fourteen or more.
    Over14,
    /// Less than fourteen, or an answer that can not be read: a guardian must agree.
    Under14,
    /// Less than fourteen, and a guardian agreed (PIPL art. 31).
    Under14WithGuardian,
}

impl Age {
    /// Nobody asked.
    pub fn is_not_asked(&self) -> bool {
        matches!(self, Self::NotAsked)
    }

    /// Reads an answer: years (`12`, `12岁`) or a date of birth (`2013-05-01`, `2013年5月1日`, `20130501`), as of a moment.
    ///
    /// Fail closed: what can not be read counts as less than fourteen.
    pub fn read(answer: &str, guardian: bool, at: UnixMillis) -> Self {
        match years(answer, at) {
            Some(years) if years >= 14 => Self::Over14,
            _ if guardian => Self::Under14WithGuardian,
            _ => Self::Under14,
        }
    }
}

/// Whole years; `None` when the answer is neither an age nor a date.
fn years(answer: &str, at: UnixMillis) -> Option<i64> {
    let numbers: Vec<i64> = answer
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let (year, month, day) = match numbers.as_slice() {
        [years] if *years < 150 => return Some(*years),
        [date] if (19_000_101..=29_991_231).contains(date) => (date / 10_000, date / 100 % 100, date % 100),
        [year, month, day] => (*year, *month, *day),
        _ => return None,
    };
    if !(1_900..=2_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let today = at.business_day().to_string();
    let mut today = today.split('-').map(str::parse::<i64>);
    let (this_year, this_month, this_day) = (today.next()?.ok()?, today.next()?.ok()?, today.next()?.ok()?);
    let before_birthday = (this_month, this_day) < (month, day);
    let years = this_year - year - i64::from(before_birthday);
    (years >= 0).then_some(years)
}

/// What is known of a person as a whole, whatever they consented to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks {
    /// They said that they are under fourteen, and no guardian agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_14: Option<Marked>,
    /// Channels on which they can not be reached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreachable: BTreeMap<String, Marked>,
}

/// Since when, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// When.
    pub at: UnixMillis,
    /// What proves it.
    pub evidence: Evidence,
}

/// One thing to note of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// [`Marks::under_14`].
    Under14,
    /// [`Marks::unreachable`], on this channel.
    Unreachable(String),
}

impl Marks {
    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.under_14.is_none() && self.unreachable.is_empty()
    }

    /// Notes it unless the same or a later one is known; says whether it did.
    pub fn note(&mut self, mark: &Mark, at: UnixMillis, evidence: Evidence) -> bool {
        let known = match mark {
            Mark::Under14 => self.under_14.as_ref(),
            Mark::Unreachable(channel) => self.unreachable.get(channel),
        };
        if known.is_some_and(|known| known.at >= at) {
            return false;
        }
        let marked = Marked { at, evidence };
        match mark {
            Mark::Under14 => self.under_14 = Some(marked),
            Mark::Unreachable(channel) => {
                self.unreachable.insert(channel.clone(), marked);
            }
        }
        true
    }
}

/// What a route asks of the consent it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsentTerms {
    /// How the data is handled now; the person must have been told of each.
    pub methods: BTreeSet<Method>,
    /// Which kinds are handled now; the person must have been told of each.
    pub kinds: BTreeSet<Kind>,
    /// What must have been agreed to apart.
    pub separate: BTreeSet<Separate>,
    /// The channels that reach the person, of those the route may take; empty when one of them reaches staff.
    pub channels: BTreeSet<&'static str>,
}

impl ConsentTerms {
    /// How a consent stands at a moment under these terms: first whether it stands at all, then what it lacks, gravest first.
    pub fn standing(&self, record: Option<&ConsentRecord>, at: UnixMillis) -> Standing {
        let plain = standing(record, at);
        let (Standing::Granted, Some(record)) = (plain, record) else { return plain };
        if is_minor(record) {
            return Standing::GuardianMissing;
        }
        if !self.covered_by(record) {
            return Standing::Outdated;
        }
        let lacks = self.separate.iter().find(|asked| !record.separate.contains(asked));
        match lacks {
            Some(Separate::Sharing) => Standing::SharingMissing,
            Some(Separate::CrossBorder) => Standing::CrossBorderMissing,
            Some(Separate::Sensitive) => Standing::SensitiveMissing,
            None if self.out_of_reach(record) => Standing::Unreachable,
            None => Standing::Granted,
        }
    }

    /// Was the person told of everything that is done now? Doing less than one was told needs no new consent.
    fn covered_by(&self, record: &ConsentRecord) -> bool {
        match &record.notice {
            Some(notice) => self.methods.is_subset(&notice.methods) && self.kinds.is_subset(&notice.kinds),
            None => self.methods.is_empty() && self.kinds.is_empty(),
        }
    }

    /// A mark is as old as the answer it rests on: whoever agrees anew can be tried anew.
    fn out_of_reach(&self, record: &ConsentRecord) -> bool {
        let lost = |channel: &&'static str| {
            record.marks.unreachable.get(*channel).is_some_and(|mark| mark.at >= record.granted_at)
        };
        !self.channels.is_empty() && self.channels.iter().all(lost)
    }
}

/// By the form's own answer; where it did not ask or is older, by what the person said elsewhere.
fn is_minor(record: &ConsentRecord) -> bool {
    let marked_since = record.marks.under_14.as_ref().is_some_and(|mark| mark.at > record.granted_at);
    match record.age {
        Age::Under14 => true,
        Age::NotAsked => record.marks.under_14.is_some(),
        Age::Over14 | Age::Under14WithGuardian => marked_since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::{ConsentKey, ConsentText, Purpose, Recipient};
    use crate::id::{PersonId, TenantId};

    const NOW: UnixMillis = UnixMillis(1_795_248_000_000); // 2026-11-21, 16:00 in China

    fn record() -> ConsentRecord {
        let key = ConsentKey {
            tenant: TenantId::new("brand").unwrap(),
            person: PersonId::new("p-1").unwrap(),
            purpose: Purpose::new("sales_contact").unwrap(),
            recipient: Recipient::new("agency").unwrap(),
        };
        let text = ConsentText { version: "1".into(), sha256: "00".into() };
        ConsentRecord::new(key, text, NOW.plus_ms(-1_000), proof())
    }

    fn proof() -> Evidence {
        Evidence::Operator { note: "test".into() }
    }

    fn methods(names: &[&str]) -> BTreeSet<Method> {
        names.iter().map(|name| Method::new(*name).unwrap()).collect()
    }

    fn kinds(names: &[&str]) -> BTreeSet<Kind> {
        names.iter().map(|name| Kind::new(*name).unwrap()).collect()
    }

    fn told(methods_: &[&str], kinds_: &[&str]) -> ConsentRecord {
        let notice = Notice {
            methods: methods(methods_),
            kinds: kinds(kinds_),
            receiver: None,
            retention_days: None,
            rights: None,
            region: None,
        };
        ConsentRecord { notice: Some(notice), ..record() }
    }

    #[test]
    fn another_method_or_kind_than_was_told_needs_a_new_consent_and_fewer_do_not() {
        let terms = ConsentTerms {
            methods: methods(&["message"]),
            kinds: kinds(&["name", "phone"]),
            ..ConsentTerms::default()
        };
        let rows = [
            (told(&["message"], &["name", "phone"]), Standing::Granted),
            (told(&["message", "call"], &["name", "phone", "city"]), Standing::Granted),
            (told(&["call"], &["name", "phone"]), Standing::Outdated),
            (told(&["message"], &["phone"]), Standing::Outdated),
            (record(), Standing::Outdated),
        ];
        for (record, expected) in rows {
            assert_eq!(terms.standing(Some(&record), NOW), expected, "{:?}", record.notice);
        }
        assert_eq!(ConsentTerms::default().standing(Some(&record()), NOW), Standing::Granted);
        assert_eq!(terms.standing(None, NOW), Standing::Missing);
    }

    #[test]
    fn what_must_be_agreed_apart_is_missed_until_it_is() {
        let rows = [
            (Separate::Sharing, Standing::SharingMissing),
            (Separate::CrossBorder, Standing::CrossBorderMissing),
            (Separate::Sensitive, Standing::SensitiveMissing),
        ];
        for (asked, missing) in rows {
            let terms = ConsentTerms { separate: BTreeSet::from([asked]), ..ConsentTerms::default() };
            assert_eq!(terms.standing(Some(&record()), NOW), missing);
            let agreed = ConsentRecord { separate: BTreeSet::from([asked]), ..record() };
            assert_eq!(terms.standing(Some(&agreed), NOW), Standing::Granted);
        }
    }

    #[test]
    fn ages_are_read_in_years_and_dates_and_what_is_unclear_counts_as_young() {
        let rows = [
            ("12", Age::Under14),
            ("14", Age::Over14),
            ("13岁", Age::Under14),
            ("30 岁", Age::Over14),
            ("2012-11-21", Age::Over14),
            ("2012-11-22", Age::Under14),
            ("2012年11月21日", Age::Over14),
            ("20121122", Age::Under14),
            ("", Age::Under14),
            ("成年", Age::Under14),
            ("2012-13-40", Age::Under14),
            ("2099-01-01", Age::Under14),
            ("99999999999999999999", Age::Under14),
        ];
        for (answer, expected) in rows {
            assert_eq!(Age::read(answer, false, NOW), expected, "{answer}");
        }
        assert_eq!(Age::read("12", true, NOW), Age::Under14WithGuardian);
    }

    #[test]
    fn a_person_under_fourteen_needs_a_guardian_for_everything() {
        let terms = ConsentTerms::default();
        let of = |age| ConsentRecord { age, ..record() };
        assert_eq!(terms.standing(Some(&of(Age::Under14)), NOW), Standing::GuardianMissing);
        assert_eq!(terms.standing(Some(&of(Age::Under14WithGuardian)), NOW), Standing::Granted);
        let mut marked = record();
        assert!(marked.marks.note(&Mark::Under14, NOW.plus_ms(-5_000), proof()));
        assert_eq!(terms.standing(Some(&marked), NOW), Standing::GuardianMissing);
        let grown = ConsentRecord { age: Age::Over14, ..marked };
        assert_eq!(terms.standing(Some(&grown), NOW), Standing::Granted);
    }

    #[test]
    fn whoever_can_be_reached_on_no_channel_is_unreachable_until_they_agree_anew() {
        let terms = ConsentTerms {
            channels: BTreeSet::from(["wechat_custom", "feishu_app"]),
            ..ConsentTerms::default()
        };
        let mut record = record();
        assert!(record.marks.note(&Mark::Unreachable("wechat_custom".into()), NOW, proof()));
        assert_eq!(terms.standing(Some(&record), NOW), Standing::Granted);
        assert!(record.marks.note(&Mark::Unreachable("feishu_app".into()), NOW, proof()));
        assert_eq!(terms.standing(Some(&record), NOW), Standing::Unreachable);
        assert!(!record.marks.note(&Mark::Unreachable("feishu_app".into()), NOW, proof()));
        let anew = ConsentRecord { granted_at: NOW.plus_ms(1), ..record };
        assert_eq!(terms.standing(Some(&anew), NOW.plus_ms(2)), Standing::Granted);
    }
}
