//! What conditions may name.

use crate::destination::Channel;
use crate::event::{EventKind, Handling};
use crate::source::SchemeName;

use super::{FormStanding, Observed};
use crate::consent::Standing;

/// A fact by the name that conditions use. A new one needs: a field of [`super::Facts`], its value in `Observed`, and its lines here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// `event.kind`.
    EventKind,
    /// `event.scheme`.
    EventScheme,
    /// `event.form`.
    EventForm,
    /// `event.outgoing`.
    EventOutgoing,
    /// `event.by_application`.
    EventByApplication,
    /// `person.known`.
    PersonKnown,
    /// `consent.standing`.
    ConsentStanding,
    /// `consent.purpose`.
    ConsentPurpose,
    /// `consent.recipient`.
    ConsentRecipient,
    /// `time.hour`.
    TimeHour,
    /// `time.weekday`.
    TimeWeekday,
    /// `script.id`.
    ScriptId,
    /// `destination.id`.
    DestinationId,
    /// `destination.channel`.
    DestinationChannel,
    /// `destination.to_person`.
    DestinationToPerson,
    /// `message.names_sender`.
    MessageNamesSender,
    /// `censor.available`.
    CensorAvailable,
    /// `censor.long_text`.
    CensorLongText,
}

/// Which values a fact can have.
#[derive(Debug, Clone, Copy)]
pub enum Domain {
    /// True or false.
    Flag,
    /// One of some words, or none.
    Words(fn(u8) -> Option<&'static str>, u8),
    /// A whole number from the first to the last.
    Number(u8, u8),
    /// Any text, or none.
    Text,
}

const DAY_HOURS: u8 = 23;

impl Fact {
    /// Every fact, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::EventKind,
        Self::EventScheme,
        Self::EventForm,
        Self::EventOutgoing,
        Self::EventByApplication,
        Self::PersonKnown,
        Self::ConsentStanding,
        Self::ConsentPurpose,
        Self::ConsentRecipient,
        Self::TimeHour,
        Self::TimeWeekday,
        Self::ScriptId,
        Self::DestinationId,
        Self::DestinationChannel,
        Self::DestinationToPerson,
        Self::MessageNamesSender,
        Self::CensorAvailable,
        Self::CensorLongText,
    ];

    /// Section and name: `("event", "kind")`.
    pub fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::EventKind => ("event", "kind"),
            Self::EventScheme => ("event", "scheme"),
            Self::EventForm => ("event", "form"),
            Self::EventOutgoing => ("event", "outgoing"),
            Self::EventByApplication => ("event", "by_application"),
            Self::PersonKnown => ("person", "known"),
            Self::ConsentStanding => ("consent", "standing"),
            Self::ConsentPurpose => ("consent", "purpose"),
            Self::ConsentRecipient => ("consent", "recipient"),
            Self::TimeHour => ("time", "hour"),
            Self::TimeWeekday => ("time", "weekday"),
            Self::ScriptId => ("script", "id"),
            Self::DestinationId => ("destination", "id"),
            Self::DestinationChannel => ("destination", "channel"),
            Self::DestinationToPerson => ("destination", "to_person"),
            Self::MessageNamesSender => ("message", "names_sender"),
            Self::CensorAvailable => ("censor", "available"),
            Self::CensorLongText => ("censor", "long_text"),
        }
    }

    /// What it says, for `sluice rules facts`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::EventKind => "事件类型",
            Self::EventScheme => "来源的签名方式",
            Self::EventForm => "表单是否登记了同意文本;不是表单时为 none",
            Self::EventOutgoing => "账号自己发出的消息",
            Self::EventByApplication => "应用通过接口发出的消息",
            Self::PersonKnown => "平台指明了用户",
            Self::ConsentStanding => "所查同意的状态;没有查询时为 missing",
            Self::ConsentPurpose => "所查同意的用途;没有查询时为空",
            Self::ConsentRecipient => "所查同意的接收方;没有查询时为空",
            Self::TimeHour => "作出决定的小时(中国标准时间)",
            Self::TimeWeekday => "作出决定的星期,1 为星期一(中国标准时间)",
            Self::ScriptId => "话术编号(仅待发送内容)",
            Self::DestinationId => "目的地编号(仅待发送内容)",
            Self::DestinationChannel => "目的地渠道(仅待发送内容)",
            Self::DestinationToPerson => "直接发给用户本人,而不是内部人员(仅待发送内容)",
            Self::MessageNamesSender => "待发送内容写明了发送者名称",
            Self::CensorAvailable => "租户配置了远程内容安全检测(`safety`)",
            Self::CensorLongText => {
                "配置了远程检测,且事件或待发送内容的文本合计超过 `safety.longer_than` 个字符"
            }
        }
    }

    /// Which values it can have.
    pub fn domain(self) -> Domain {
        match self {
            Self::EventOutgoing
            | Self::EventByApplication
            | Self::PersonKnown
            | Self::DestinationToPerson
            | Self::MessageNamesSender
            | Self::CensorAvailable
            | Self::CensorLongText => Domain::Flag,
            Self::TimeHour => Domain::Number(0, DAY_HOURS),
            Self::TimeWeekday => Domain::Number(1, 7),
            Self::ConsentPurpose | Self::ConsentRecipient | Self::ScriptId | Self::DestinationId => {
                Domain::Text
            }
            Self::EventKind => Domain::Words(kind, count(kind)),
            Self::EventScheme => Domain::Words(scheme, count(scheme)),
            Self::EventForm => Domain::Words(form, count(form)),
            Self::ConsentStanding => Domain::Words(standing, count(standing)),
            Self::DestinationChannel => Domain::Words(channel, count(channel)),
        }
    }

    /// The value's number: an index into the words (0 = none), 0 or 1, or the number itself; 0 for texts.
    pub(super) fn code(self, observed: &Observed) -> u8 {
        let inputs = &observed.inputs;
        match self {
            Self::EventKind => word_code(kind, observed.kind.map(EventKind::as_str)),
            Self::EventScheme => word_code(scheme, inputs.scheme.map(SchemeName::as_str)),
            Self::EventForm => word_code(form, Some(inputs.form.as_str())),
            Self::EventOutgoing => inputs.outgoing.into(),
            Self::EventByApplication => inputs.by_application.into(),
            Self::PersonKnown => observed.has_person.into(),
            Self::ConsentStanding => {
                let found = observed.consent.as_ref().map_or(Standing::Missing, |check| check.standing);
                word_code(standing, Some(found.as_str()))
            }
            Self::TimeHour => observed.at.china_hour(),
            Self::TimeWeekday => observed.at.business_day().weekday(),
            Self::DestinationChannel => word_code(channel, observed.channel),
            Self::DestinationToPerson => {
                observed.channel.is_some_and(|channel| Channel::TO_PERSON.contains(&channel)).into()
            }
            Self::MessageNamesSender => observed.names_sender.into(),
            Self::CensorAvailable => inputs.censor.into(),
            Self::CensorLongText => inputs.long_text.into(),
            Self::ConsentPurpose | Self::ConsentRecipient | Self::ScriptId | Self::DestinationId => 0,
        }
    }

    /// The value of a text.
    pub(super) fn text(self, observed: &Observed) -> Option<&str> {
        let key = observed.consent.as_ref().map(|check| &check.key);
        match self {
            Self::ConsentPurpose => key.map(|key| key.purpose.as_str()),
            Self::ConsentRecipient => key.map(|key| key.recipient.as_str()),
            Self::ScriptId => observed.script.as_ref().map(crate::id::ScriptId::as_str),
            Self::DestinationId => observed.destination.as_ref().map(crate::id::DestinationId::as_str),
            _ => None,
        }
    }
}

/// Do rules ever see this kind? Lifecycle kinds are recorded only.
pub(super) fn is_decided(kind: EventKind) -> bool {
    kind.handling() == Handling::Dispatch
}

/// Numbers of words, from 1; 0 is none.
type Word = fn(u8) -> Option<&'static str>;

fn kind(code: u8) -> Option<&'static str> {
    let dispatched = EventKind::ALL.iter().filter(|kind| is_decided(**kind));
    nth(dispatched.map(|kind| kind.as_str()), code)
}

fn scheme(code: u8) -> Option<&'static str> {
    nth(SchemeName::ALL.iter().map(|scheme| scheme.as_str()), code)
}

fn form(code: u8) -> Option<&'static str> {
    nth(FormStanding::ALL.iter().map(|form| form.as_str()), code)
}

fn standing(code: u8) -> Option<&'static str> {
    nth(Standing::ALL.into_iter().map(Standing::as_str), code)
}

fn channel(code: u8) -> Option<&'static str> {
    nth(Channel::NAMES.into_iter(), code)
}

fn nth(mut words: impl Iterator<Item = &'static str>, code: u8) -> Option<&'static str> {
    words.nth(usize::from(code).checked_sub(1)?)
}

fn count(word: Word) -> u8 {
    (1..=u8::MAX).take_while(|code| word(*code).is_some()).last().unwrap_or(0)
}

/// A word that is not in the list is none: lifecycle kinds are never decided on.
fn word_code(word: Word, wanted: Option<&str>) -> u8 {
    let Some(wanted) = wanted else { return 0 };
    (1..=u8::MAX)
        .map_while(|code| word(code).map(|word| (code, word)))
        .find_map(|(code, word)| (word == wanted).then_some(code))
        .unwrap_or(0)
}
